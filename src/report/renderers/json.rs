//! `authfault-report/1` for programs. Owns its key order, its rounding and its escapes; shortens nothing.

use super::{Options, Renderer};
use crate::{
    model::{
        diagnosis::{Diagnosis, FileDiagnosis},
        incident::Incident,
        report::{ClientSummary, EventCauses, Input, Report, Totals, Window},
    },
    report::escape::is_active,
};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter};
use std::io::{self, Write};

pub(super) const RENDERER: Renderer =
    Renderer { id: "json", title: "authfault-report/1, for programs", extension: "json", render };

/// The contract's name for this shape. Adding a key keeps it; renaming one does not.
const SCHEMA: &str = "authfault-report/1";

/// The report as it stands in the contract, key by key.
#[derive(Serialize)]
struct View<'a> {
    schema: &'static str,
    tool: Tool,
    input: &'a Input,
    totals: &'a Totals,
    event_causes: &'a EventCauses,
    incidents: Vec<Incident>,
    windows: &'a [Window],
    clients: &'a [ClientSummary],
    limits: &'a [String],
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

fn render(report: &Report, _options: &Options) -> Vec<u8> {
    let view = View {
        schema: SCHEMA,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        input: &report.input,
        totals: &report.totals,
        event_causes: &report.event_causes,
        incidents: report.incidents.iter().cloned().map(rounded).collect(),
        windows: &report.windows,
        clients: &report.clients,
        limits: &report.limits,
    };
    written(&view)
}

/// The findings of `authfault doctor`: `authfault-doctor/1`.
pub(super) fn diagnosis(diagnosis: &Diagnosis) -> Vec<u8> {
    #[derive(Serialize)]
    struct View<'a> {
        schema: &'static str,
        tool: Tool,
        files: &'a [FileDiagnosis],
    }
    let tool = Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };
    written(&View { schema: "authfault-doctor/1", tool, files: &diagnosis.files })
}

fn written(view: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Inert(PrettyFormatter::new()));
    // Writing to a Vec cannot fail, and no key here is anything but a string.
    let written = view.serialize(&mut serializer);
    debug_assert!(written.is_ok(), "{written:?}");
    bytes.push(b'\n');
    bytes
}

/// Fewer digits than the last bits of a float, which may differ between machines.
fn rounded(mut incident: Incident) -> Incident {
    incident.confidence = decimals(incident.confidence, 3);
    incident.requests_failed_expected = decimals(incident.requests_failed_expected, 1);
    for evidence in &mut incident.evidence {
        evidence.figures.retain(|_, figure| figure.is_finite());
        for figure in evidence.figures.values_mut() {
            *figure = significant(*figure);
        }
    }
    incident
}

/// Rounded to some decimals; what is not a number becomes 0, since JSON has none for it.
fn decimals(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    let rounded = (value * scale).round() / scale;
    // The sum turns -0 into 0.
    if rounded.is_finite() { rounded + 0.0 } else { 0.0 }
}

/// Rounded to four significant digits; read back from decimal, so that the shortest form is printed. Whole
/// numbers are counts and keep every digit.
fn significant(value: f64) -> f64 {
    if value.fract() == 0.0 { value } else { format!("{value:.3e}").parse().unwrap_or(0.0) }
}

/// Pretty-printing that also escapes what acts on a terminal: JSON text is looked at with `cat` and `less`.
/// Nothing is lost, since a reader of JSON gets the character back.
struct Inert(PrettyFormatter<'static>);

impl Formatter for Inert {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| is_active(*c)) {
            writer.write_all(fragment.get(plain..at).unwrap_or_default().as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = at + c.len_utf8();
        }
        writer.write_all(fragment.get(plain..).unwrap_or_default().as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}
