//! `authfault-report/1` for programs. Owns its key order, its rounding and its escapes; shortens nothing.

mod inert;

pub(super) use inert::line;

use super::{Options, Renderer};
use crate::model::{
    diagnosis::{Diagnosis, FileDiagnosis},
    incident::Incident,
    report::{ClientSummary, EventCauses, Input, Report, Totals, Window},
    story::Stories,
};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;

pub(super) const RENDERER: Renderer =
    Renderer { id: "json", title: "authfault-report/1, for programs", extension: "json", is_shared: false, render };

/// The contract's name for this shape. Adding a key keeps it; renaming one does not.
const SCHEMA: &str = "authfault-report/1";

/// What one run of authfault found. Names keep their meaning within version 1, and keys may be added. Times are
/// RFC 3339 in UTC.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "authfault-report/1")]
struct View<'a> {
    /// The name of this shape.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// What wrote it.
    tool: Tool,
    /// How much of the input this rests on.
    input: &'a Input,
    /// Sums over the span that the report is about, which is the whole input where none was asked for.
    totals: &'a Totals,
    /// Every 401 and 403 once, by cause.
    event_causes: &'a EventCauses,
    /// All of them, whatever the verdict: server-side ones first, then by start. One that began before the span asked
    /// for and lasted into it is told from its beginning on.
    incidents: Vec<Incident>,
    /// The course of that span: windows that hold a request.
    windows: &'a [Window],
    /// The clients with the most failures, most first.
    clients: &'a [ClientSummary],
    /// What this log cannot tell, one sentence each.
    limits: &'a [String],
}

#[derive(Serialize, JsonSchema)]
struct Tool {
    /// The program.
    name: &'static str,
    /// Its version.
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
    inert::pretty(&view)
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
    inert::pretty(&View { schema: "authfault-doctor/1", tool, files: &diagnosis.files })
}

/// Stories of clients: another schema, since they answer another question.
const STORY_SCHEMA: &str = "authfault-story/1";

#[derive(Serialize)]
struct StoriesView<'a> {
    schema: &'static str,
    tool: Tool,
    #[serde(flatten)]
    stories: &'a Stories,
}

/// The stories of clients, key by key.
pub(in crate::report) fn stories(stories: &Stories) -> Vec<u8> {
    let tool = Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };
    inert::pretty(&StoriesView { schema: STORY_SCHEMA, tool, stories })
}

/// One incident, as it stands in a report.
pub(super) fn alone(incident: &Incident) -> String {
    String::from_utf8_lossy(&inert::line(&rounded(incident.clone()))).trim_end().to_owned()
}

/// The shape of the report as a JSON Schema (draft 2020-12), from the types that are written.
#[must_use]
pub fn schema() -> Vec<u8> {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    inert::pretty(&settings.into_generator().into_root_schema_for::<View<'_>>())
}

/// Fewer digits than the last bits of a float, which may differ between machines.
pub(super) fn rounded(mut incident: Incident) -> Incident {
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
pub(super) fn decimals(value: f64, digits: i32) -> f64 {
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
