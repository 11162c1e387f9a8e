//! One LLM as `trainer init --model id=...,endpoint=...` states it.

use std::fmt::Write as _;

use super::ask::Ask;
use crate::completions::Api;
use crate::error::TrainerError;

/// Most tokens of an answer, where the flag states none.
const MAX_TOKENS: u32 = 1024;

/// Fields of the flag, as `--help` shows them.
pub const FIELDS: &str = "id, endpoint, api (openai or anthropic), model, key-env, input-price, output-price, max-tokens";

/// An LLM, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelFlag {
    pub id: String,
    pub endpoint: Option<String>,
    pub api: Option<Api>,
    pub model: Option<String>,
    pub key_env: Option<String>,
    pub input_price: Option<f64>,
    pub output_price: Option<f64>,
    pub max_tokens: Option<u32>,
}

impl ModelFlag {
    /// Parses `id=large,endpoint=https://api.example.com/v1,...`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut found = Self::default();
        for part in text.split(',') {
            let Some((name, value)) = part.split_once('=') else {
                return Err(format!("found {part:?}, expected NAME=VALUE with a name of {FIELDS}"));
            };
            let (name, value) = (name.trim(), value.trim());
            let text = || Some(value.to_owned());
            match name {
                "id" => value.clone_into(&mut found.id),
                "endpoint" => found.endpoint = text(),
                "api" => found.api = Some(api(value)?),
                "model" => found.model = text(),
                "key-env" => found.key_env = text(),
                "input-price" => found.input_price = Some(number(name, value)?),
                "output-price" => found.output_price = Some(number(name, value)?),
                "max-tokens" => {
                    let parsed = value.parse().ok().filter(|tokens| *tokens > 0);
                    let fault =
                        || format!("found max-tokens={value}, expected a whole number from 1");
                    found.max_tokens = Some(parsed.ok_or_else(fault)?);
                }
                _ => return Err(format!("found {name:?}, expected one of {FIELDS}")),
            }
        }
        match found.id.is_empty() {
            true => {
                Err("found no id, expected id=NAME: the name that --strong, --weak or --judge uses"
                    .into())
            }
            false => Ok(found),
        }
    }

    /// Asks for what is needed and not known.
    ///
    /// # Errors
    /// [`TrainerError::NotAsked`], naming the flag, where nobody can be asked; [`TrainerError::BadSetting`].
    pub fn complete(&mut self, ask: &mut dyn Ask) -> Result<(), TrainerError> {
        let id = self.id.clone();
        let bad = |detail| TrainerError::BadSetting { setting: format!("--model id={id}"), detail };
        if self.endpoint.is_none() {
            let question = format!("Endpoint of {id}, its base URL");
            let Some(endpoint) = ask.ask(&question, "https://api.openai.com/v1")? else {
                return Err(TrainerError::NotAsked {
                    flag: format!(
                        "--model id={id},endpoint=https://...,api=openai,key-env=VARIABLE"
                    ),
                });
            };
            self.endpoint = Some(endpoint);
            let question =
                format!("API that it speaks, openai or anthropic; empty for openai ({id})");
            let named =
                self.api.is_none().then(|| ask.ask(&question, "openai")).transpose()?.flatten();
            if let Some(named) = named.filter(|named| !named.is_empty()) {
                self.api = Some(api(&named).map_err(&bad)?);
            }
            let mut optional = |slot: &mut Option<String>, question: String, example: &str| {
                if slot.is_none() {
                    *slot = ask.ask(&question, example)?.filter(|text| !text.is_empty());
                }
                Ok::<(), TrainerError>(())
            };
            optional(
                &mut self.model,
                format!("The endpoint's name of {id}; empty where it is {id}"),
                "gpt-large",
            )?;
            let question =
                format!("Environment variable that holds the key of {id}; empty for no key");
            optional(&mut self.key_env, question, "OPENAI_API_KEY")?;
            let (mut input, mut output) = (None, None);
            let question =
                format!("Price of {id}'s input, USD per million tokens; empty if unknown");
            if self.input_price.is_none() {
                optional(&mut input, question, "2.5")?;
            }
            if self.output_price.is_none() && (input.is_some() || self.input_price.is_some()) {
                optional(
                    &mut output,
                    format!("Price of {id}'s output, USD per million tokens"),
                    "10",
                )?;
            }
            for (slot, name, text) in [
                (&mut self.input_price, "input-price", input),
                (&mut self.output_price, "output-price", output),
            ] {
                if let Some(text) = text {
                    *slot = Some(number(name, &text).map_err(&bad)?);
                }
            }
        }
        Ok(())
    }

    /// The table of `models.toml`.
    #[must_use]
    pub fn table(&self, prices_as_of: &str) -> String {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let api = match self.api.unwrap_or(Api::OpenAi) {
            Api::OpenAi => "openai",
            Api::Anthropic => "anthropic",
        };
        let mut text = format!(
            "[[models]]\nid = {}\napi = \"{api}\"\nendpoint = {}\n",
            quoted(&self.id),
            quoted(self.endpoint.as_deref().unwrap_or_default())
        );
        if let Some(model) = &self.model {
            let _ = writeln!(text, "model = {}", quoted(model));
        }
        if let Some(variable) = &self.key_env {
            let _ = writeln!(text, "key_env = {}", quoted(variable));
        }
        for (name, price) in
            [("input_price", self.input_price), ("output_price", self.output_price)]
        {
            if let Some(price) = price {
                let _ = writeln!(text, "{name} = {price:?}");
            }
        }
        if self.input_price.is_some() && !prices_as_of.is_empty() {
            let _ = writeln!(text, "prices_as_of = {}", quoted(prices_as_of));
        }
        let _ = writeln!(text, "max_tokens = {}", self.max_tokens.unwrap_or(MAX_TOKENS));
        text
    }
}

