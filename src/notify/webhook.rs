//! A message as JSON to any address: as it is, or as a template has it.

use super::{Channel, Failure, Kind, Message, http::Target};

pub(super) const KIND: Kind = Kind {
    id: "webhook",
    title: "JSON (authfault-alert/1, or a template's) to a url",
    make: |settings, secrets| {
        let target = Target::new(settings, secrets)?;
        Ok(Box::new(Webhook { target, template: settings.template.clone() }))
    },
};

struct Webhook {
    target: Target,
    template: Option<String>,
}

impl Channel for Webhook {
    fn tell(&self, message: &Message) -> Result<(), Failure> {
        match &self.template {
            Some(template) => self.target.post(&filled(template, message)),
            None => self.target.post(&message.to_json()),
        }
    }
}

/// Each name in braces once replaced, so that nothing in a log can bring in another.
pub(super) fn filled(template: &str, message: &Message) -> String {
    let values = [
        ("{subject}", &message.subject),
        ("{text}", &message.text),
        ("{event}", &message.event),
        ("{level}", &message.level),
        ("{id}", &message.id),
        ("{start}", &message.start),
    ];
    let (mut out, mut rest) = (String::new(), template);
    while let Some(at) = rest.find('{') {
        let (before, behind) = rest.split_at(at);
        out.push_str(before);
        match values.iter().find(|(name, _)| behind.starts_with(name)) {
            Some((name, value)) => {
                let json = serde_json::Value::from(value.as_str()).to_string();
                out.push_str(json.trim_start_matches('"').strip_suffix('"').unwrap_or_default());
                rest = behind.get(name.len()..).unwrap_or_default();
            }
            None => {
                out.push('{');
                rest = behind.get(1..).unwrap_or_default();
            }
        }
    }
    out + rest
}
