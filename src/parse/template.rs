//! The grammar of format texts: nginx's `log_format` and Apache's `LogFormat`, bare or as they stand in the
//! server's configuration. Owns reading and its errors; what a variable means is in `variables.rs`, and how a line
//! is cut in `plan.rs`.
//!
//! Sources: <https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format>,
//! <https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats>, and the lexers behind them
//! (`ngx_conf_read_token`, `ap_getword_conf`, `parse_log_item`).

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, tag_no_case, take_till, take_while, take_while1},
    character::complete::{anychar, char, multispace0, multispace1, none_of, one_of},
    combinator::{all_consuming, cut, opt, recognize, value},
    error::{ErrorKind, ParseError},
    multi::{fold_many0, many0},
    sequence::{delimited, preceded},
};
use std::fmt;

/// Whose format text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// nginx: `$remote_addr`, `${status}`.
    Nginx,
    /// Apache httpd: `%h`, `%>s`, `%{Referer}i`.
    Apache,
}

/// Why a text is not a format. Columns count bytes of the text from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// The grammar wants something else.
    Unexpected {
        /// Where.
        column: usize,
        /// What could stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A letter after `%` that mod_log_config does not have.
    UnknownDirective {
        /// Where.
        column: usize,
        /// The directive.
        found: String,
    },
    /// Nothing stands between two fields, so that their border cannot be found.
    NoBorder {
        /// Where the second one begins.
        column: usize,
        /// The first.
        first: String,
        /// The second.
        second: String,
    },
    /// No variable in it: every line would have to be the same.
    NoFields,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexpected { column, expected, found } => {
                write!(f, "log format, column {}: expected {expected}, found {found}", column + 1)
            }
            Self::UnknownDirective { column, found } => write!(
                f,
                "log format, column {}: expected a directive of mod_log_config, found {found:?}; a percent sign is written %%",
                column + 1
            ),
            Self::NoBorder { column, first, second } => write!(
                f,
                "log format, column {}: expected text between {first} and {second}, found none; without it nobody can tell \
                 where the first one ends",
                column + 1
            ),
            Self::NoFields => {
                f.write_str("log format: expected $variables (nginx) or %directives (Apache), found neither")
            }
        }
    }
}

impl std::error::Error for TemplateError {}

/// How nginx's `escape=` parameter writes values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Escape {
    /// A backslash protects the byte after it, so that a quote inside a field is never bare.
    #[default]
    Backslash,
    /// `escape=none`: a backslash is a byte like any other.
    None,
}

/// A read template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) syntax: Syntax,
    pub(super) escape: Escape,
    pub(super) pieces: Vec<Piece>,
}

/// One element of a template and where it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) column: usize,
    pub(super) content: Content,
}

/// What an element is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Literal(u8),
    Variable(String),
    Directive(Directive),
}

/// An Apache directive such as `%!401,403<{Referer}i`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Directive {
    /// Logged as `-` unless the status is, or is not, in a list.
    pub(super) conditional: bool,
    /// `<` the original request, `>` the final one, where given.
    pub(super) request: Option<char>,
    /// The text in braces.
    pub(super) argument: Option<String>,
    /// The letter, or `^ti` and `^to`.
    pub(super) name: String,
}

/// Whether a text is nginx's or Apache's: the statement's name tells, or else which sign is in it.
pub(super) fn syntax_of(text: &str) -> Option<Syntax> {
    let start = text.trim_start().to_ascii_lowercase();
    if start.starts_with("log_format") {
        Some(Syntax::Nginx)
    } else if start.starts_with("logformat") || start.starts_with("customlog") {
        Some(Syntax::Apache)
    } else {
        let sign = text.bytes().find(|b| matches!(b, b'$' | b'%'))?;
        Some(if sign == b'$' { Syntax::Nginx } else { Syntax::Apache })
    }
}

/// Reads a format text.
pub(super) fn read(text: &str, syntax: Syntax) -> Result<Template, TemplateError> {
    let bytes = text.as_bytes();
    let (escape, source) = match syntax {
        Syntax::Nginx => finish(bytes, all_consuming(nginx_source).parse(bytes))?,
        Syntax::Apache => finish(bytes, all_consuming(apache_source).parse(bytes))?,
    };
    // Columns are those of the text as given, not of the text without its quotes.
    let end = source.last().map_or(bytes.len(), |last| bytes.len() - last.left + 1);
    let place = |left: usize| source.get(source.len() - left).map_or(end, |byte| bytes.len() - byte.left);
    let decoded: Vec<u8> = source.iter().map(|b| b.byte).collect();
    let pieces = match syntax {
        Syntax::Nginx => all_consuming(many0(nginx_piece)).parse(&decoded),
        Syntax::Apache => all_consuming(many0(apache_piece)).parse(&decoded),
    };
    let pieces = match pieces {
        Ok((_, pieces)) => pieces,
        Err(nom::Err::Error(e) | nom::Err::Failure(e)) => return Err(e.at(place(e.left.len()))),
        Err(nom::Err::Incomplete(_)) => return Err(Expected::default().at(end)),
    };
    let pieces: Vec<Piece> = pieces.into_iter().map(|(left, content)| Piece { column: place(left), content }).collect();
    match pieces.iter().any(|p| !matches!(p.content, Content::Literal(_))) {
        true => Ok(Template { syntax, escape, pieces }),
        false => Err(TemplateError::NoFields),
    }
}

