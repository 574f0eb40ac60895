//! From the pieces of a template to the steps of a plan. Owns which field wins where two mean the same, and by what
//! each field ends; the grammar is in `template.rs`, the cutting in `plan.rs`.

use super::{
    plan::{End, Next, Plan, Step},
    strftime::Strftime,
    template::{self, Content, Directive, Escape, Syntax, Template, TemplateError},
    variables::{self, Meaning, Text, TimeKind, Variable},
};
use std::mem::discriminant;

/// `%{format}t` that writes what `%t` writes, without its brackets.
const CLF_SHAPE: &str = "%d/%b/%Y:%H:%M:%S %z";

impl Plan {
    /// Compiles the text of nginx's `log_format` or of Apache's `LogFormat`: bare, or as it stands in the server's
    /// configuration.
    ///
    /// # Errors
    /// Where the text is no such format, and what was expected there.
    pub fn compile(text: &str, syntax: Syntax) -> Result<Self, TemplateError> {
        Self::compile_for(text, syntax, None)
    }

    /// As [`Plan::compile`], with a field for the client that is not taken for one by itself.
    ///
    /// # Errors
    /// As [`Plan::compile`].
    pub(super) fn compile_for(text: &str, syntax: Syntax, client: Option<&str>) -> Result<Self, TemplateError> {
        let template = template::read(text, syntax)?;
        let mut items = items(&template)?;
        choose_client(&mut items, client);
        settle(&mut items);
        merge(&mut items);
        check_borders(&items)?;
        Ok(plan(&items, template.escape))
    }
}

/// Takes the field of this name for the client, before any other.
fn choose_client(items: &mut [Item], name: Option<&str>) {
    let bare = |name: &str| name.trim_start_matches(['$', '%']).to_ascii_lowercase();
    let Some(name) = name else { return };
    let is_named = items.iter().any(|item| matches!(item, Item::Field(field) if bare(&field.name) == bare(name)));
    for item in items.iter_mut().filter(|_| is_named) {
        if let Item::Field(field) = item {
            match &mut field.variable.meaning {
                _ if bare(&field.name) == bare(name) => {
                    field.variable = Variable { meaning: Meaning::Client, rank: 0, text: field.variable.text };
                }
                Meaning::Client => field.variable.rank += 1,
                _ => {}
            }
        }
    }
}

/// A fixed text or a field.
enum Item {
    Literal(Vec<u8>),
    Field(Field),
}

struct Field {
    column: usize,
    name: String,
    variable: Variable,
    /// It only continues a target: `$is_args`, `$args`, `%q`.
    is_query: bool,
}

// ---- pieces to items ------------------------------------------------------------------------------------------

fn items(template: &Template) -> Result<Vec<Item>, TemplateError> {
    let mut items = Vec::new();
    for piece in &template.pieces {
        match &piece.content {
            Content::Literal(byte) => push_literal(&mut items, &[*byte]),
            Content::Variable(name) => items.push(Item::Field(Field {
                column: piece.column,
                name: format!("${name}"),
                variable: variables::nginx(name),
                is_query: matches!(name.as_str(), "is_args" | "args" | "query_string"),
            })),
            Content::Directive(directive) => push_directive(&mut items, directive, piece.column)?,
        }
    }
    Ok(items)
}

fn push_literal(items: &mut Vec<Item>, text: &[u8]) {
    match items.last_mut() {
        Some(Item::Literal(last)) => last.extend(text),
        _ => items.push(Item::Literal(text.to_vec())),
    }
}

/// An Apache directive; `%t` brings its own brackets, unless it is logged for some statuses only.
fn push_directive(items: &mut Vec<Item>, directive: &Directive, column: usize) -> Result<(), TemplateError> {
    let name = directive.written();
    let Some(mut variable) = variables::apache(directive) else {
        return Err(TemplateError::UnknownDirective { column, found: name });
    };
    let is_time = matches!(variable.meaning, Meaning::Time(_));
    if is_time && directive.conditional {
        variable = Variable { meaning: Meaning::Skip, rank: 0, text: Text::Free };
    }
    let brackets = variable.meaning == Meaning::Time(TimeKind::Clf);
    if directive.argument.as_deref() == Some(CLF_SHAPE) && is_time && !directive.conditional {
        variable.meaning = Meaning::Time(TimeKind::Clf);
    }
    let is_query = directive.name == "q";
    if brackets {
        push_literal(items, b"[");
    }
    items.push(Item::Field(Field { column, name, variable, is_query }));
    if brackets {
        push_literal(items, b"]");
    }
    Ok(())
}

