//! Telephone numbers: every Russian form of one number is the same number.
//!
//! A full numbering-plan library would add a megabyte of metadata for one question that Russian numbers answer by
//! their length; foreign numbers are kept as their digits.

use std::fmt;

/// A number in international form: `+` and 8 to 15 digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(String);

impl Phone {
    /// Reads a number: `8 (926) 000-02-68`, `+7 926…`, `926…`, `tel:`, `sip:`, with an extension or without.
    pub fn parse(text: &str) -> Option<Phone> {
        let lower = text.trim().to_lowercase();
        let body =
            ["tel:", "sip:", "sips:"].iter().find_map(|scheme| lower.strip_prefix(scheme)).unwrap_or(&lower);
        // Extensions, hosts and parameters are no part of the number.
        let body = body.split([';', ',', '#', '@']).next()?;
        let body =
            ["доб", "ext", "вн", "x"].iter().fold(body, |body, mark| body.split(mark).next().unwrap_or(body));
        if body.chars().any(char::is_alphabetic) {
            return None;
        }
        let digits: String = body.chars().filter(char::is_ascii_digit).collect();
        let international =
            if body.trim_start().starts_with('+') { with_plus(&digits) } else { without(&digits) };
        international
            .filter(|digits| (8..=15).contains(&digits.len()))
            .map(|digits| Phone(format!("+{digits}")))
    }

    /// Returns the number as `+79260000268`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the number as `79260000268`: how the store compares numbers.
    pub fn digits(&self) -> &str {
        self.0.trim_start_matches('+')
    }
}

/// «+8 926 …» is written by people who mean +7.
fn with_plus(digits: &str) -> Option<String> {
    match digits.strip_prefix('8') {
        Some(rest) if digits.len() == 11 && rest.starts_with(['3', '4', '8', '9']) => {
            Some(format!("7{rest}"))
        }
        _ => Some(digits.to_owned()),
    }
}

/// Without a plus the number is Russian if it can be; else it begins with the code of its country, with or without what
/// is dialled before it: 810 in Russia, 00 in most other countries.
fn without(digits: &str) -> Option<String> {
    match (digits.len(), digits.as_bytes().first()) {
        (11, Some(b'7' | b'8')) => digits.get(1..).map(|national| format!("7{national}")),
        (10, Some(b'3' | b'4' | b'8' | b'9')) => Some(format!("7{digits}")),
        _ => {
            let abroad = digits.strip_prefix("810").or_else(|| digits.strip_prefix("00"));
            abroad.or((11..=15).contains(&digits.len()).then_some(digits)).map(str::to_owned)
        }
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_russian_number_is_one_number() {
        for form in [
            "+79260000268",
            "89260000268",
            "79260000268",
            "9260000268",
            "8 (926) 000-02-68",
            "+7 926 000 02 68",
            "8-926-000-02-68",
            "tel:+7-926-000-02-68",
            "sip:+79260000268@pbx.example",
            "926 000 02 68",
            "8(926)000-02-68 доб. 12",
            "+7 (926) 000‑02‑68",
            "+7 926 000 02 68, доб 4",
            "+8 926 000 02 68",
            "8 926 000 02 68 x12",
        ] {
            assert_eq!(Phone::parse(form).map(|phone| phone.0).as_deref(), Some("+79260000268"), "{form}");
        }
        assert_eq!(Phone::parse("8 800 555 35 35"), Phone::parse("800-555-35-35"));
    }

    #[test]
    fn other_countries_keep_their_code_however_it_is_dialled() {
        for (form, number) in [
            ("+375 29 123-45-67", "375291234567"),
            ("375291234567", "375291234567"),
            ("8 10 49 30 1234567", "49301234567"),
            ("00 49 30 1234567", "49301234567"),
            ("+49 30 1234567", "49301234567"),
        ] {
            let phone = Phone::parse(form);
            assert_eq!(phone.as_ref().map(Phone::digits), Some(number), "{form}");
            assert_eq!(Phone::parse(number), phone, "what is stored is the same number again");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for form in ["", "anonymous", "скрыт", "112", "12345", "+7", "1234567890123456789", "иван@почта.рф"]
        {
            assert_eq!(Phone::parse(form), None, "{form}");
        }
    }
}
