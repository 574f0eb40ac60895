//! Failures by hour and day. Owns the shades.

use super::{
    drawing::{LINE_PX, drawing, percent, px},
    page::Page,
    tables::{Slice, head, row, slices},
};
use crate::{
    model::{report::Report, time::Time},
    report::{
        story,
        words::{count, date},
    },
};

const DAY_SECS: u32 = 86_400;
const HOUR_SECS: u32 = 3_600;

/// Days of the heat map at most; the latest are shown.
const DAYS_MAX: u32 = 62;

/// Shades of the heat map from nothing to most.
const HEAT: [&str; 6] = ["h0", "h1", "h2", "h3", "h4", "h5"];

/// Failures by hour and day, where the log is longer than two days and its windows no longer than an hour.
pub(super) fn heat_map(page: &mut Page, report: &Report) {
    let (Some(first), Some(last)) = (report.windows.first(), report.windows.last()) else { return };
    let last_day = last.start.0 / DAY_SECS;
    let first_day = (first.start.0 / DAY_SECS).max((last_day + 1).saturating_sub(DAYS_MAX));
    let days = last_day - first_day + 1;
    let is_long = last.start.0.saturating_sub(first.start.0) > 2 * DAY_SECS;
    if !is_long || last.seconds > HOUR_SECS {
        return;
    }
    let start = Time(first_day * DAY_SECS);
    let later = report.windows.iter().filter(|window| window.start >= start).cloned().collect::<Vec<_>>();
    let hours = slices(&later, start, HOUR_SECS, days * 24);
    let most = hours.iter().map(|hour| hour.refused()).max().unwrap_or(0);
    if most == 0 {
        return;
    }
    page.classed("figure", "heat", |page| {
        page.within("figcaption", &[], |page| {
            page.text("401 and 403 by hour of the day (UTC), a row per day: ");
            page.labelled("span", "key h0", "none");
            page.labelled("span", "key h1", "1");
            page.labelled("span", "key h5", &count(most));
        });
        heat_cells(page, &hours, start, days, most);
        page.within("details", &[], |page| {
            page.element("summary", "The numbers of this map");
            heat_table(page, &hours, start);
        });
    });
}

/// Columns of percent that the day's name takes.
const DAY_PERCENT: f64 = 13.0;
const ROW_PX: f64 = 15.0;

fn heat_cells(page: &mut Page, hours: &[Slice], start: Time, days: u32, most: u64) {
    let height = LINE_PX + ROW_PX * f64::from(days) + 2.0;
    let width = (100.0 - DAY_PERCENT) / 24.0;
    let description = format!("{} days from {}, at most {} in an hour.", count(days.into()), date(start), count(most));
    drawing(page, height, "401 and 403 by hour and day", &description, |page| {
        for hour in (0..24).step_by(6) {
            let x = percent(DAY_PERCENT + width * f64::from(hour));
            page.within("text", &[("class", "tick"), ("x", &x), ("y", "12")], |page| {
                page.text(&format!("{hour:02}:00"));
            });
        }
        for (day, hours) in hours.chunks(24).enumerate() {
            let y = LINE_PX + ROW_PX * day as f64;
            let midnight = Time(start.0.saturating_add(DAY_SECS.saturating_mul(day as u32)));
            page.within("text", &[("class", "tick"), ("x", "0"), ("y", &px(y + 11.0))], |page| {
                page.text(&story::tick(midnight, false).chars().take(5).collect::<String>());
            });
            for (hour, slice) in hours.iter().enumerate() {
                let x = percent(DAY_PERCENT + width * hour as f64);
                let class = HEAT.get(heat(slice.refused(), most)).copied().unwrap_or("h0");
                page.within(
                    "rect",
                    &[
                        ("class", class),
                        ("x", &x),
                        ("y", &px(y)),
                        ("width", &percent(width * 0.94)),
                        ("height", &px(ROW_PX - 1.5)),
                    ],
                    |page| {
                        let time = story::tick(midnight, false).chars().take(5).collect::<String>();
                        page.element("title", &format!("{time} {hour:02}:00 {}", count(slice.refused())));
                    },
                );
            }
        }
    });
}

/// The shade of a count: by its root, since one bad hour would make all others equal.
fn heat(value: u64, most: u64) -> usize {
    if value == 0 {
        return 0;
    }
    let shades = (HEAT.len() - 1) as f64;
    ((value as f64 / most.max(1) as f64).sqrt() * shades).ceil().clamp(1.0, shades) as usize
}

fn heat_table(page: &mut Page, hours: &[Slice], start: Time) {
    page.classed("div", "scroll", |page| {
        page.within("table", &[], |page| {
            let names: Vec<String> = (0..24).map(|hour| format!("{hour:02}")).collect();
            let columns: Vec<&str> = std::iter::once("day").chain(names.iter().map(String::as_str)).collect();
            head(page, &columns);
            page.within("tbody", &[], |page| {
                for (day, hours) in hours.chunks(24).enumerate() {
                    let midnight = Time(start.0.saturating_add(DAY_SECS.saturating_mul(day as u32)));
                    let numbers: Vec<u64> = hours.iter().map(|hour| hour.refused()).collect();
                    row(page, &date(midnight), &numbers);
                }
            });
        });
    });
}