/// The result of a complete parser over the whole text, its error with its column.
fn finish<T>(text: &[u8], result: IResult<&[u8], T, Expected<'_>>) -> Result<T, TemplateError> {
    match result {
        Ok((_, output)) => Ok(output),
        Err(nom::Err::Error(e) | nom::Err::Failure(e)) => Err(e.at(text.len() - e.left.len())),
        Err(nom::Err::Incomplete(_)) => Err(Expected::default().at(text.len())),
    }
}

/// What a parser of this grammar says when it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Expected<'t> {
    left: &'t [u8],
    what: &'static str,
}

impl Expected<'_> {
    fn at(&self, column: usize) -> TemplateError {
        let found = match self.left.utf8_chunks().next().map(|chunk| chunk.valid().chars().take(12).collect::<String>())
        {
            None => "the end".to_owned(),
            Some(found) => format!("{found:?}"),
        };
        TemplateError::Unexpected { column, expected: self.what, found }
    }
}

impl<'t> ParseError<&'t [u8]> for Expected<'t> {
    fn from_error_kind(left: &'t [u8], _: ErrorKind) -> Self {
        Self { left, what: "the end" }
    }
    fn append(_: &'t [u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

type Read<'t, T> = IResult<&'t [u8], T, Expected<'t>>;

/// Gives a parser's failure a name.
fn named<'t, T>(
    what: &'static str,
    mut parser: impl Parser<&'t [u8], Output = T, Error = Expected<'t>>,
) -> impl FnMut(&'t [u8]) -> Read<'t, T> {
    move |input| {
        parser.parse(input).map_err(|e| match e {
            nom::Err::Error(e) => nom::Err::Error(Expected { what, ..e }),
            other => other,
        })
    }
}

/// A byte of the template proper, and how much of the given text was left before it.
#[derive(Clone, Copy, Debug)]
struct Source {
    byte: u8,
    left: usize,
}

type Decoded = (Escape, Vec<Source>);

// ---- nginx: where the template stands -------------------------------------------------------------------------

/// nginx-source = statement | strings | bare
fn nginx_source(input: &[u8]) -> Read<'_, Decoded> {
    alt((nginx_statement, nginx_strings, bare(Escape::Backslash))).parse(input)
}

/// statement = "log_format" name \[escape] 1\*string \[";"]
fn nginx_statement(input: &[u8]) -> Read<'_, Decoded> {
    let (input, _) = (multispace0, tag("log_format"), multispace1).parse(input)?;
    let name = recognize(nginx_word);
    let (input, _) = cut(named("a name for the format", name)).parse(input)?;
    let (input, _) = nginx_blank(input)?;
    cut(named("the format in quotes", nginx_arguments)).parse(input)
}

/// strings = \[escape] quoted \*string \[";"], as left over when only the strings were copied
fn nginx_strings(input: &[u8]) -> Read<'_, Decoded> {
    let (rest, _) = multispace0(input)?;
    let (_, _) = alt((tag("escape="), tag("'"))).parse(rest)?;
    nginx_arguments(rest)
}

/// arguments = \[escape] 1\*(string blank) \[";"]
fn nginx_arguments(input: &[u8]) -> Read<'_, Decoded> {
    let (input, escape) = opt(nginx_escape).parse(input)?;
    let (input, first) = nginx_string(input)?;
    let (input, all) = fold_many0(
        preceded(nginx_blank, nginx_string),
        || first.clone(),
        |mut all: Vec<Source>, next| {
            all.extend(next);
            all
        },
    )
    .parse(input)?;
    let (input, _) = (nginx_blank, opt(char(';')), nginx_blank).parse(input)?;
    Ok((input, (escape.unwrap_or_default(), all)))
}

/// escape = "escape=" ("default" | "json" | "none") blank
fn nginx_escape(input: &[u8]) -> Read<'_, Escape> {
    let kinds = alt((
        value(Escape::Backslash, tag("default")),
        value(Escape::Backslash, tag("json")),
        value(Escape::None, tag("none")),
    ));
    delimited(tag("escape="), cut(named("default, json or none", kinds)), nginx_blank).parse(input)
}

