//! A mail straight to a mail server, for hosts without a sendmail (RFC 5321, STARTTLS of RFC 3207, AUTH PLAIN of
//! RFC 4954). A client that hands one message to one server needs seven commands of the protocol.
//!
//! Nothing but a greeting crosses the network in the clear, unless the server is on this host.

use super::{Channel, Failure, Kind, Message, Secrets, Settings, UNTRUSTED, mail::Letter, secret};
use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::Arc,
    time::{Duration, Instant},
};

pub(super) const KIND: Kind = Kind {
    id: "smtp",
    title: "a mail straight to a mail server",
    make: |settings, secrets| Ok(Box::new(Smtp::new(settings, secrets)?)),
};

struct Smtp {
    letter: Letter,
    from: String,
    host: String,
    port: u16,
    has_tls_at_once: bool,
    login: Option<(String, String)>,
    roots: Arc<RootCertStore>,
    timeout: Duration,
}

impl Smtp {
    fn new(settings: &Settings, secrets: &Secrets<'_>) -> Result<Self, String> {
        let letter = Letter::new(settings)?;
        let from = letter.sender().ok_or("expected from = \"authfault@example.org\"")?;
        let expected = "expected url = \"smtps://mail.example.org\" or \"smtp://mail.example.org:587\"";
        let url = settings.url.as_deref().ok_or(expected)?;
        let (place, has_tls_at_once) = match (url.strip_prefix("smtps://"), url.strip_prefix("smtp://")) {
            (Some(place), _) => (place, true),
            (_, Some(place)) => (place, false),
            _ => return Err(expected.to_owned()),
        };
        let (host, port) = match place.trim_end_matches('/').rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, port.parse().map_err(|_| expected.to_owned())?)
            }
            _ => (place.trim_end_matches('/'), if has_tls_at_once { 465 } else { 587 }),
        };
        let host = host.trim_matches(['[', ']']);
        if host.is_empty() || host.contains(['/', '@']) {
            return Err(format!("{expected}; a user goes into user, a password into token_file or token_env"));
        }
        let password = secret("password", None, settings.token_file.as_ref(), settings.token_env.as_ref(), secrets)?;
        let login = match (settings.user.clone(), password) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            _ => return Err("expected user and token_file or token_env, both or neither".to_owned()),
        };
        let roots = Arc::new(roots(settings)?);
        let host = host.to_owned();
        Ok(Self { letter, from, host, port, has_tls_at_once, login, roots, timeout: settings.timeout() })
    }

    fn deliver(&self, message: &Message) -> Result<(), Failure> {
        let timed = Timed::connect(&self.host, self.port, Instant::now() + self.timeout)?;
        let is_here = matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "::1");
        let mut talk = if self.has_tls_at_once {
            Talk::new(Box::new(self.secured(timed)?))
        } else {
            let mut talk = Talk::new(timed);
            talk.expect(220)?;
            if talk.hello()?.iter().any(|can| can.eq_ignore_ascii_case("STARTTLS")) {
                talk.command("STARTTLS", 220)?;
                // What was said before is not part of the secured talk, nor is what came in too early.
                let mut secured = Talk::new(Box::new(self.secured(talk.into_stream())?) as Box<dyn Stream>);
                secured.hello()?;
                return self.send(secured, message);
            }
            if !is_here {
                return Err(Failure("the server offers no encryption (STARTTLS)".to_owned()));
            }
            return self.send(talk.boxed(), message);
        };
        talk.expect(220)?;
        talk.hello()?;
        self.send(talk.boxed(), message)
    }

    fn send(&self, mut talk: Talk<Box<dyn Stream>>, message: &Message) -> Result<(), Failure> {
        if let Some((user, password)) = &self.login {
            let plain = STANDARD.encode(format!("\0{user}\0{password}"));
            talk.said(&format!("AUTH PLAIN {plain}"), "AUTH", 235)?;
        }
        talk.command(&format!("MAIL FROM:<{}>", self.from), 250)?;
        for to in self.letter.receivers() {
            talk.command(&format!("RCPT TO:<{to}>"), 250)?;
        }
        talk.command("DATA", 354)?;
        talk.data(&self.letter.text(message))?;
        talk.expect(250)?;
        // It has the message; whether it says goodbye is its own affair.
        let _ = talk.command("QUIT", 221);
        Ok(())
    }

    fn secured(&self, timed: Timed) -> Result<StreamOwned<ClientConnection, Timed>, Failure> {
        let none = |_| Failure("no secure connection".to_owned());
        let name = ServerName::try_from(self.host.clone()).map_err(|_| Failure("its host is no name".to_owned()))?;
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(none)?
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        let connection = ClientConnection::new(Arc::new(config), name).map_err(none)?;
        Ok(StreamOwned::new(connection, timed))
    }
}

