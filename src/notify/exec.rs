//! A program of the operator's own, with the message on its standard input.

use super::{Channel, Failure, Kind, Message, program::run};
use std::time::Duration;

pub(super) const KIND: Kind = Kind {
    id: "exec",
    title: "a program, with the message as JSON on its standard input",
    make: |settings, _| {
        let command = settings.command.clone().filter(|command| !command.is_empty());
        let command = command.ok_or("expected command = [\"/path/of/program\", \"argument\"]")?;
        Ok(Box::new(Exec { command, timeout: settings.timeout() }))
    },
};

struct Exec {
    command: Vec<String>,
    timeout: Duration,
}

impl Channel for Exec {
    fn tell(&self, message: &Message) -> Result<(), Failure> {
        run(&self.command, message.to_json().as_bytes(), self.timeout)
    }
}
