//! A message as Slack's incoming webhooks take it, and with them Mattermost, Rocket.Chat and others.

use super::{Channel, Failure, Kind, Message, http::Target};

pub(super) const KIND: Kind = Kind {
    id: "slack",
    title: "an incoming webhook of Slack, Mattermost or Rocket.Chat",
    make: |settings, secrets| Ok(Box::new(Slack { target: Target::new(settings, secrets)? })),
};

struct Slack {
    target: Target,
}

/// Slack cuts a text at 40,000 characters, and nobody reads so many.
const TEXT_CHARS_MAX: usize = 3000;

impl Channel for Slack {
    fn tell(&self, message: &Message) -> Result<(), Failure> {
        self.target.post(&serde_json::json!({ "text": text(message) }).to_string())
    }
}

/// The subject, and the account as a block that is not read as markup. Backquotes would end it.
pub(super) fn text(message: &Message) -> String {
    let account: String = message.text.replace('`', "'").chars().take(TEXT_CHARS_MAX).collect();
    format!("*{}*\n```{}```", escaped(&message.subject.replace(['*', '`', '\n'], "'")), escaped(&account))
}

/// Slack's three: a path such as `<!channel>` calls nobody.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