impl Channel for Smtp {
    fn tell(&self, message: &Message) -> Result<(), Failure> {
        self.deliver(message)
    }
}

/// Who may vouch for the server: the operator's own authority, or else those that browsers know.
fn roots(settings: &Settings) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let Some(file) = &settings.ca_file else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(roots);
    };
    let failed = || format!("{}: expected certificates in PEM form", file.display());
    for certificate in CertificateDer::pem_file_iter(file).map_err(|_| failed())? {
        roots.add(certificate.map_err(|_| failed())?).map_err(|_| failed())?;
    }
    if roots.is_empty() { Err(failed()) } else { Ok(roots) }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A connection that is given up at a moment, however slowly the other side drips.
struct Timed {
    stream: TcpStream,
    until: Instant,
}

impl Timed {
    fn connect(host: &str, port: u16, until: Instant) -> Result<Self, Failure> {
        let unknown = |_| Failure("its host is not known".to_owned());
        let mut failure = Failure("its host is not known".to_owned());
        for address in (host, port).to_socket_addrs().map_err(unknown)? {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            match TcpStream::connect_timeout(&address, left) {
                Ok(stream) => return Ok(Self { stream, until }),
                Err(error) => failure = Failure(format!("no connection: {}", error.kind())),
            }
        }
        Err(failure)
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Commands and replies.
struct Talk<S: Stream>(BufReader<S>);

impl<S: Stream + 'static> Talk<S> {
    fn new(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    fn into_stream(self) -> S {
        self.0.into_inner()
    }

    fn boxed(self) -> Talk<Box<dyn Stream>> {
        Talk::new(Box::new(self.into_stream()))
    }

    /// Greets, and gives what the server can do.
    fn hello(&mut self) -> Result<Vec<String>, Failure> {
        self.command("EHLO authfault", 250)
    }

    fn command(&mut self, command: &str, code: u16) -> Result<Vec<String>, Failure> {
        let verb = command.split(' ').next().unwrap_or_default();
        self.said(command, verb, code)
    }

    /// A command that is called otherwise where it fails: it may hold a secret.
    fn said(&mut self, command: &str, verb: &str, code: u16) -> Result<Vec<String>, Failure> {
        self.write(format!("{command}\r\n").as_bytes())?;
        self.expect(code).map_err(|failure| Failure(format!("{verb}: {}", failure.0)))
    }

    /// The message, with lines as the protocol has them; a line that is a dot alone would end it.
    fn data(&mut self, text: &str) -> Result<(), Failure> {
        let lines = text.lines().map(|line| match line.starts_with('.') {
            true => format!(".{line}\r\n"),
            false => format!("{line}\r\n"),
        });
        let text: String = lines.collect();
        self.write(format!("{text}.\r\n").as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let stream = self.0.get_mut();
        stream.write_all(bytes).and_then(|()| stream.flush()).map_err(|error| broken(&error))
    }

    /// Reads a reply. What the server says beside its code is not passed on: it may hold an address.
    fn expect(&mut self, code: u16) -> Result<Vec<String>, Failure> {
        /// RFC 5321, 4.5.3.1.5 has 512 bytes; and no server can do a hundred things.
        const LINE_BYTES_MAX: u64 = 4096;
        const LINES_MAX: usize = 100;
        let mut lines = Vec::new();
        while lines.len() < LINES_MAX {
            let mut line = Vec::new();
            let mut limited = self.0.by_ref().take(LINE_BYTES_MAX);
            limited.read_until(b'\n', &mut line).map_err(|error| broken(&error))?;
            let line = String::from_utf8_lossy(&line);
            let found = line.get(..3).and_then(|found| found.parse::<u16>().ok());
            if found != Some(code) {
                return Err(Failure(
                    found
                        .map_or("the server speaks no SMTP".to_owned(), |found| format!("the server answered {found}")),
                ));
            }
            lines.push(line.get(4..).unwrap_or_default().trim().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(lines);
            }
        }
        Err(Failure("the server speaks no SMTP".to_owned()))
    }
}

fn broken(error: &io::Error) -> Failure {
    Failure(match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "no answer in time".to_owned(),
        io::ErrorKind::InvalidData => UNTRUSTED.to_owned(),
        kind => format!("the connection broke: {kind}"),
    })
}