/// blank = \*(white space | "#" comment to the end of the line)
fn nginx_blank(input: &[u8]) -> Read<'_, ()> {
    let comment = recognize((char('#'), take_till(|b| b == b'\n')));
    value((), many0(alt((multispace1, comment)))).parse(input)
}

/// string = "'" \*byte "'" | '"' \*byte '"' | word
fn nginx_string(input: &[u8]) -> Read<'_, Vec<Source>> {
    alt((quoted('\'', nginx_byte), quoted('"', nginx_byte), nginx_word)).parse(input)
}

/// word = 1\*byte without white space, quotes and ";"
fn nginx_word(input: &[u8]) -> Read<'_, Vec<Source>> {
    let (rest, first) = word_byte(input)?;
    fold_many0(word_byte, || vec![first], pushed).parse(rest)
}

fn word_byte(input: &[u8]) -> Read<'_, Source> {
    match input.first() {
        None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'\'' | b'"' | b'#') => fail(input, "a word"),
        Some(_) => nginx_byte(input),
    }
}

/// byte = "\" ("'" | '"' | "\" | "t" | "r" | "n") | any
fn nginx_byte(input: &[u8]) -> Read<'_, Source> {
    let escaped = preceded(char('\\'), alt((one_of("\"'\\"), control_letter)));
    let (rest, byte) = alt((escaped, byte_as_char)).parse(input)?;
    Ok((rest, Source { byte: narrow(byte), left: input.len() }))
}

// ---- Apache: where the template stands ------------------------------------------------------------------------

/// apache-source = statement | quoted | bare
fn apache_source(input: &[u8]) -> Read<'_, Decoded> {
    alt((apache_statement, bare(Escape::Backslash))).parse(input)
}

/// statement = ("LogFormat" | "CustomLog" file) (quoted | word) \[nickname]
fn apache_statement(input: &[u8]) -> Read<'_, Decoded> {
    let custom = recognize((tag_no_case("CustomLog"), multispace1, apache_argument));
    let (input, _) = (multispace0, alt((tag_no_case("LogFormat"), custom)), multispace1).parse(input)?;
    let (input, source) = cut(named("the format in double quotes", apache_argument)).parse(input)?;
    // The nickname, or CustomLog's condition.
    let (input, _) = take_while(|b| b != b'\n').parse(input)?;
    let (input, _) = multispace0(input)?;
    Ok((input, (Escape::Backslash, source)))
}

/// argument = '"' \*byte '"' | "'" \*byte "'" | 1\*(any but white space)
fn apache_argument(input: &[u8]) -> Read<'_, Vec<Source>> {
    let word = |input| {
        let (rest, word) = take_while1(|b: u8| !b.is_ascii_whitespace() && b != b'"' && b != b'\'').parse(input)?;
        Ok((rest, located(word, input.len())))
    };
    alt((quoted('"', apache_byte), quoted('\'', apache_byte), word)).parse(input)
}

/// byte = "\" ('"' | "'" | "\") | any: what `ap_getword_conf` undoes
fn apache_byte(input: &[u8]) -> Read<'_, Source> {
    let (input, _) = many0(line_continuation).parse(input)?;
    let (rest, byte) = alt((preceded(char('\\'), one_of("\"'\\")), byte_as_char)).parse(input)?;
    Ok((rest, Source { byte: narrow(byte), left: input.len() }))
}

// ---- common to both -------------------------------------------------------------------------------------------

/// quoted = quote \*byte quote
fn quoted<'t>(
    quote: char,
    byte: impl Fn(&'t [u8]) -> Read<'t, Source> + Copy,
) -> impl FnMut(&'t [u8]) -> Read<'t, Vec<Source>> {
    move |input| {
        let (input, _) = char(quote).parse(input)?;
        let inside = |input: &'t [u8]| match input.first() {
            Some(b) if char::from(*b) != quote => byte(input),
            _ => fail(input, "a character"),
        };
        let (input, text) = fold_many0(inside, Vec::new, pushed).parse(input)?;
        let (input, _) = cut(named("the closing quote", char(quote))).parse(input)?;
        Ok((input, text))
    }
}

/// bare = \*any: the template itself, without the line end that a shell or an editor left
fn bare<'t>(escape: Escape) -> impl FnMut(&'t [u8]) -> Read<'t, Decoded> {
    move |input| {
        let text = input.trim_ascii_end();
        Ok((&[], (escape, located(text, input.len()))))
    }
}

/// line-continuation = "\" newline, as Apache's configuration has it
fn line_continuation(input: &[u8]) -> Read<'_, ()> {
    value((), (char('\\'), alt((tag("\n"), tag("\r\n"))))).parse(input)
}

