//! A mail through the host's sendmail, which every mail server brings (RFC 5322, RFC 2047).

use super::{Channel, Failure, Kind, Message, Settings, program::run};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::time::Duration;

pub(super) const KIND: Kind = Kind {
    id: "mail",
    title: "a mail through sendmail",
    make: |settings, _| {
        let sendmail = settings.sendmail.clone().unwrap_or_else(|| "/usr/sbin/sendmail".into());
        let sendmail = sendmail.display().to_string();
        Ok(Box::new(Mail { letter: Letter::new(settings)?, sendmail, timeout: settings.timeout() }))
    },
};

struct Mail {
    letter: Letter,
    sendmail: String,
    timeout: Duration,
}

impl Channel for Mail {
    fn tell(&self, message: &Message) -> Result<(), Failure> {
        let command = [self.sendmail.as_str(), "-t", "-oi"].map(str::to_owned);
        run(&command, self.letter.text(message).as_bytes(), self.timeout)
    }
}

/// From whom to whom.
pub(super) struct Letter {
    to: Vec<String>,
    from: Option<String>,
}

impl Letter {
    pub(super) fn new(settings: &Settings) -> Result<Self, String> {
        let to = settings.to.clone().filter(|to| !to.is_empty()).ok_or("expected to = [\"oncall@example.org\"]")?;
        let from = settings.from.clone();
        if to.iter().chain(&from).any(|address| address.chars().any(char::is_control)) {
            return Err("an address may not hold control characters".to_owned());
        }
        if let Some(odd) = to.iter().chain(&from).find(|address| bare(address).contains([' ', '<', '>'])) {
            return Err(format!("expected an address, found `{odd}`"));
        }
        Ok(Self { to, from })
    }

    /// The address that it comes from, alone.
    pub(super) fn sender(&self) -> Option<String> {
        self.from.as_deref().map(bare).map(str::to_owned)
    }

    /// The addresses that it goes to, alone.
    pub(super) fn receivers(&self) -> impl Iterator<Item = &str> {
        self.to.iter().map(|to| bare(to))
    }

    /// Headers and body. The same message has the same id however often it is tried.
    pub(super) fn text(&self, message: &Message) -> String {
        let from = self.from.as_ref().map(|from| format!("From: {from}\n")).unwrap_or_default();
        let host = self.from.as_deref().and_then(|from| bare(from).rsplit('@').next()).unwrap_or("localhost");
        let digits: String = message.told.chars().filter(char::is_ascii_digit).collect();
        format!(
            "{from}To: {}\nSubject: {}\n{}Message-ID: <{}.{}.{digits}@{host}>\nX-Authfault-Incident: {}\n\
             Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\
             Content-Transfer-Encoding: base64\n\n{}\n",
            self.to.join(", "),
            encoded(&message.subject),
            date(&message.told),
            message.id,
            message.event,
            message.id,
            wrapped(&STANDARD.encode(&message.text)),
        )
    }
}

/// The address in `Somebody <address>`, or all of it.
fn bare(address: &str) -> &str {
    let inside = address.split_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
    inside.unwrap_or(address)
}

/// A time as the header has it (RFC 5322, 3.3; the day of the week may be left out); nothing where there is none.
fn date(rfc3339: &str) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let part = |from: usize, to: usize| rfc3339.get(from..to).unwrap_or_default();
    let month = part(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    month
        .map_or(String::new(), |month| format!("Date: {} {month} {} {} +0000\n", part(8, 10), part(0, 4), part(11, 19)))
}

/// Header text: as it is where it is short and plain, otherwise in encoded words of at most 75 characters.
pub(super) fn encoded(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !text.contains("=?");
    if is_plain && text.len() <= 900 {
        return text.to_owned();
    }
    /// Of text in one word: 45 bytes make 60 characters.
    const WORD_BYTES: usize = 45;
    let mut words = vec![String::new()];
    for c in text.chars() {
        if words.last().is_none_or(|word| word.len() + c.len_utf8() > WORD_BYTES) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    let words = words.iter().filter(|word| !word.is_empty());
    words.map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word))).collect::<Vec<_>>().join("\n ")
}

fn wrapped(base64: &str) -> String {
    let lines = base64.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into_owned());
    lines.collect::<Vec<_>>().join("\n")
}
