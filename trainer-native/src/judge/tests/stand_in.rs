//! A judge on 127.0.0.1 that speaks OpenAI's Chat Completions and says what a function says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::completions::{ModelEntry, ModelsFile};

/// What a judge is shown.
#[derive(Debug)]
pub struct Shown {
    pub request: String,
    /// The two answers of a comparison, or the one of a grade.
    pub answers: Vec<String>,
    /// 0 for the first request, 1 for the one after prose.
    pub turn: usize,
}

/// What a stand-in sends.
pub enum Says {
    Text(String),
    /// A page of HTML with status 200.
    Html,
}

type Rule = dyn Fn(&Shown) -> Says + Send + Sync;

pub struct StandIn {
    port: u16,
    /// Bodies of all requests.
    pub bodies: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    /// Starts a judge. It ends with the test's process.
    pub fn start(rule: impl Fn(&Shown) -> Says + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let bodies: Arc<Mutex<Vec<String>>> = Arc::default();
        let (rule, seen): (Arc<Rule>, _) = (Arc::new(rule), Arc::clone(&bodies));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (rule, seen) = (Arc::clone(&rule), Arc::clone(&seen));
                // A client that goes away ends its connection only.
                std::thread::spawn(move || serve(stream, &*rule, &seen));
            }
        });
        Self { port, bodies }
    }

    /// An entry that costs 1 USD per million tokens in and 10 out.
    pub fn entry(&self) -> ModelEntry {
        let text = format!(
            "[[models]]\nid = \"judge\"\napi = \"openai\"\nendpoint = \"http://127.0.0.1:{}/v1\"\n\
             max_tokens = 100\ninput_price = 1.0\noutput_price = 10.0",
            self.port
        );
        ModelsFile::parse(&text).unwrap().models.remove(0)
    }

    pub fn requests(&self) -> usize {
        self.bodies.lock().unwrap().len()
    }
}

fn serve(stream: TcpStream, rule: &Rule, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8(body).unwrap();
        seen.lock().unwrap().push(body.clone());
        let (kind, answer) = match rule(&shown(&serde_json::from_str(&body).unwrap())) {
            Says::Html => ("text/html", "<html><body>Bad gateway</body></html>".to_owned()),
            Says::Text(text) => {
                let answer = json!({
                    "model": "stand-in",
                    "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 300, "completion_tokens": 20},
                });
                ("application/json", answer.to_string())
            }
        };
        write!(
            writer,
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        )?;
    }
}

fn shown(body: &Value) -> Shown {
    let messages = body["messages"].as_array().unwrap();
    let text = messages[0]["content"].as_str().unwrap();
    let part = |name: &str| {
        let (_, rest) = text.split_once(&format!(" {name}\n"))?;
        Some(rest.split("\n=====").next().unwrap_or_default().to_owned())
    };
    let answers = ["answer A", "answer B", "answer"].into_iter().filter_map(part).collect();
    Shown { request: part("request").unwrap(), answers, turn: messages.len() / 2 }
}
