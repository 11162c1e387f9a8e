//! A made-up world: prompts of a shop's assistant, two LLMs of known ability and a judge of known position bias.
//!
//! An LLM is right with a probability that the words of a prompt determine. Whether it is right on one prompt, and what
//! the judge says of one request, is drawn from a hash of the texts, so that every run sees the same world. What a
//! router really keeps and saves can be computed on as many prompts as one likes.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use crate::stand_in::{Reply, Seen};

/// Share of verdicts that name the first place whatever stands there.
pub const POSITION_BIAS: f64 = 0.3;

/// USD per million tokens, input and output.
pub const STRONG_PRICES: (f64, f64) = (10.0, 40.0);
pub const WEAK_PRICES: (f64, f64) = (0.5, 2.0);
pub const JUDGE_PRICES: (f64, f64) = (2.0, 8.0);

/// What a prompt asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What every LLM knows.
    Easy,
    /// Hard for any LLM: the words of proofs and derivations.
    Hard,
    /// Hard for this weak LLM alone, and easy to look at: what the shop knows of its customers.
    Own,
}

/// The `number`-th of 90,000 prompts, which no other is like; no two share a passage of 60 letters. Any range of numbers
/// is a sample of the same traffic.
pub fn prompt(number: usize) -> String {
    let kind = kind_of_number(number);
    let of = |salt: &str, list: &[&'static str]| list[draw(&(number, salt)) as usize % list.len()];
    let form = draw(&(number, "form"));
    let thing = of("thing", &THINGS);
    let other = of("other", &THINGS);
    let city = of("city", &["Lisbon", "Oslo", "Lima", "Kyoto", "Accra", "Quito", "Perth", "Turin"]);
    // 7,919 has no factor in common with 90,000: each number is shown as another one of five digits.
    let number = 10_000 + number * 7_919 % 90_000;
    match kind {
        Kind::Easy => match form % 4 {
            0 => format!("What colour is {thing} {number} in the window?"),
            1 => format!("Hello, say thanks for {thing} {number}."),
            2 => format!("In which country is {city}? (card {number})"),
            _ => format!("Translate the word {thing} into Spanish, note {number}."),
        },
        Kind::Hard => match form % 3 {
            0 => format!("Prove by induction that {number} {thing}s fit in {city}."),
            1 => format!("Derive the variance of {number} draws of a {thing}."),
            _ => format!("Implement a lock-free queue of {number} {thing}s in Rust."),
        },
        Kind::Own => match form % 3 {
            0 => format!("Which refund is due for invoice {number} on a {thing}?"),
            1 => format!("Customer wants the invoice for {thing} {number} refunded."),
            _ => format!("Refund rule for a {thing} swapped for a {other}, invoice {number}?"),
        },
    }
}

const THINGS: [&str; 12] = [
    "kettle", "lamp", "ladder", "saddle", "teapot", "carpet", "hammer", "basket", "mirror",
    "clock", "wallet", "blanket",
];

fn kind_of_number(number: usize) -> Kind {
    match unit(&(number, "kind")) {
        u if u < 0.5 => Kind::Easy,
        u if u < 0.75 => Kind::Hard,
        _ => Kind::Own,
    }
}

/// What a prompt asks for, by its words.
pub fn kind(query: &str) -> Kind {
    let has = |words: &[&str]| words.iter().any(|word| query.contains(word));
    match () {
        () if has(&["Prove", "Derive", "Implement"]) => Kind::Hard,
        () if has(&["invoice"]) => Kind::Own,
        () => Kind::Easy,
    }
}

/// P(an LLM answers a prompt well).
pub fn ability(model: &str, query: &str) -> f64 {
    match (model, kind(query)) {
        ("large", Kind::Easy) => 0.97,
        ("large", _) => 0.92,
        (_, Kind::Easy) => 0.95,
        (_, Kind::Hard) => 0.35,
        (_, Kind::Own) => 0.30,
    }
}

fn is_right(model: &str, query: &str) -> bool {
    unit(&(model, query, "right")) < ability(model, query)
}

/// Tokens of an LLM's answer: harder prompts have longer ones.
fn output_tokens(model: &str, query: &str) -> u64 {
    let more = if kind(query) == Kind::Hard { 150 } else { 0 };
    let usual = if model == "large" { 120 } else { 60 };
    usual + more + draw(&(model, query, "tokens")) % 40
}

fn input_tokens(query: &str) -> u64 {
    query.split_whitespace().count() as u64 + 5
}

/// USD of an LLM's answer to a prompt.
pub fn cost(model: &str, query: &str) -> f64 {
    let (input, output) = if model == "large" { STRONG_PRICES } else { WEAK_PRICES };
    (input_tokens(query) as f64 * input + output_tokens(model, query) as f64 * output) / 1e6
}

/// USD of any request as the server that was asked it counts them.
pub fn cost_of(seen: &Seen) -> f64 {
    let query = seen.query();
    match seen.body["model"].as_str() {
        Some("judge") => {
            (query.split_whitespace().count() as f64 * JUDGE_PRICES.0 + 12.0 * JUDGE_PRICES.1) / 1e6
        }
        Some(model) => cost(model, query),
        None => 0.0,
    }
}

/// Answers as the LLM that a request names, in the API that it is asked by.
pub fn reply(seen: &Seen) -> Reply {
    reply_as(seen.body["model"].as_str().unwrap_or_default(), seen)
}

/// Answers as an LLM of this world.
pub fn reply_as(model: &str, seen: &Seen) -> Reply {
    let query = seen.query();
    let (text, input, output) = match model {
        "judge" => {
            let tokens = query.split_whitespace().count() as u64;
            (format!("One of them is checked.\nVerdict: {}", verdict(query)), tokens, 12)
        }
        model => {
            let text = match is_right(model, query) {
                true => format!("Checked by {model}: it is {}.", draw(&(query, "answer")) % 1000),
                false => format!("Guessed by {model}: perhaps {}.", draw(&(query, model)) % 1000),
            };
            (text, input_tokens(query), output_tokens(model, query))
        }
    };
    match seen.path.ends_with("/messages") {
        true => Reply::anthropic(&text, input, output),
        false => Reply::openai(&text, input, output),
    }
}

/// The judge prefers a checked answer over a guess, unless it names the first place blindly.
fn verdict(request: &str) -> &'static str {
    let part = |from: &str, to: &str| {
        let start = request.find(from).map_or(0, |at| at + from.len());
        let text = &request[start..];
        text.split(to).next().unwrap_or_default().contains("Checked by")
    };
    if unit(&(request, "bias")) < POSITION_BIAS {
        return "A";
    }
    match (part(" answer A\n", " answer B\n"), part(" answer B\n", " end\n")) {
        (true, false) => "A",
        (false, true) => "B",
        _ => "tie",
    }
}

