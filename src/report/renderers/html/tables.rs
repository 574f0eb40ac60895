//! Rows of numbers, and the slices of the log that they and the drawings show.

use super::page::Page;
use crate::{
    model::{report::Window, time::Time},
    report::words::count,
};

/// A head of words.
pub(super) fn head(page: &mut Page, columns: &[&str]) {
    page.within("thead", &[], |page| {
        page.within("tr", &[], |page| {
            for column in columns {
                page.within("th", &[("scope", "col")], |page| {
                    page.text(column);
                });
            }
        });
    });
}

pub(super) fn row(page: &mut Page, name: &str, numbers: &[u64]) {
    page.within("tr", &[], |page| {
        page.within("th", &[("scope", "row")], |page| {
            page.text(name);
        });
        for number in numbers {
            page.element("td", &count(*number));
        }
    });
}

/// A slice of the whole log.
#[derive(Clone, Copy, Default)]
pub(super) struct Slice {
    pub(super) requests: u64,
    pub(super) status_401: u64,
    pub(super) status_403: u64,
}

impl Slice {
    fn add(&mut self, window: &Window) {
        self.requests += window.requests;
        self.status_401 += window.status_401;
        self.status_403 += window.status_403;
    }

    pub(super) fn refused(self) -> u64 {
        self.status_401 + self.status_403
    }
}

/// So many slices of some seconds from a time on.
pub(super) fn slices(windows: &[Window], start: Time, secs: u32, number: u32) -> Vec<Slice> {
    let mut slices = vec![Slice::default(); number as usize];
    for window in windows {
        let at = window.start.0.saturating_sub(start.0) / secs.max(1);
        if let Some(slice) = slices.get_mut(at as usize) {
            slice.add(window);
        }
    }
    slices
}
