//! Drawings as SVG: a frame with its scales and axes, bars of shares. Owns where things lie; knows no incident.
//!
//! A drawing has no view box: across it is measured in percent, so that it fills a telephone and a wide screen alike
//! while its letters keep their size; down it is measured in pixels.

use super::page::Page;
use crate::{model::time::Time, report::story};

/// Pixels of the letters' line above and below a drawing.
pub(super) const LINE_PX: f64 = 18.0;

/// Where things lie in a drawing: a span of time across, counts from zero up.
pub(super) struct Frame {
    start: f64,
    secs: f64,
    most: f64,
    height_px: f64,
}

impl Frame {
    pub(super) fn new((start, end): (Time, Time), most: u64, height_px: f64) -> Self {
        let secs = f64::from(end.0.saturating_sub(start.0).max(1));
        Self { start: f64::from(start.0), secs, most: (most.max(1)) as f64, height_px }
    }

    fn x(&self, time: f64) -> f64 {
        ((time - self.start) / self.secs * 100.0).clamp(0.0, 100.0)
    }

    fn height(&self, value: f64) -> f64 {
        (value / self.most).clamp(0.0, 1.0) * self.height_px
    }

    pub(super) fn floor(&self) -> f64 {
        LINE_PX + self.height_px
    }

    /// The band of a span of time, over the whole height.
    pub(super) fn band(&self, page: &mut Page, class: &'static str, from: Time, to: Time) {
        self.stretch(page, class, (from, to), LINE_PX, self.height_px);
    }

    /// A thin band at the top, in one of a few lanes.
    pub(super) fn strip(&self, page: &mut Page, class: &'static str, lane: u8, from: Time, to: Time) {
        self.stretch(page, class, (from, to), LINE_PX + 2.0 + f64::from(lane) * 5.0, 3.0);
    }

    fn stretch(&self, page: &mut Page, class: &'static str, (from, to): (Time, Time), y: f64, height: f64) {
        let (left, right) = (self.x(f64::from(from.0)), self.x(f64::from(to.0)));
        let (x, width) = (percent(left), percent((right - left).max(0.3)));
        page.empty("rect", &[("class", class), ("x", &x), ("y", &px(y)), ("width", &width), ("height", &px(height))]);
    }

    /// A bar from the floor up; what is not zero shows.
    pub(super) fn bar(&self, page: &mut Page, class: &'static str, from: Time, secs: u32, value: u64) {
        if value == 0 {
            return;
        }
        let height = self.height(value as f64).max(1.5);
        let width = f64::from(secs) / self.secs * 100.0;
        let x = self.x(f64::from(from.0)) + width * 0.08;
        page.empty(
            "rect",
            &[
                ("class", class),
                ("x", &percent(x)),
                ("y", &px(self.floor() - height)),
                ("width", &percent((width * 0.84).max(0.15))),
                ("height", &px(height)),
            ],
        );
    }

    /// A level across one slice.
    pub(super) fn level(&self, page: &mut Page, class: &'static str, from: Time, secs: u32, value: f64) {
        let y = px(self.floor() - self.height(value));
        let (left, right) = (self.x(f64::from(from.0)), self.x(f64::from(from.0) + f64::from(secs)));
        page.empty(
            "line",
            &[("class", class), ("x1", &percent(left)), ("x2", &percent(right)), ("y1", &y), ("y2", &y)],
        );
    }

    /// A line from top to bottom.
    pub(super) fn mark(&self, page: &mut Page, class: &'static str, at: Time) {
        let x = percent(self.x(f64::from(at.0)));
        page.empty(
            "line",
            &[("class", class), ("x1", &x), ("x2", &x), ("y1", &px(LINE_PX)), ("y2", &px(self.floor()))],
        );
    }

    /// The lines at the top and at the floor, and what the top stands for.
    pub(super) fn rules(&self, page: &mut Page, top: &str) {
        for (class, y) in [("grid", LINE_PX), ("grid", LINE_PX + self.height_px / 2.0), ("axis", self.floor())] {
            page.empty("line", &[("class", class), ("x1", "0"), ("x2", "100%"), ("y1", &px(y)), ("y2", &px(y))]);
        }
        page.within("text", &[("class", "tick"), ("x", "0"), ("y", &px(LINE_PX - 5.0))], |page| {
            page.text(top);
        });
    }