// ---- one field for each meaning -------------------------------------------------------------------------------

fn fields(items: &[Item]) -> impl Iterator<Item = &Field> {
    items.iter().filter_map(|item| match item {
        Item::Field(field) => Some(field),
        Item::Literal(_) => None,
    })
}

/// Leaves one field for each meaning: the one of lowest rank, or else the first. The others are still cut, to find
/// the fields after them.
fn settle(items: &mut [Item]) {
    let time = best_time(items);
    let has_request = fields(items).any(|f| f.variable.meaning == Meaning::Request);
    let mut kept = Vec::new();
    let mut ranked: Vec<&mut Field> = items
        .iter_mut()
        .filter_map(|item| match item {
            Item::Field(field) => Some(field),
            Item::Literal(_) => None,
        })
        .collect();
    ranked.sort_by_key(|f| (f.variable.rank, f.column));
    for field in ranked {
        let meaning = &mut field.variable.meaning;
        let keep = match meaning {
            Meaning::Skip | Meaning::Count | Meaning::Decimals | Meaning::Pattern(_) => continue,
            Meaning::Time(TimeKind::Shaped(_)) => time == BestTime::Shaped,
            Meaning::Time(kind) => {
                time == BestTime::Column(field.column) || matches!((&time, kind), (BestTime::None, _))
            }
            Meaning::Method | Meaning::Target | Meaning::Protocol if has_request => false,
            _ => !kept.contains(&discriminant(meaning)),
        };
        if keep {
            kept.push(discriminant(meaning));
        } else {
            demote(&mut field.variable);
        }
    }
}

/// Which of the times of a template is read.
#[derive(PartialEq, Eq)]
enum BestTime {
    None,
    /// The whole one at this column.
    Column(usize),
    /// All of those in the operator's shape, together.
    Shaped,
}

/// A whole time with a zone before a shaped one, that before a count.
fn best_time(items: &[Item]) -> BestTime {
    let whole = |wanted: fn(&TimeKind) -> bool| {
        fields(items)
            .filter(|f| matches!(&f.variable.meaning, Meaning::Time(kind) if wanted(kind)))
            .min_by_key(|f| (f.variable.rank, f.column))
            .map(|f| BestTime::Column(f.column))
    };
    let shapes: Vec<&Strftime> = fields(items)
        .filter_map(|f| match &f.variable.meaning {
            Meaning::Time(TimeKind::Shaped(shape)) => Some(shape),
            _ => None,
        })
        .collect();
    let shaped = || Strftime::has_date(&shapes).then_some(BestTime::Shaped);
    whole(|kind| matches!(kind, TimeKind::Clf | TimeKind::Iso))
        .or_else(shaped)
        .or_else(|| whole(|kind| matches!(kind, TimeKind::Epoch(_))))
        .unwrap_or(BestTime::None)
}

/// A field that is cut but not kept.
fn demote(variable: &mut Variable) {
    variable.meaning = match &variable.meaning {
        Meaning::Status | Meaning::Bytes if variable.rank < variables::CONDITIONAL => Meaning::Count,
        Meaning::Time(TimeKind::Shaped(shape)) => Meaning::Pattern(shape.clone()),
        Meaning::Time(TimeKind::Clf) => {
            variable.text = Text::Free;
            Meaning::Skip
        }
        _ => Meaning::Skip,
    };
}

// ---- borders --------------------------------------------------------------------------------------------------

/// Takes together what stands without a border and needs none: a target and its query, two fields not kept.
fn merge(items: &mut Vec<Item>) {
    items.dedup_by(|next, last| match (last, next) {
        (Item::Field(last), Item::Field(next)) => {
            let query = last.variable.meaning == Meaning::Target && next.is_query;
            let skipped = last.variable.meaning == Meaning::Skip && next.variable.meaning == Meaning::Skip;
            if skipped && next.variable.text != Text::Word {
                last.variable.text = next.variable.text;
            }
            if query || skipped {
                last.name.push_str(&next.name);
            }
            query || skipped
        }
        _ => false,
    });
}

