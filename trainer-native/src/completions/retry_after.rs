//! How long an upstream asks to wait: `retry-after` in seconds or as a date, and `retry-after-ms`.

use std::time::{Duration, SystemTime};

/// The wait that headers ask for; `header` finds one by its name. A date counts from the answer's own `date`
/// where it has one, so that a wrong clock here does not matter.
pub fn retry_after<'a>(
    header: impl Fn(&str) -> Option<&'a str>,
    now: SystemTime,
) -> Option<Duration> {
    let number = |name: &str| header(name)?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1000.0).or_else(|| number("retry-after"));
    if let Some(seconds) = seconds {
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    let date = |name: &str| httpdate::parse_http_date(header(name)?.trim()).ok();
    let until = date("retry-after")?;
    Some(until.duration_since(date("date").unwrap_or(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&str, &'static str)]) -> Option<f64> {
        let header =
            |name: &str| headers.iter().find(|(named, _)| *named == name).map(|(_, value)| *value);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        retry_after(header, now).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_read() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("retry-after", "2")]), Some(2.0));
        assert_eq!(of(&[("retry-after", " 0.25 ")]), Some(0.25));
        assert_eq!(of(&[("retry-after", "9"), ("retry-after-ms", "150")]), Some(0.15));
        // 784111777 is Sun, 06 Nov 1994 08:49:37 GMT.
        let later = ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT");
        assert_eq!(of(&[later]), Some(10.0));
        assert_eq!(of(&[later, ("date", "Sun, 06 Nov 1994 08:49:44 GMT")]), Some(3.0));
        assert_eq!(of(&[("retry-after", "Sun Nov  6 08:49:47 1994")]), Some(10.0));
        assert_eq!(of(&[("retry-after", "Sun, 06 Nov 1994 08:49:30 GMT")]), Some(0.0));
    }

    #[test]
    fn what_is_no_time_is_ignored() {
        for text in ["soon", "", "NaN", "inf", "1e300"] {
            let wait =
                retry_after(|name| (name == "retry-after").then_some(text), SystemTime::now());
            assert!(wait.is_none_or(|wait| wait.is_zero()), "{text}: {wait:?}");
        }
        assert_eq!(of(&[("retry-after", "-5")]), Some(0.0));
    }
}
