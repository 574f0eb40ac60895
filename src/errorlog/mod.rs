//! Error logs of nginx and Apache to notes: who was refused when, why, and which file or rule the server names.
//!
//! ```text
//! line ─> nginx or apache: head, context ─> messages: what it says ─> Collector: counted by minute and client
//! ```
//!
//! Owns what servers write into an error log and what it means; knows no access log and gives no verdict.
//!
//! Neither server escapes what it quotes, so a request can imitate a message. Messages are therefore known by how they
//! begin, before anything that a client wrote; and whoever uses the notes asks whether the client that one names was
//! refused at that minute.

mod apache;
mod collect;
mod messages;
mod nginx;
#[cfg(test)]
mod tests;
mod zone;

pub use collect::{Collector, Line};
pub use zone::Zone;

use crate::model::note::{Level, Why};
use std::net::IpAddr;

/// A line of an error log, borrowing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry<'l> {
    /// Seconds since 1970 in the server's own zone.
    local_secs: u32,
    level: Level,
    said: Option<Said<'l>>,
    client: &'l [u8],
    host: &'l [u8],
    /// What was asked for, as the message has it.
    path: &'l [u8],
}

/// What a message means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said<'l> {
    why: Why,
    /// The file, rule, zone or upstream that it names.
    thing: &'l [u8],
    /// The claimed user.
    user: &'l [u8],
    /// What was asked for, where only the message's own words say so.
    path: &'l [u8],
}

impl<'l> Said<'l> {
    fn new(why: Why) -> Self {
        Self { why, thing: b"", user: b"", path: b"" }
    }

    fn naming(why: Why, thing: &'l [u8]) -> Self {
        Self { thing, ..Self::new(why) }
    }
}

/// Reads a line in either server's form.
fn entry(line: &[u8]) -> Option<Entry<'_>> {
    match line.first()? {
        b'[' => apache::entry(line),
        b'0'..=b'9' => nginx::entry(line),
        // Sent through syslog, nginx writes its own line behind its name.
        _ => memchr::memmem::find(line, b" nginx: ").and_then(|at| nginx::entry(line.get(at + 8..)?)),
    }
}

fn level(word: &[u8]) -> Option<Level> {
    Some(match word {
        b"debug" => Level::Debug,
        b"info" => Level::Info,
        b"notice" => Level::Notice,
        b"warn" => Level::Warn,
        b"error" => Level::Error,
        b"crit" => Level::Crit,
        b"alert" => Level::Alert,
        b"emerg" => Level::Emerg,
        _ if word.starts_with(b"trace") => Level::Debug,
        _ => return None,
    })
}

/// An address as [`crate::model::tally::ClientKey`] has it; 0 for none.
fn address(text: &[u8]) -> u128 {
    let parsed = std::str::from_utf8(text).ok().and_then(|text| text.parse::<IpAddr>().ok());
    match parsed {
        Some(IpAddr::V4(v4)) => u128::from(v4.to_ipv6_mapped()),
        Some(IpAddr::V6(v6)) => u128::from(v6),
        None => 0,
    }
}

/// The value of a short run of digits.
fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    text.iter().try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))
}

/// Seconds from 1970 to a moment of a calendar without a zone (days by Howard Hinnant's `days_from_civil`).
fn seconds((year, month, day): (u32, u32, u32), (hour, minute, second): (u32, u32, u32)) -> Option<u32> {
    const LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = LENGTHS.get(month.checked_sub(1)? as usize)?;
    if !(1970..=2105).contains(&year) || !(1..=*length).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let year = year - u32::from(month <= 2);
    let of_era = year % 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = year / 400 * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some((days.checked_sub(719_468)?) * 86_400 + hour * 3600 + minute * 60 + second.min(59))
}

/// The text between the first pair of double quotes.
fn quoted(text: &[u8]) -> Option<&[u8]> {
    let rest = text.get(memchr::memchr(b'"', text)? + 1..)?;
    rest.get(..memchr::memchr(b'"', rest)?)
}

/// What stands before a text, and what after it.
fn cut<'l>(text: &'l [u8], at: &[u8]) -> Option<(&'l [u8], &'l [u8])> {
    let start = memchr::memmem::find(text, at)?;
    Some((text.get(..start)?, text.get(start + at.len()..)?))
}
