//! A mail server that takes a message or two on a port of its own, and speaks as much of RFC 5321 as that needs.

use std::{
    io::{self, BufRead, BufReader, Write},
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

impl MailServer {
    /// Refuses whoever is in `refused`, with 550.
    pub(crate) fn start(refused: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = Self { port: listener.local_addr().expect("an address").port(), delivered: Arc::default() };
        let delivered = Arc::clone(&server.delivered);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Ok(Some(one)) = talk(&stream, refused) {
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

fn talk(mut stream: &TcpStream, refused: &str) -> io::Result<Option<Delivered>> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut delivered = Delivered::default();
    stream.write_all(b"220-mail.example.org\r\n220 at your service\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let verb = line.split(' ').next().unwrap_or_default().to_owned();
        delivered.commands.push(line.clone());
        let answer = match verb.as_str() {
            "EHLO" => "250-mail.example.org\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n",
            "AUTH" => "235 welcome\r\n",
            "RCPT" if line.contains(refused) => "550 nobody of that name\r\n",
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
                    delivered.text += &format!("{}\n", line.strip_prefix('.').unwrap_or(&line));
                }
                "250 taken\r\n"
            }
            "QUIT" => "221 goodbye\r\n",
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes())?;
        if verb == "QUIT" {
            break;
        }
    }
    Ok((!delivered.text.is_empty()).then_some(delivered))
}
