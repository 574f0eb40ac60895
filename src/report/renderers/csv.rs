//! The course of the log as a table for spreadsheets and plots (RFC 4180). Shows windows only; no strangers' text.

use super::{Options, Renderer};
use crate::{
    model::report::{Report, Window},
    report::{
        escape,
        out::{Color, Out},
    },
};

pub(super) const RENDERER: Renderer = Renderer {
    id: "csv",
    title: "the course of the log, a row per window",
    extension: "csv",
    is_shared: false,
    render,
};

fn render(report: &Report, _options: &Options) -> Vec<u8> {
    let mut out = Out::new(escape::csv, Color::Off);
    out.markup("start,seconds,requests,clients,status_401,status_403,failing_clients\r\n");
    for window in &report.windows {
        row(&mut out, window);
    }
    out.into_bytes()
}

fn row(out: &mut Out, window: &Window) {
    out.time(window.start).markup(",").number(window.seconds.into());
    for number in [window.requests, window.clients, window.status_401, window.status_403, window.failing_clients] {
        out.markup(",").number(number);
    }
    out.markup("\r\n");
}
