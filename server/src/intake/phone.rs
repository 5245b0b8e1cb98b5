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
        let text = text.trim();
        let lower = text.to_lowercase();
        let body =
            ["tel:", "sip:", "sips:"].iter().find_map(|scheme| lower.strip_prefix(scheme)).unwrap_or(&lower);
        // Extensions, hosts and parameters are no part of the number.
        let body = body.split([';', ',', '#', '@']).next()?;
        let body =
            ["доб", "ext", "вн"].iter().fold(body, |body, mark| body.split(mark).next().unwrap_or(body));
        if body.chars().any(char::is_alphabetic) {
            return None;
        }
        let digits: String =
            body.chars().filter_map(|c| c.to_digit(10)).filter_map(|d| char::from_digit(d, 10)).collect();
        let plus = body.trim_start().starts_with('+');
        let national = match (digits.len(), digits.as_bytes().first()) {
            (11, Some(b'8')) if !plus => digits.get(1..),
            (11, Some(b'7')) => digits.get(1..),
            (10, Some(b'3' | b'4' | b'8' | b'9')) if !plus => digits.get(..),
            _ => None,
        };
        match national {
            Some(national) => Some(Phone(format!("+7{national}"))),
            None if plus && (8..=15).contains(&digits.len()) => Some(Phone(format!("+{digits}"))),
            None if (11..=15).contains(&digits.len()) => Some(Phone(format!("+{digits}"))),
            None => None,
        }
    }

    /// Returns the number as `+79260000268`.
    pub fn as_str(&self) -> &str {
        &self.0
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
        ] {
            assert_eq!(Phone::parse(form).map(|phone| phone.0).as_deref(), Some("+79260000268"), "{form}");
        }
        assert_eq!(Phone::parse("8 800 555 35 35"), Phone::parse("800-555-35-35"));
        assert_eq!(Phone::parse("+375 29 123-45-67").map(|phone| phone.0).as_deref(), Some("+375291234567"));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for form in ["", "anonymous", "скрыт", "112", "12345", "+7", "1234567890123456789", "иван@почта.рф"]
        {
            assert_eq!(Phone::parse(form), None, "{form}");
        }
    }
}
