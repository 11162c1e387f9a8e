//! A server on 127.0.0.1 that stands in for an LLM's API.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// A request that the server was sent.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its number, from 0.
    pub number: usize,
    pub path: String,
    /// By lower-case name.
    pub headers: HashMap<String, String>,
    pub body: Value,
}

impl Seen {
    /// The text of the last message.
    pub fn query(&self) -> &str {
        let messages = self.body["messages"].as_array().expect("messages");
        messages.last().expect("a message")["content"].as_str().expect("a text")
    }
}

/// What the server answers.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Status, headers and body.
    Http(u16, Vec<(&'static str, String)>, String),
    /// Closes the connection.
    Close,
    /// Closes the connection in the middle of a body.
    Torn,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::Http(status, vec![("content-type", "application/json".into())], body.to_string())
    }

    pub fn html(status: u16) -> Self {
        let page = "<!DOCTYPE html><html><title>Sign in</title></html>".into();
        Self::Http(status, vec![("content-type", "text/html".into())], page)
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Http(_, headers, _) = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }

    /// An answer as OpenAI's API gives it.
    pub fn openai(text: &str, input_tokens: u64, output_tokens: u64) -> Self {
        Self::json(
            200,
            &json!({
                "model": "stand-in-1",
                "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": input_tokens, "completion_tokens": output_tokens},
            }),
        )
    }

    /// An answer as Anthropic's API gives it.
    pub fn anthropic(text: &str, input_tokens: u64, output_tokens: u64) -> Self {
        Self::json(
            200,
            &json!({
                "model": "stand-in-1",
                "content": [{"type": "text", "text": text}], "stop_reason": "end_turn",
                "usage": {"input_tokens": input_tokens, "output_tokens": output_tokens},
            }),
        )
    }
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A server that answers by a function until it is dropped.
pub struct StandIn {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    ended: Arc<AtomicBool>,
}

impl StandIn {
    pub fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (seen, ended) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let server = Self { address, seen: Arc::clone(&seen), ended: Arc::clone(&ended) };
        let handler: Arc<Handler> = Arc::new(handler);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let (seen, handler) = (Arc::clone(&seen), Arc::clone(&handler));
                // A client that was killed closes in the middle: not the server's fault.
                thread::spawn(move || stream.and_then(|stream| serve(stream, &seen, &*handler)));
            }
        });
        server
    }

    /// The base URL.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What it was sent so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers the requests of one connection.
fn serve(stream: TcpStream, seen: &Mutex<Vec<Seen>>, handler: &Handler) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = HashMap::new();
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|text| text.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body)?;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let mut request = Seen { number: 0, path, headers, body };
        {
            let mut seen = seen.lock().unwrap();
            request.number = seen.len();
            seen.push(request.clone());
        }
        match handler(&request) {
            Reply::Close => return Ok(()),
            Reply::Torn => {
                return writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"choi");
            }
            Reply::Http(status, headers, body) => {
                let mut head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    head += &format!("{name}: {value}\r\n");
                }
                writer.write_all(format!("{head}\r\n{body}").as_bytes())?;
            }
        }
    }
}