fn api(text: &str) -> Result<Api, String> {
    match text {
        "openai" => Ok(Api::OpenAi),
        "anthropic" => Ok(Api::Anthropic),
        _ => Err(format!("found the api {text:?}, expected openai or anthropic")),
    }
}

fn number(name: &str, text: &str) -> Result<f64, String> {
    let parsed = text.parse::<f64>().ok().filter(|price| price.is_finite() && *price >= 0.0);
    parsed
        .ok_or_else(|| format!("found {name}={text}, expected USD per million tokens, such as 2.5"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::completions::ModelsFile;
    use crate::label_loop::ask::{Nobody, Person};

    #[test]
    fn a_flag_becomes_a_table_that_is_read_back() {
        let flag = ModelFlag::parse(
            "id=large,endpoint=https://api.example.com/v1,api=anthropic,model=big-1,key-env=BIG_KEY,\
             input-price=2.5,output-price=10,max-tokens=512",
        )
        .unwrap();
        let model = ModelsFile::parse(&flag.table("2026-11-29")).unwrap().models.remove(0);
        assert_eq!((model.id.as_str(), model.api), ("large", Api::Anthropic));
        assert_eq!(
            (model.model.as_deref(), model.key_env.as_deref()),
            (Some("big-1"), Some("BIG_KEY"))
        );
        assert_eq!((model.input_price, model.output_price), (Some(2.5), Some(10.0)));
        assert_eq!((model.max_tokens, model.prices_as_of.as_deref()), (512, Some("2026-11-29")));
        let odd = ModelFlag::parse("id=a\"b,endpoint=http://a").unwrap();
        assert_eq!(ModelsFile::parse(&odd.table("")).unwrap().models[0].id, "a\"b");
    }

    #[test]
    fn a_flag_of_other_fields_is_an_error_that_lists_them() {
        for (text, expected) in [
            ("large", "expected NAME=VALUE"),
            ("id=large,price=3", "found \"price\", expected one of id, endpoint"),
            ("endpoint=http://a", "found no id"),
            ("id=a,api=gopher", "found the api \"gopher\""),
            ("id=a,input-price=free", "input-price=free"),
            ("id=a,input-price=-1", "input-price=-1"),
            ("id=a,max-tokens=0", "max-tokens=0"),
        ] {
            let error = ModelFlag::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn what_a_flag_lacks_is_asked_for_or_named() {
        let mut flag = ModelFlag::parse("id=large").unwrap();
        let error = flag.complete(&mut Nobody).unwrap_err().to_string();
        assert!(error.contains("--model id=large,endpoint="), "{error}");
        let typed = b"http://127.0.0.1:9/v1\n\n\nBIG_KEY\n1.5\n6\n";
        let mut person = Person { input: &typed[..], output: Vec::new() };
        flag.complete(&mut person).unwrap();
        assert_eq!((flag.endpoint.as_deref(), flag.api), (Some("http://127.0.0.1:9/v1"), None));
        assert_eq!((flag.model.as_deref(), flag.key_env.as_deref()), (None, Some("BIG_KEY")));
        assert_eq!((flag.input_price, flag.output_price), (Some(1.5), Some(6.0)));
        assert!(person.input.is_empty());
        // With an endpoint nothing more is asked.
        let mut known = ModelFlag::parse("id=large,endpoint=http://a").unwrap();
        known.complete(&mut Nobody).unwrap();
    }
}
