//! Reads the date of an HTTP header (RFC 9110, section 5.6.7), in any of its three forms.
//!
//! ```text
//! Sun, 06 Nov 1994 08:49:37 GMT      IMF-fixdate, the form that is written today
//! Sunday, 06-Nov-94 08:49:37 GMT     RFC 850
//! Sun Nov  6 08:49:37 1994           asctime
//! ```

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The seconds since 1970 of a date; none if it is malformed or earlier.
pub(crate) fn seconds_since_1970(date: &str) -> Option<u64> {
    let words: Vec<&str> = date.split([' ', ',', '-']).filter(|word| !word.is_empty()).collect();
    let [_, a, b, c, d, rest @ ..] = words.as_slice() else { return None };
    let (day, month, year, time) = match rest {
        ["GMT"] => (a, b, c, d),
        [] => (b, a, d, c),
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    let day = number(day, 2).filter(|day| (1..=31).contains(day))?;
    let year = match year.len() {
        // Of two digits the year in [1970, 2069]: Retry-After and Date lie close together.
        2 => number(year, 2).map(|year| if year < 70 { 2000 + year } else { 1900 + year })?,
        _ => number(year, 4)?,
    };
    let mut parts = time.split(':').map(|part| number(part, 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_since_1970(year, u64::try_from(month).ok()? + 1, day)?;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

fn number(text: &str, digits: usize) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    if plain && (1..=digits).contains(&text.len()) { text.parse().ok() } else { None }
}

/// Counts the days from 1970-01-01; years begin in March, so that a leap day is the last one.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let (year, month) =
        if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    days.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_the_same_time() {
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(seconds_since_1970(date), Some(784_111_777), "{date}");
        }
        assert_eq!(seconds_since_1970("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds_since_1970("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        assert_eq!(seconds_since_1970("Wed, 21 Oct 2026 07:28:00 GMT"), Some(1_792_567_680));
    }

    #[test]
    fn other_texts_are_no_date() {
        for text in [
            "",
            "soon",
            "12",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nob 1994 08:49:37 GMT",
            "Sun, 06 Nov 1894 08:49:37 GMT",
            "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(seconds_since_1970(text), None, "{text}");
        }
    }
}
