//! Days and instants of ISO 8601 in UTC, as the gateway writes them.

const MILLISECONDS_A_DAY: i64 = 86_400_000;

/// The number of a day `YYYY-MM-DD`, counted from 1970-01-01; `None` where that is no day.
#[must_use]
pub fn day(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let (year, month, of_month) =
        (digits(text.get(..4)?)?, digits(text.get(5..7)?)?, digits(text.get(8..)?)?);
    let number = number_of(year, month, of_month);
    ((1..=12).contains(&month) && name(number) == text).then_some(number)
}

/// Milliseconds from 1970 of an instant such as `2026-11-29T10:00:00.000Z`; `None` where that is none.
#[must_use]
pub fn instant(text: &str) -> Option<i64> {
    let of_day = day(text.get(..10)?)? * MILLISECONDS_A_DAY;
    let time = text.get(10..)?.strip_prefix('T')?.strip_suffix('Z')?;
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = seconds.split(':').map(|part| digits(part).filter(|_| part.len() == 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    // A leap second is written 60.
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let thousandths = format!("{:0<3}", fraction.get(..fraction.len().min(3))?);
    digits(fraction)?;
    Some(of_day + ((hour * 60 + minute) * 60 + second) * 1000 + digits(&thousandths)?)
}

/// The day of an instant.
#[must_use]
pub fn day_of(instant: i64) -> i64 {
    instant.div_euclid(MILLISECONDS_A_DAY)
}

/// `YYYY-MM-DD` of a day's number.
#[must_use]
pub fn name(day: i64) -> String {
    // Howard Hinnant's civil_from_days: years begin in March, eras have 400 years.
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{of_month:02}")
}

fn number_of(year: i64, month: i64, of_month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * month_from_march + 2) / 5 + of_month - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn digits(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_and_named_back() {
        assert_eq!(
            [day("1970-01-01"), day("2026-11-29"), day("1969-12-31")],
            [Some(0), Some(20_786), Some(-1)]
        );
        for number in (-200_000..200_000).step_by(37) {
            assert_eq!(day(&name(number)), Some(number), "{}", name(number));
        }
        for bad in [
            "2026-02-30",
            "2026-13-01",
            "2026-1-01",
            "2026-11-29T",
            "20261129",
            "2026-11-2x",
            "",
            "+026-01-01",
        ] {
            assert_eq!(day(bad), None, "{bad}");
        }
    }

    #[test]
    fn days_become_dates() {
        let of = [0, 59, 11_016, 11_017, 20_786, 20_787].map(name);
        let expected =
            ["1970-01-01", "1970-03-01", "2000-02-29", "2000-03-01", "2026-11-29", "2026-11-30"];
        assert_eq!(of, expected);
    }

    #[test]
    fn instants_have_milliseconds_and_a_day() {
        let noon = instant("2026-11-29T12:00:00.000Z");
        assert_eq!(noon.map(day_of), Some(20_786));
        assert_eq!(instant("1970-01-02T00:00:01.5Z"), Some(86_401_500));
        assert_eq!(instant("1970-01-01T00:00:00.123456Z"), Some(123));
        assert_eq!(instant("2026-11-29T12:00:00Z"), noon);
        for bad in [
            "2026-11-29",
            "2026-11-29T12:00Z",
            "2026-11-29T24:00:00Z",
            "2026-11-29T12:00:00",
            "2026-11-29T1:00:00Z",
            "2026-11-29T12:00:00.xZ",
            "é026-11-29T12:00:00Z",
        ] {
            assert_eq!(instant(bad), None, "{bad}");
        }
    }
}