/// The expected score of the strong LLM less that of the weak one on a prompt, under this judge: where one answer is
/// better, both orders agree unless the order in which it stands second was judged blindly.
pub fn expected_difference(query: &str) -> f64 {
    (1.0 - POSITION_BIAS) * (ability("large", query) - ability("small", query))
}

/// `models.toml` of this world at a server.
pub fn models(url: &str, concurrency: usize) -> String {
    let entry = |id: &str, (input, output): (f64, f64)| {
        format!(
            "[[models]]\nid = {id:?}\napi = \"openai\"\nendpoint = {url:?}\ninput_price = {input:?}\noutput_price = \
             {output:?}\nmax_tokens = 400\nconcurrency = {concurrency}\n\n"
        )
    };
    format!(
        "judge = \"judge\"\n\n{}{}{}",
        entry("large", STRONG_PRICES),
        entry("small", WEAK_PRICES),
        entry("judge", JUDGE_PRICES)
    )
}

/// The prompts as JSONL; with `gold`, what an LLM that is right says.
pub fn prompts(numbers: std::ops::Range<usize>, gold: bool) -> String {
    let line = |number: usize| -> Value {
        let query = prompt(number);
        match gold {
            true => json!({"query": query, "gold": {"regex": "^Checked by"}}),
            false => json!({"query": query}),
        }
    };
    numbers.map(|number| format!("{}\n", line(number))).collect()
}

fn draw(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A number in [0, 1).
pub fn unit(value: &impl Hash) -> f64 {
    (draw(value) >> 11) as f64 / (1_u64 << 53) as f64
}
