//! Posting JSON. Owns the client, its limit of time and what is said when it fails: never the address, in which Slack
//! and others keep their secret.

use super::{Failure, Secrets, Settings, UNTRUSTED, secret};
use std::{io::ErrorKind, path::Path, time::Duration};
use ureq::{
    Agent, Error,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

/// Where to post, and with what right.
pub(super) struct Target {
    agent: Agent,
    url: String,
    token: Option<String>,
    timeout: Duration,
}

impl Target {
    pub(super) fn new(settings: &Settings, secrets: &Secrets<'_>) -> Result<Self, String> {
        let (url, file, variable) = (settings.url.as_ref(), settings.url_file.as_ref(), settings.url_env.as_ref());
        let url = secret("url", url, file, variable, secrets)?.ok_or("expected url, url_file or url_env")?;
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err("expected a url that begins with https:// or http://".to_owned());
        }
        let token = secret("token", None, settings.token_file.as_ref(), settings.token_env.as_ref(), secrets)?;
        let timeout = settings.timeout();
        // A redirect would take the message, and perhaps the token, to where nobody said it should go.
        let mut config =
            Agent::config_builder().timeout_global(Some(timeout)).max_redirects(0).http_status_as_error(false);
        if let Some(file) = &settings.ca_file {
            config = config.tls_config(TlsConfig::builder().root_certs(roots(file)?).build());
        }
        Ok(Self { agent: config.build().into(), url, token, timeout })
    }

    /// The same place with a path behind it.
    pub(super) fn below(mut self, path: &str) -> Self {
        if !self.url.ends_with(path) {
            self.url = format!("{}{path}", self.url.trim_end_matches('/'));
        }
        self
    }

    pub(super) fn post(&self, json: &str) -> Result<(), Failure> {
        let mut request = self.agent.post(&self.url).header("Content-Type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let answer = request.send(json).map_err(|error| self.failure(&error))?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(Failure(format!("the server answered {}", answer.status().as_u16())))
    }

    fn failure(&self, error: &Error) -> Failure {
        let text = match error {
            Error::Timeout(_) => format!("no answer within {} s", self.timeout.as_secs()),
            Error::HostNotFound => "its host is not known".to_owned(),
            Error::ConnectionFailed => "no connection".to_owned(),
            // What TLS has to say while it shakes hands comes wrapped.
            Error::Io(error) if error.kind() == ErrorKind::InvalidData => UNTRUSTED.to_owned(),
            Error::Io(error) => format!("no connection: {}", error.kind()),
            Error::Tls(_) | Error::Rustls(_) => UNTRUSTED.to_owned(),
            Error::BadUri(_) | Error::Http(_) => "its url or token is not one".to_owned(),
            _ => "the request failed".to_owned(),
        };
        Failure(text)
    }
}

/// The operator's own authority.
fn roots(file: &Path) -> Result<RootCerts, String> {
    let failed = || format!("{}: expected certificates in PEM form", file.display());
    let pem = std::fs::read(file).map_err(|error| format!("{}: cannot read it: {error}", file.display()))?;
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    let certificates: Vec<_> = parse_pem(&pem).filter_map(certificate).collect();
    if certificates.is_empty() { Err(failed()) } else { Ok(certificates.into()) }
}
