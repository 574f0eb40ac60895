//! A mail server that takes a message or two on a port of its own, and speaks as much of RFC 5321 as that needs.

use super::tls;
use rustls::ServerConfig;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// A delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// What was said before the message, `AUTH` with what it held.
    pub(crate) commands: Vec<String>,
    /// The message, its dots undone.
    pub(crate) text: String,
}

/// Ends with the test.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    delivered: Arc<Mutex<Vec<Delivered>>>,
}

/// When a connection is secured.
#[derive(Clone)]
pub(crate) enum Security {
    None,
    /// RFC 8314.
    AtOnce(Arc<ServerConfig>),
    /// RFC 3207.
    StartTls(Arc<ServerConfig>),
}

impl MailServer {
    /// Refuses whoever is in `refused`, with 550.
    pub(crate) fn start(refused: &'static str, security: Security) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = Self { port: listener.local_addr().expect("an address").port(), delivered: Arc::default() };
        let delivered = Arc::clone(&server.delivered);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Ok(Some(one)) = serve(stream, refused, &security) {
                    delivered.lock().expect("no thread fell").push(one);
                }
            }
        });
        server
    }

    pub(crate) fn delivered(&self) -> Vec<Delivered> {
        self.delivered.lock().expect("no thread fell").clone()
    }
}

fn serve(stream: TcpStream, refused: &str, security: &Security) -> io::Result<Option<Delivered>> {
    let (greeting, mut delivered) = ("220-mail.example.org\r\n220 at your service\r\n", Delivered::default());
    match security {
        Security::None => talk(&stream, greeting, refused, "", &mut delivered)?,
        Security::AtOnce(config) => talk(tls::secured(stream, config)?, greeting, refused, "", &mut delivered)?,
        Security::StartTls(config) => {
            talk(&stream, greeting, refused, "250-STARTTLS\r\n", &mut delivered)?;
            talk(tls::secured(stream, config)?, "", refused, "", &mut delivered)?;
        }
    }
    Ok((!delivered.text.is_empty()).then_some(delivered))
}

/// Up to `STARTTLS` or `QUIT`.
fn talk(
    stream: impl Read + Write,
    greeting: &str,
    refused: &str,
    offered: &str,
    delivered: &mut Delivered,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    say(&mut stream, greeting)?;
    while let Some(line) = heard(&mut stream)? {
        let verb = line.split(' ').next().unwrap_or_default().to_owned();
        delivered.commands.push(line.clone());
        let answer = match verb.as_str() {
            "EHLO" => format!("250-mail.example.org\r\n{offered}250-8BITMIME\r\n250 AUTH PLAIN\r\n"),
            "STARTTLS" => "220 go on\r\n".to_owned(),
            "AUTH" => "235 welcome\r\n".to_owned(),
            "RCPT" if line.contains(refused) => "550 nobody of that name\r\n".to_owned(),
            "DATA" => {
                say(&mut stream, "354 go on\r\n")?;
                while let Some(line) = heard(&mut stream)?.filter(|line| line != ".") {
                    delivered.text += &format!("{}\n", line.strip_prefix('.').unwrap_or(&line));
                }
                "250 taken\r\n".to_owned()
            }
            "QUIT" => "221 goodbye\r\n".to_owned(),
            _ => "250 ok\r\n".to_owned(),
        };
        say(&mut stream, &answer)?;
        if verb == "QUIT" || verb == "STARTTLS" {
            break;
        }
    }
    Ok(())
}

fn heard(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    stream.lines().next().transpose()
}

fn say(stream: &mut BufReader<impl Read + Write>, text: &str) -> io::Result<()> {
    stream.get_mut().write_all(text.as_bytes())?;
    stream.get_mut().flush()
}
