//! The course of an incident as a small drawing. Owns its scale and axis; draws counts only, no strangers' text.

use super::page::{Glyphs, LABELLED, Page, Prose, Tone};
use crate::{
    model::{
        incident::{Incident, TimelinePoint},
        report::Report,
        time::Time,
    },
    report::{
        story::is_within,
        words::{befell, clock, clock_on, count, date, duration},
    },
};

/// Rows of the drawing: eight steps each.
const ROWS: usize = 3;

/// What one column shows.
#[derive(Clone, Copy)]
struct Column {
    failing: u64,
    within: bool,
}

/// Draws the failing clients per slice, with the extent of the incident on the axis.
pub(super) fn chart(page: &mut Page, incident: &Incident) {
    let points = &incident.timeline;
    let most = points.iter().map(|point| point.failing_clients).max().unwrap_or(0);
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    if most == 0 || points.len() < 2 {
        return;
    }
    let gutter = count(most).len() + 1;
    let room = page.width - LABELLED - gutter;
    let merged = points.len().div_ceil(room);
    let stretch = (room / points.len()).clamp(1, 2);
    let columns: Vec<Column> =
        points.chunks(merged).flat_map(|slices| std::iter::repeat_n(column(slices, incident), stretch)).collect();

    page.labelled("Course", &caption(incident, merged));
    for row in (0..ROWS).rev() {
        let label = if row + 1 == ROWS { count(most) } else { String::new() };
        let mut drawn = Prose::new().toned(Tone::Faint, &format!("{label:>width$} ", width = gutter - 1));
        for run in columns.chunk_by(|a, b| a.within == b.within) {
            let tone = if run.iter().all(|column| column.within) { Tone::Bad } else { Tone::Plain };
            let blocks = run.iter().map(|column| block(column.failing, most, ROWS, row, &page.glyphs));
            drawn = drawn.toned(tone, &blocks.collect::<String>());
        }
        page.line(LABELLED, &drawn);
    }
    let axis = axis(
        &columns,
        incident,
        (first.time, Time(last.time.0.saturating_add(incident.timeline_step_secs))),
        &page.glyphs,
    );
    page.line(LABELLED + gutter, &Prose::new().toned(Tone::Faint, &axis));
}

fn caption(incident: &Incident, merged: usize) -> Prose {
    let mut prose =
        Prose::new().text(&format!("clients {} in {}", befell(incident.status), duration(incident.timeline_step_secs)));
    if merged > 1 {
        prose = prose.text(&format!(", the highest of every {merged}"));
    }
    let Some(peak) =
        incident.timeline.iter().max_by_key(|point| (point.failing_clients, std::cmp::Reverse(point.time)))
    else {
        return prose;
    };
    prose.text(&format!(", at worst {} of {} then active", count(peak.failing_clients), count(peak.active_clients)))
}

/// The refusals of the whole log in one row of blocks, with the times at its ends.
pub(super) fn course(page: &mut Page, report: &Report) {
    let (Some(first), Some(last)) = (report.windows.first(), report.windows.last()) else { return };
    let end = last.start.0.saturating_add(last.seconds);
    let windows = end.saturating_sub(first.start.0) / last.seconds.max(1);
    // Too few to make a course, or nothing to draw.
    if windows < 6 || report.windows.iter().all(|window| window.status_401 + window.status_403 == 0) {
        return;
    }
    let room = (page.width - 2) as u32;
    let merged = windows.div_ceil(room);
    let slices = windows.div_ceil(merged);
    let sums = refused_per_slice(report, first.start, merged.saturating_mul(last.seconds), slices as usize);
    let most = sums.iter().copied().max().unwrap_or(0);
    let stretch = (room / slices).clamp(1, 3) as usize;
    let drawn: String =
        sums.iter().flat_map(|sum| std::iter::repeat_n(block(*sum, most, 1, 0, &page.glyphs), stretch)).collect();
    let caption = format!("401 and 403 in {}, at most {}:", duration(merged.saturating_mul(last.seconds)), count(most));
    page.wrapped(2, 4, &Prose::new().text(&caption));
    page.line(2, &Prose::new().text(&drawn));
    let mut axis = vec![page.glyphs.outside; drawn.chars().count()];
    let (from, to) = (first.start.minute(), clock_on(Time(end), first.start));
    lay(&mut axis, 0, &from);
    let at_the_right = axis.len().saturating_sub(to.len());
    lay(&mut axis, at_the_right, &to);
    page.line(2, &Prose::new().toned(Tone::Faint, &axis.into_iter().collect::<String>()));
}

/// The 401s and 403s of each of some slices.
fn refused_per_slice(report: &Report, start: Time, slice_secs: u32, slices: usize) -> Vec<u64> {
    let mut sums = vec![0; slices];
    for window in &report.windows {
        let at = window.start.0.saturating_sub(start.0) / slice_secs.max(1);
        if let Some(sum) = sums.get_mut(at as usize) {
            *sum += window.status_401 + window.status_403;
        }
    }
    sums
}

fn column(slices: &[TimelinePoint], incident: &Incident) -> Column {
    Column {
        failing: slices.iter().map(|point| point.failing_clients).max().unwrap_or(0),
        within: slices.iter().any(|point| is_within(incident, point.time)),
    }
}

/// The part of a column that lies in one row, counted from the bottom. What is not zero shows.
fn block(value: u64, most: u64, rows: usize, row: usize, glyphs: &Glyphs) -> char {
    let eighths = (u128::from(value) * (rows as u128 * 8)).div_ceil(u128::from(most.max(1))) as usize;
    let here = eighths.saturating_sub(row * 8).min(8);
    glyphs.up.get(here).copied().unwrap_or(' ')
}

/// One line: heavy where the incident was on, with the times at its ends and at its bounds laid over.
fn axis(columns: &[Column], incident: &Incident, (first, last): (Time, Time), glyphs: &Glyphs) -> String {
    let mut line: Vec<char> = columns.iter().map(|c| if c.within { glyphs.within } else { glyphs.outside }).collect();
    let one_day = date(first) == date(Time(last.0.saturating_sub(1)));
    let label = |time: Time| if one_day { clock(time) } else { time.minute().chars().skip(5).collect() };
    // The bounds of the incident come first; the ends of the axis are left out where they would touch them.
    if let Some(from) = columns.iter().position(|column| column.within) {
        lay(&mut line, from, &label(incident.start));
    }
    if let (Some(to), Some(end)) = (columns.iter().rposition(|column| column.within), incident.end) {
        lay(&mut line, to + 1, &label(end));
    }
    lay(&mut line, 0, &label(first));
    let at_the_right = line.len().saturating_sub(label(last).chars().count());
    lay(&mut line, at_the_right, &label(last));
    line.into_iter().collect()
}

/// Lays a label over the axis, unless it would reach over the end or touch another.
fn lay(line: &mut [char], at: usize, label: &str) {
    let width = label.chars().count();
    let around = line.get(at.saturating_sub(1)..(at + width + 1).min(line.len())).unwrap_or_default();
    let free = around.iter().all(|c| !c.is_ascii_digit());
    if let Some(spot) = line.get_mut(at..at + width).filter(|_| free) {
        spot.iter_mut().zip(label.chars()).for_each(|(old, new)| *old = new);
    }
}
