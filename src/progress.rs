//! A bar on standard error while bytes are read. The only user of indicatif; it measures with a clock, but nothing
//! that it knows reaches a report. Whether it may show is decided by `main` (terminal, `--quiet`, `--no-progress`).

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Work shorter than this shows nothing: a bar that flashes by is noise.
const FIRST_DRAW_MS: u64 = 500;
/// Time between two drawings.
const REDRAW_MS: u64 = 100;

const WITH_TOTAL: &str = "{bytes}/{total_bytes} [{bar:30}] {bytes_per_sec}, {eta} left";
const WITHOUT_TOTAL: &str = "{bytes}, {bytes_per_sec}, {elapsed} so far";

/// How far the reading is. Shared by reference between the workers; cleared when dropped.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    done_bytes: AtomicU64,
    started: Instant,
    /// Milliseconds after `started` from which the next drawing is due. Whoever moves it on, draws.
    next_draw_ms: AtomicU64,
}

impl Progress {
    /// Begins. `total_bytes` is on-disk size, and none where it cannot be known (a pipe).
    #[must_use]
    pub fn new(total_bytes: Option<u64>, enabled: bool) -> Self {
        Self {
            bar: enabled.then(|| new_bar(total_bytes)),
            done_bytes: AtomicU64::new(0),
            started: Instant::now(),
            next_draw_ms: AtomicU64::new(FIRST_DRAW_MS),
        }
    }

    /// Counts bytes as done: once a chunk, from any thread. Costs an addition, and a look at the clock where a bar may
    /// show.
    pub fn advance(&self, bytes: u64) {
        let done = self.done_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let Some(bar) = &self.bar else { return };
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due = self.next_draw_ms.load(Ordering::Relaxed);
        let mine = now >= due
            && self.next_draw_ms.compare_exchange(due, now + REDRAW_MS, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if mine {
            if due == FIRST_DRAW_MS {
                bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(20));
            }
            bar.set_position(done);
            bar.tick();
        }
    }

    /// Bytes counted so far.
    #[must_use]
    pub fn done_bytes(&self) -> u64 {
        self.done_bytes.load(Ordering::Relaxed)
    }

    /// Takes the bar off the screen. Dropping does the same.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// A bar that is not shown yet.
fn new_bar(total_bytes: Option<u64>) -> ProgressBar {
    let template = if total_bytes.is_some() { WITH_TOTAL } else { WITHOUT_TOTAL };
    // A template that does not parse would only cost the bar its looks; a test keeps both sound.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(total_bytes, ProgressDrawTarget::hidden()).with_style(style.progress_chars("=> "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_parse() {
        assert!(ProgressStyle::with_template(WITH_TOTAL).is_ok());
        assert!(ProgressStyle::with_template(WITHOUT_TOTAL).is_ok());
    }

    #[test]
    fn counts_from_many_threads_whether_shown_or_not() {
        for enabled in [false, true] {
            let progress = Progress::new(Some(8000), enabled);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| (0..1000).for_each(|_| progress.advance(1)));
                }
            });
            assert_eq!(progress.done_bytes(), 8000);
        }
    }
}
