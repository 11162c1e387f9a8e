//! Reads the errors that the binding AI throws: texts with a number in front.
//!
//! ```text
//! "AiError: 5006: Error: oneOf at '/' not met"          -> 400, the caller's
//! "InferenceUpstreamError: 3040: Capacity temporarily exceeded, please try again."  -> 429
//! ```
//! | number | status | |
//! | --- | --- | --- |
//! | 3007, 3008, 3046 | 408 | a timeout |
//! | 3040 | 429 | no capacity |
//! | 3036 | 402 | the account's free allocation is used up |
//! | 3023, 3041, 5016, 5018, 5035 | 403 | the account may not use the model |
//! | 3042, 5007 | 404 | no such model |
//! | 10000 | 401 | the account's credentials |
//! | 3006 | 413 | a request that is too large |
//! | 3003, 3010, 3030, 3039, the other 5000 to 5999, none but "Bad input" | 400 | the request's input |
//! | any other | 502 | the binding failed |

/// The HTTP status that the text of an error of the binding AI means.
pub(crate) fn error_status(text: &str) -> u16 {
    // Only what precedes the first words counts: what follows may repeat the caller's input.
    let mut words = text.split(':').map(str::trim).skip_while(|word| is_name(word));
    let first = words.next().unwrap_or_default();
    let digits = (4..=5).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_digit());
    match first.parse::<u32>().ok().filter(|_| digits) {
        Some(number) => status_of(number),
        None if first.eq_ignore_ascii_case("bad input") => 400,
        None => 502,
    }
}

/// The HTTP status of a number.
pub(super) fn status_of(number: u32) -> u16 {
    match number {
        3007 | 3008 | 3046 => 408,
        3040 => 429,
        3036 => 402,
        3023 | 3041 | 5016 | 5018 | 5035 => 403,
        3042 | 5007 => 404,
        10_000 => 401,
        3006 => 413,
        3003 | 3010 | 3030 | 3039 | 5000..=5999 => 400,
        _ => 502,
    }
}

/// Whether a part is the name of an error's class, such as `InferenceUpstreamError [AiError]`.
fn is_name(part: &str) -> bool {
    let class = |word: &str| word.trim_matches(['[', ']']).ends_with("Error");
    !part.is_empty() && part.split_whitespace().all(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_in_front_decides() {
        for (text, status) in [
            ("5006: Error: oneOf at '/' not met, '/temperature' must be <= 5", 400),
            ("AiError: 5006: Error: required properties at '/' are 'prompt'", 400),
            ("Error: InferenceUpstreamError [AiError]: 3010: \nInvalid or incomplete input", 400),
            ("InferenceUpstreamError: 3040: Capacity temporarily exceeded, please try again.", 429),
            ("5021: This model's maximum context length is 8192 tokens", 400),
            ("5007: No such model @cf/x or task", 404),
            ("5016: User has not agreed to the terms", 403),
            ("3036: You have used up your daily free allocation", 402),
            ("3007: Request timeout", 408),
            ("3006: Request is too large", 413),
            ("10000: Authentication error", 401),
            ("AiError: AiError: Bad input: Error: oneOf at '/' not met", 400),
        ] {
            assert_eq!(error_status(text), status, "{text}");
        }
    }

    #[test]
    fn other_texts_are_the_bindings_failure() {
        for text in [
            "",
            "Error",
            "error code: 1031",
            "3043: Internal server error",
            "Network connection lost.",
            "Error: internal error; reference = 5006",
            "Error: the input was: 5006: please",
            "500: x",
            "500612: x",
            "+5006: x",
        ] {
            assert_eq!(error_status(text), 502, "{text}");
        }
    }
}
