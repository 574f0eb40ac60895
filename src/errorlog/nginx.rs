//! nginx's error lines: `2026/03/10 11:20:52 [error] 7#7: *1 MESSAGE, client: …, server: …, request: "…", host: "…"`
//! (`ngx_log_error_core` and `ngx_http_log_error` in its source). Owns their head and their context.

use super::{Entry, cut, level, messages, number, seconds};

/// Length of `2026/03/10 11:20:52 [`.
const STAMP_LEN: usize = 21;

pub(super) fn entry(line: &[u8]) -> Option<Entry<'_>> {
    let (stamp, rest) = line.split_at_checked(STAMP_LEN)?;
    let &[y1, y2, y3, y4, b'/', m1, m2, b'/', d1, d2, b' ', h1, h2, b':', n1, n2, b':', s1, s2, b' ', b'['] = stamp
    else {
        return None;
    };
    let date = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let time = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
    let (word, rest) = cut(rest, b"] ")?;
    let text = after_numbers(rest)?;
    let (message, context) =
        cut(text, b", client: ").map_or((text, None), |(message, context)| (message, Some(context)));
    let context = context.map_or_else(Context::default, Context::read);
    Some(Entry {
        local_secs: seconds(date, time)?,
        level: level(word)?,
        said: messages::of_nginx(message, &context),
        client: context.client,
        host: context.host,
        path: context.path,
    })
}

/// The text behind `7#7: *1 `: process, thread and, where there is one, connection.
fn after_numbers(text: &[u8]) -> Option<&[u8]> {
    let (numbers, text) = cut(text, b": ")?;
    let is_head = numbers.iter().all(|b| b.is_ascii_digit() || *b == b'#');
    let text = if is_head { text } else { return None };
    let Some(connection) = text.strip_prefix(b"*") else { return Some(text) };
    cut(connection, b" ").map(|(_, text)| text)
}

/// What nginx adds to a message about a request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Context<'l> {
    pub(super) client: &'l [u8],
    pub(super) host: &'l [u8],
    pub(super) path: &'l [u8],
    /// The path of a subrequest, such as that of `auth_request`.
    pub(super) subrequest: &'l [u8],
    pub(super) upstream: &'l [u8],
}

impl<'l> Context<'l> {
    /// Reads what stands behind `, client: `. nginx writes these in this order, and leaves out what there is none of.
    fn read(text: &'l [u8]) -> Self {
        let client = text.split(|b| *b == b',').next().unwrap_or_default();
        let (server, rest) = field(text, b", server: ").unwrap_or((b"", text));
        let (request, rest) = quoted_field(rest, b", request: \"").unwrap_or((b"", rest));
        let (subrequest, rest) = quoted_field(rest, b", subrequest: \"").unwrap_or((b"", rest));
        let (upstream, rest) = quoted_field(rest, b", upstream: \"").unwrap_or((b"", rest));
        let host = quoted_field(rest, b", host: \"").map_or(server, |(host, _)| host);
        Self { client, host: without_port(host), path: path_of(request), subrequest, upstream }
    }
}

fn field<'l>(text: &'l [u8], name: &[u8]) -> Option<(&'l [u8], &'l [u8])> {
    let (_, rest) = cut(text, name)?;
    Some(rest.split_at(memchr::memmem::find(rest, b", ").unwrap_or(rest.len())))
}

/// A quoted value, whose end is a quote that another field or the end of the line follows: values are not escaped.
fn quoted_field<'l>(text: &'l [u8], name: &[u8]) -> Option<(&'l [u8], &'l [u8])> {
    let (_, rest) = cut(text, name)?;
    let end = memchr::memmem::find(rest, b"\", ").unwrap_or(rest.len());
    let (value, rest) = rest.split_at(end);
    Some((value.strip_suffix(b"\"").unwrap_or(value), rest))
}

/// The target of a request line, without its query.
fn path_of(request: &[u8]) -> &[u8] {
    let target = request.split(|b| *b == b' ').nth(1).unwrap_or_default();
    target.split(|b| matches!(b, b'?' | b'#')).next().unwrap_or_default()
}

fn without_port(host: &[u8]) -> &[u8] {
    match memchr::memrchr(b':', host) {
        Some(colon) if !host.ends_with(b"]") => host.get(..colon).unwrap_or(host),
        _ => host,
    }
}