fn located(text: &[u8], left: usize) -> Vec<Source> {
    let mut all = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        match line_continuation(rest) {
            Ok((after, ())) => rest = after,
            Err(_) => {
                all.push(Source { byte: *byte, left: left - (text.len() - rest.len()) });
                rest = tail;
            }
        }
    }
    all
}

fn pushed(mut all: Vec<Source>, next: Source) -> Vec<Source> {
    all.push(next);
    all
}

fn fail<'t, T>(left: &'t [u8], what: &'static str) -> Read<'t, T> {
    Err(nom::Err::Error(Expected { left, what }))
}

/// control-letter = "t" | "r" | "n"
fn control_letter(input: &[u8]) -> Read<'_, char> {
    alt((value('\t', char('t')), value('\r', char('r')), value('\n', char('n')))).parse(input)
}

/// Any byte, as the character of the same number.
fn byte_as_char(input: &[u8]) -> Read<'_, char> {
    anychar(input)
}

fn narrow(c: char) -> u8 {
    u8::try_from(c).unwrap_or(b'?')
}

// ---- nginx: the template --------------------------------------------------------------------------------------

type Placed = (usize, Content);

/// piece = "$" name | "${" name "}" | any
fn nginx_piece(input: &[u8]) -> Read<'_, Placed> {
    let variable = preceded(char('$'), cut(named("a variable name", nginx_name)));
    let (rest, content) = alt((variable, literal)).parse(input)?;
    Ok((rest, (input.len(), content)))
}

/// name = word | "{" word "}"
fn nginx_name(input: &[u8]) -> Read<'_, Content> {
    let word = || take_while1(|b: u8| b.is_ascii_alphanumeric() || b == b'_');
    let braced = delimited(char('{'), word(), cut(named("a closing brace", char('}'))));
    let (rest, name) = alt((braced, word())).parse(input)?;
    Ok((rest, Content::Variable(text_of(name))))
}

fn literal(input: &[u8]) -> Read<'_, Content> {
    byte_as_char(input).map(|(rest, byte)| (rest, Content::Literal(narrow(byte))))
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

// ---- Apache: the template -------------------------------------------------------------------------------------

/// piece = "%%" | "%" directive | "\" escaped | any
fn apache_piece(input: &[u8]) -> Read<'_, Placed> {
    let percent = value(Content::Literal(b'%'), tag("%%"));
    let directive = preceded(char('%'), cut(apache_directive));
    let (rest, content) = alt((percent, directive, apache_escaped, literal)).parse(input)?;
    Ok((rest, (input.len(), content)))
}

/// escaped = "\" ("t" | "r" | "n" | "\" | quote); the quote for text copied from between its quotes
fn apache_escaped(input: &[u8]) -> Read<'_, Content> {
    let (rest, byte) = preceded(char('\\'), alt((control_letter, one_of("\"'\\")))).parse(input)?;
    Ok((rest, Content::Literal(narrow(byte))))
}

/// directive = \*modifier (letter | "^" letter letter)
fn apache_directive(input: &[u8]) -> Read<'_, Content> {
    let (rest, mut directive) = fold_many0(apache_modifier, Directive::default, Directive::modified).parse(input)?;
    let caret = recognize((char('^'), anychar, anychar));
    let letter = recognize(none_of("^"));
    let (rest, name) = named("a directive letter after the percent sign", alt((caret, letter))).parse(rest)?;
    directive.name = text_of(name);
    Ok((rest, Content::Directive(directive)))
}

#[derive(Clone)]
enum Modifier {
    Statuses,
    Request(char),
    Argument(String),
}

/// modifier = "!" | "," | digit | "<" | ">" | "{" \*any "}", in any order, as `parse_log_item` takes them
fn apache_modifier(input: &[u8]) -> Read<'_, Modifier> {
    let statuses = value(Modifier::Statuses, take_while1(|b: u8| b.is_ascii_digit() || b == b'!' || b == b','));
    let closing = cut(named("a closing brace", char('}')));
    let argument = delimited(char('{'), take_till(|b| b == b'}'), closing);
    alt((statuses, one_of("<>").map(Modifier::Request), argument.map(|a| Modifier::Argument(text_of(a))))).parse(input)
}

impl Directive {
    /// As in a template, without the statuses it is logged for.
    pub(super) fn written(&self) -> String {
        let request = self.request.map(String::from).unwrap_or_default();
        let argument = self.argument.as_ref().map(|a| format!("{{{a}}}")).unwrap_or_default();
        format!("%{request}{argument}{}", self.name)
    }

    fn modified(mut self, modifier: Modifier) -> Self {
        match modifier {
            Modifier::Statuses => self.conditional = true,
            Modifier::Request(which) => self.request = Some(which),
            Modifier::Argument(text) => self.argument = Some(text),
        }
        self
    }
}