    /// Round times below the floor.
    pub(super) fn ticks(&self, page: &mut Page) {
        let one_day = story::is_one_day(Time(self.start as u32), Time((self.start + self.secs) as u32));
        let most = if one_day { 6.0 } else { 4.0 };
        let step = STEPS_SECS.iter().find(|step| self.secs / f64::from(**step) <= most).copied();
        let step = f64::from(step.unwrap_or((self.secs / most) as u32).max(1));
        let first = (self.start / step).ceil() * step;
        for i in 0..=(most as u32) {
            let time = first + step * f64::from(i);
            let x = self.x(time);
            if time > self.start + self.secs {
                break;
            }
            // A label near an end would stick out.
            let anchor = match x {
                x if x < 6.0 => "start",
                x if x > 94.0 => "end",
                _ => "middle",
            };
            let at = percent(x);
            let below = self.floor() + 4.0;
            page.empty(
                "line",
                &[("class", "axis"), ("x1", &at), ("x2", &at), ("y1", &px(self.floor())), ("y2", &px(below))],
            );
            page.within(
                "text",
                &[("class", "tick"), ("x", &at), ("y", &px(self.floor() + 16.0)), ("text-anchor", anchor)],
                |page| {
                    let day_only = step >= 86_400.0;
                    let label = story::tick(Time(time as u32), one_day);
                    page.text(if day_only { label.get(..5).unwrap_or_default() } else { &label });
                },
            );
        }
    }
}

/// Round spans between two labels of an axis.
const STEPS_SECS: [u32; 16] =
    [10, 30, 60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600];

pub(super) fn percent(value: f64) -> String {
    format!("{}%", trimmed(&format!("{value:.2}")))
}

pub(super) fn px(value: f64) -> String {
    trimmed(&format!("{value:.1}"))
}

/// Without zeros at the end of its decimals.
fn trimmed(text: &str) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A drawing with what it shows in words, for those who do not see it.
pub(super) fn drawing(
    page: &mut Page,
    height_px: f64,
    title: &str,
    description: &str,
    content: impl FnOnce(&mut Page),
) {
    page.within("svg", &[("role", "img"), ("width", "100%"), ("height", &px(height_px))], |page| {
        page.element("title", title);
        page.element("desc", description);
        content(page);
    });
}

/// A bar of parts of a whole, side by side: class, share and words of each.
pub(super) fn parts(page: &mut Page, title: &str, parts: &[(&'static str, u64, String)]) {
    let all: u64 = parts.iter().map(|(_, number, _)| number).sum();
    let description: Vec<&str> = parts.iter().map(|(_, _, words)| words.as_str()).collect();
    drawing(page, 22.0, title, &format!("{}.", description.join(", ")), |page| {
        let mut left = 0.0;
        for (class, number, words) in parts {
            let width = *number as f64 / all.max(1) as f64 * 100.0;
            page.within(
                "rect",
                &[("class", class), ("x", &percent(left)), ("y", "0"), ("width", &percent(width)), ("height", "22")],
                |page| {
                    page.element("title", words);
                },
            );
            left += width;
        }
    });
}

/// A bar for a share, in a table.
pub(super) fn share_bar(page: &mut Page, class: &'static str, part: u64, whole: u64) {
    let width = percent(part as f64 / whole.max(1) as f64 * 100.0);
    page.within("svg", &[("class", "share"), ("aria-hidden", "true"), ("width", "100%"), ("height", "10")], |page| {
        page.empty("rect", &[("class", "track"), ("x", "0"), ("y", "0"), ("width", "100%"), ("height", "10")]);
        if part > 0 {
            page.empty("rect", &[("class", class), ("x", "0"), ("y", "0"), ("width", &width), ("height", "10")]);
        }
    });
}