/// Whether a field knows its own length.
fn knows_length(meaning: &Meaning) -> bool {
    matches!(
        meaning,
        Meaning::Status
            | Meaning::Bytes
            | Meaning::Count
            | Meaning::Pattern(_)
            | Meaning::Time(TimeKind::Clf | TimeKind::Shaped(_))
    )
}

/// Two fields side by side need a border: the first knows its length, or the second begins with a slash.
fn check_borders(items: &[Item]) -> Result<(), TemplateError> {
    for pair in items.windows(2) {
        if let [Item::Field(first), Item::Field(second)] = pair
            && !knows_length(&first.variable.meaning)
            && second.variable.meaning != Meaning::Target
        {
            return Err(TemplateError::NoBorder {
                column: second.column,
                first: first.name.clone(),
                second: second.name.clone(),
            });
        }
    }
    Ok(())
}

// ---- steps ----------------------------------------------------------------------------------------------------

fn plan(items: &[Item], escape: Escape) -> Plan {
    let has = |wanted: fn(&Meaning) -> bool| fields(items).any(|f| wanted(&f.variable.meaning));
    let has_client = has(|m| *m == Meaning::Client);
    let has_forwarded = has(|m| *m == Meaning::ForwardedFor);
    let missing = [
        ("time", has(|m| matches!(m, Meaning::Time(_)))),
        ("client", has_client || has_forwarded),
        ("status", has(|m| *m == Meaning::Status)),
    ];
    Plan {
        lead: literal_at(items, 0).into(),
        steps: (0..items.len()).filter_map(|i| step(items, i, escape)).collect(),
        names: fields(items).map(|field| field.name.clone()).collect(),
        missing: missing.iter().filter(|(_, there)| !there).map(|(name, _)| *name).collect(),
        client_is_forwarded: !has_client && has_forwarded,
        shaped_time: has(|m| matches!(m, Meaning::Time(TimeKind::Shaped(_)))),
        in_any_order: false,
    }
}

/// The fixed text at an index, or nothing.
fn literal_at(items: &[Item], i: usize) -> &[u8] {
    match items.get(i) {
        Some(Item::Literal(text)) => text,
        _ => &[],
    }
}

/// The field at an index, or after the fixed text there.
fn field_from(items: &[Item], i: usize) -> Option<&Field> {
    items.get(i..).and_then(|rest| fields(rest).next())
}

fn step(items: &[Item], i: usize, escape: Escape) -> Option<Step> {
    let Item::Field(field) = items.get(i)? else { return None };
    let before = i.checked_sub(1).map(|i| literal_at(items, i)).unwrap_or_default();
    let after = literal_at(items, i + 1);
    let following = field_from(items, i + 1);
    let next = match following.map(|f| &f.variable.meaning) {
        Some(Meaning::Time(TimeKind::Clf)) => Next::Time,
        Some(Meaning::Request) => Next::Request,
        Some(Meaning::Status) => Next::Status,
        _ => Next::Other,
    };
    let end = match (after.first(), following) {
        _ if knows_length(&field.variable.meaning) => End::Own,
        (None, None) => match field.variable.text {
            Text::Word => End::LastWord,
            Text::List => End::LastList,
            Text::Free => End::Line,
        },
        // What follows is a target, see `check_borders`.
        (None, Some(_)) => End::Byte(b'/'),
        (Some(b'"'), _) if before.last() == Some(&b'"') => match escape {
            Escape::Backslash => End::Quote,
            Escape::None => End::Byte(b'"'),
        },
        (Some(first), _) => {
            let ahead = matches!(next, Next::Time | Next::Status).then(|| literal_at(items, i + 3));
            bare_end(field, *first, ahead, follows_word(items, i))
        }
    };
    Some(Step { meaning: field.variable.meaning.clone(), end, after: after.into(), next })
}

/// Whether only a blank parts the field at an index from one before it that may be any word.
fn follows_word(items: &[Item], i: usize) -> bool {
    match i.checked_sub(2).and_then(|from| items.get(from..i)) {
        Some([Item::Field(field), Item::Literal(between)]) => {
            between == b" " && matches!(field.variable.meaning, Meaning::Skip | Meaning::Vhost)
        }
        _ => false,
    }
}

