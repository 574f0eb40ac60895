//! A mail through the host's sendmail, which every mail server brings (RFC 5322, RFC 2047).

use super::{Channel, Failure, Kind, Message, program::run};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::time::Duration;

pub(super) const KIND: Kind = Kind {
    id: "mail",
    title: "a mail through sendmail",
    make: |settings, _| {
        let to = settings.to.clone().filter(|to| !to.is_empty()).ok_or("expected to = [\"oncall@example.org\"]")?;
        let from = settings.from.clone();
        let is_header = |text: &String| !text.chars().any(char::is_control);
        if !to.iter().chain(&from).all(is_header) {
            return Err("an address may not hold control characters".to_owned());
        }
        let sendmail = settings.sendmail.clone().unwrap_or_else(|| "/usr/sbin/sendmail".into());
        Ok(Box::new(Mail { to, from, sendmail: sendmail.display().to_string(), timeout: settings.timeout() }))
    },
};

struct Mail {
    to: Vec<String>,
    from: Option<String>,
    sendmail: String,
    timeout: Duration,
}

impl Channel for Mail {
    fn tell(&self, message: &Message) -> Result<(), Failure> {
        let command = [self.sendmail.as_str(), "-t", "-oi"].map(str::to_owned);
        run(&command, self.mail(message).as_bytes(), self.timeout)
    }
}

impl Mail {
    fn mail(&self, message: &Message) -> String {
        let from = self.from.as_ref().map(|from| format!("From: {from}\n")).unwrap_or_default();
        format!(
            "{from}To: {}\nSubject: {}\nX-Authfault-Incident: {}\nAuto-Submitted: auto-generated\n\
             MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{}\n",
            self.to.join(", "),
            encoded(&message.subject),
            message.id,
            wrapped(&STANDARD.encode(&message.text)),
        )
    }
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
