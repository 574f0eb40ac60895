//! What `authfault doctor` found, for people: what the format is, a line taken apart, what does not fit, what cannot
//! be told, and what to configure.

use super::page::{Page, Prose, Tone};
use crate::{
    model::diagnosis::{Diagnosis, Field, FileDiagnosis, Sample},
    report::{
        Options,
        words::{count, counted, share},
    },
};

/// Columns of the names of fields.
const NAME_COLUMNS: usize = 24;

/// The findings as a page.
#[must_use]
pub(in crate::report) fn render(diagnosis: &Diagnosis, options: &Options) -> Vec<u8> {
    let mut page = Page::new(options.width, options.color, options.ascii);
    for (i, file) in diagnosis.files.iter().enumerate() {
        if i > 0 {
            page.blank();
        }
        self::file(&mut page, file);
    }
    page.into_bytes()
}

fn file(page: &mut Page, file: &FileDiagnosis) {
    let text = file.lines - file.blank.min(file.lines);
    let path = if file.path == "-" { "standard input" } else { &file.path };
    let prose = match file.format.as_str() {
        "" if file.lines == 0 => Prose::new().toned(Tone::Unsure, &format!("{path}: empty")),
        "" if text == 0 => Prose::new().toned(Tone::Unsure, &format!("{path}: nothing but empty lines and comments")),
        "" => Prose::new().toned(Tone::Bad, &format!("{path}: in no known format")),
        format => Prose::new().toned(Tone::Strong, &format!("{path}: {format}")).text(&format!(
            ", {} of {} read ({})",
            count(file.parsed),
            counted(text, "line", "lines"),
            share(file.parsed, text)
        )),
    };
    page.wrapped(0, 2, &prose);
    if !file.wrappers.is_empty() {
        page.wrapped(2, 4, &Prose::new().text(&format!("inside {}", file.wrappers.join(", inside "))));
    }
    if file.formats.len() > 1 {
        let others = file.formats.iter().filter(|(name, _)| **name != file.format);
        let others: Vec<String> = others.map(|(name, lines)| format!("{} in {name}", count(*lines))).collect();
        page.wrapped(2, 4, &Prose::new().text(&format!("among them {}", others.join(", "))));
    }
    if let Some(sample) = &file.sample {
        self::sample(page, sample);
    }
    misfits(page, file);
    if let Some(advice) = &file.advice {
        page.heading("What to do");
        page.wrapped(2, 4, &Prose::new().text(&advice.inert()));
    }
    limits(page, file);
}

fn sample(page: &mut Page, sample: &Sample) {
    page.heading("A line taken apart");
    page.wrapped(
        2,
        4,
        &Prose::new().toned(Tone::Faint, &format!("line {}: ", count(sample.line))).text(&sample.text.inert()),
    );
    if !sample.fields.is_empty() {
        fields(page, "as the format has it", &sample.fields);
    }
    fields(page, "as it is read", &sample.read_as);
}

fn fields(page: &mut Page, title: &'static str, fields: &[Field]) {
    page.line(2, &Prose::new().toned(Tone::Faint, title));
    for field in fields {
        let name = page.cut(&field.name, NAME_COLUMNS);
        let value = field.value.inert();
        let prose = Prose::new().text(&format!("{name:<NAME_COLUMNS$}  ")).text(&value);
        page.wrapped(4, 4 + NAME_COLUMNS + 2, &prose);
    }
}

fn misfits(page: &mut Page, file: &FileDiagnosis) {
    if file.misfits.is_empty() {
        return;
    }
    page.heading("Lines that do not fit");
    for misfit in &file.misfits {
        let prose = Prose::new()
            .toned(Tone::Unsure, &counted(misfit.lines, "line", "lines"))
            .text(&format!(": {} at column {}", misfit.reason, count(misfit.column)))
            .text(&format!(" (nearest is {}), ", misfit.nearest))
            .text(&if misfit.token.is_empty() { "the end".to_owned() } else { format!("`{}`", misfit.token.inert()) });
        page.wrapped(2, 4, &prose);
        let text = page.cut(&misfit.text.inert(), page.width.saturating_sub(16));
        page.line(4, &Prose::new().toned(Tone::Faint, &format!("line {}: ", count(misfit.first_line))).text(&text));
    }
}

fn limits(page: &mut Page, file: &FileDiagnosis) {
    if !file.limits.is_empty() {
        page.heading("What this log cannot tell");
    }
    for limit in &file.limits {
        page.wrapped(2, 4, &Prose::new().text(&format!("- no {}: {}", limit.missing, limit.consequence)));
    }
    if !file.remedies.is_empty() {
        page.heading("What to configure, so that it can");
    }
    for remedy in &file.remedies {
        page.line(2, &Prose::new().toned(Tone::Faint, remedy.server));
        for line in remedy.text.lines() {
            // Not wrapped: it is copied.
            page.line(4, &Prose::new().text(line));
        }
    }
}