/// The end of a field outside double quotes. `ahead` is the text after the next field, if that is one by
/// which the place can be told.
fn bare_end(field: &Field, first: u8, ahead: Option<&[u8]>, after_word: bool) -> End {
    match (&field.variable.meaning, field.variable.text) {
        (Meaning::Request, _) => End::Request,
        (Meaning::Vhost, _) if first == b':' => End::Host,
        (meaning, Text::Free) => {
            End::Text { ahead: ahead.map(Into::into), after_word: *meaning == Meaning::User && after_word }
        }
        (_, Text::List) if first == b' ' => End::List,
        _ => End::Byte(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::event::Reason, parse::timestamp::ClfMemo};

    fn column(text: &str, syntax: Syntax) -> String {
        Plan::compile(text, syntax).map_or_else(|e| e.to_string(), |p| format!("{} fields", p.steps.len()))
    }

    #[test]
    fn a_statement_is_the_template_in_it() {
        let bare = Plan::compile("$remote_addr - $remote_user [$time_local] \"$request\" $status", Syntax::Nginx);
        assert!(bare.is_ok());
        for text in [
            "log_format main '$remote_addr - $remote_user [$time_local] '\n    '\"$request\" $status';",
            "log_format main escape=json '$remote_addr - $remote_user [$time_local] ' # who\n '\"$request\" $status' ;\n",
            "  log_format main \"$remote_addr - $remote_user [$time_local] \\\"$request\\\" $status\";",
            "'$remote_addr - $remote_user [$time_local] ' '\"$request\" $status';",
            "${remote_addr} - ${remote_user} [${time_local}] \"${request}\" ${status}\n",
        ] {
            assert_eq!(Plan::compile(text, Syntax::Nginx), bare, "{text}");
        }
        let bare = Plan::compile("%h %l %u %t \"%r\" %>s %b", Syntax::Apache);
        for text in [
            r#"LogFormat "%h %l %u %t \"%r\" %>s %b" common"#,
            r#"    logformat '%h %l %u %t "%r" %>s %b'"#,
            r#"CustomLog "logs/access log" "%h %l %u %t \"%r\" %>s %b" env=!dontlog"#,
            r#"%h %l %u %t \"%r\" %>s %b"#,
        ] {
            assert_eq!(Plan::compile(text, Syntax::Apache), bare, "{text}");
        }
    }

    #[test]
    fn errors_say_where() {
        assert_eq!(
            column("$remote_addr $ x", Syntax::Nginx),
            "log format, column 15: expected a variable name, found \" x\""
        );
        assert_eq!(
            column("log_format m '$remote_addr ${status'", Syntax::Nginx),
            "log format, column 36: expected a closing brace, found the end"
        );
        assert_eq!(
            column("log_format m '$remote_addr", Syntax::Nginx),
            "log format, column 27: expected the closing quote, found the end"
        );
        assert_eq!(
            column("LogFormat \"%h \\\"%y\\\"\"", Syntax::Apache),
            "log format, column 17: expected a directive of mod_log_config, found \"%y\"; a percent sign is written %%"
        );
        assert_eq!(
            column("$remote_addr$remote_user", Syntax::Nginx),
            "log format, column 13: expected text between $remote_addr and $remote_user, found none; without it nobody can \
             tell where the first one ends"
        );
        assert_eq!(column("plain", Syntax::Nginx).split(':').next(), Some("log format"));
        assert_eq!(
            column("%h %{Referer", Syntax::Apache),
            "log format, column 13: expected a closing brace, found the end"
        );
    }

    #[test]
    fn the_final_status_wins() {
        let plan = Plan::compile("%h %t %s %<s %>s", Syntax::Apache);
        let line = b"192.0.2.1 [10/Mar/2026:10:20:52 +0000] 200 301 404";
        let status = plan.map(|p| p.parse(line, &mut ClfMemo::default()).map(|e| e.status));
        assert_eq!(status, Ok(Ok(404)));
    }

    #[test]
    fn a_plan_without_a_time_rejects() {
        let plan = Plan::compile("%h %>s", Syntax::Apache).unwrap_or_default();
        assert_eq!(plan.missing(), ["time"]);
        let reason = plan.parse(b"192.0.2.1 200", &mut ClfMemo::default()).map_err(|r| r.reason);
        assert_eq!(reason, Err(Reason::NoField));
        assert!(Plan::default().parse(b"", &mut ClfMemo::default()).is_err());
    }
}
