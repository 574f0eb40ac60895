//! A server that takes what is posted to it, on a port of its own, and answers as it is told.

use super::tls;
use rustls::ServerConfig;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    /// The request line and the headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Ends with the test.
pub(crate) struct Receiver {
    port: u16,
    posted: Arc<Mutex<Vec<Posted>>>,
    status: Arc<AtomicU16>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        Self::begin(None)
    }

    /// One that speaks HTTPS.
    pub(crate) fn secured(config: Arc<ServerConfig>) -> Self {
        Self::begin(Some(config))
    }

    fn begin(config: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let receiver = Self { port, posted: Arc::default(), status: Arc::new(AtomicU16::new(200)) };
        let (posted, status) = (Arc::clone(&receiver.posted), Arc::clone(&receiver.status));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let status = status.load(Ordering::Relaxed);
                // A client that was killed in the middle is no concern of ours, nor one that hangs up.
                let _ = match &config {
                    None => answer(stream, &posted, status),
                    Some(config) => tls::secured(stream, config).and_then(|stream| answer(stream, &posted, status)),
                };
            }
        });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook/s3cret", self.address())
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Answers so from now on.
    pub(crate) fn answer_with(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.posted.lock().expect("no thread fell").clone()
    }

    /// What was posted, as JSON.
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.posted().iter().map(|posted| serde_json::from_str(&posted.body).expect("JSON")).collect()
    }
}

fn answer(stream: impl Read + Write, posted: &Mutex<Vec<Posted>>, status: u16) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    if !head.ends_with("\r\n\r\n") {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    if status == 200 {
        let body = String::from_utf8_lossy(&body).into_owned();
        posted.lock().expect("no thread fell").push(Posted { head, body });
    }
    let stream = reader.get_mut();
    write!(stream, "HTTP/1.1 {status} Answer\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    stream.flush()
}
