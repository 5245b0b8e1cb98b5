//! Telephone numbers and e-mail addresses in the one form in which they are compared.

/// Returns a telephone number as E.164 digits without the plus, or nothing when it cannot be one.
///
/// Russian forms with 8, +7, 7 and without any prefix become one number; an extension («доб. 12») is left out. A number
/// of another country is kept only with its plus (or 00), since without it nobody can tell which country it is.
pub fn normal_tel(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches("tel:").trim();
    let number = text.split(['д', 'Д', ';', ',', '#', 'x', 'X', 'e', 'E']).next().unwrap_or(text);
    let allowed =
        |c: char| c.is_ascii_digit() || c.is_whitespace() || "+-().‐‑‒–—/\u{a0}\u{202f}".contains(c);
    if !number.chars().all(allowed) {
        return None;
    }
    let plus = number.trim_start().starts_with('+');
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if plus {
        return (8..=15).contains(&digits.len()).then(|| russian_plus(digits));
    }
    match digits.len() {
        11 if digits.starts_with('8') || digits.starts_with('7') => {
            Some(format!("7{}", digits.get(1..).unwrap_or("")))
        }
        10 if digits.starts_with(['3', '4', '8', '9']) => Some(format!("7{digits}")),
        _ => {
            // 810 is how Russia dials abroad, 00 how most others do.
            let abroad = digits.strip_prefix("810").or_else(|| digits.strip_prefix("00"))?;
            (8..=15).contains(&abroad.len()).then(|| abroad.to_owned())
        }
    }
}

/// «+8 916 …» is written by people who mean +7.
fn russian_plus(digits: String) -> String {
    match digits.strip_prefix('8') {
        Some(rest) if digits.len() == 11 && rest.starts_with(['3', '4', '8', '9']) => format!("7{rest}"),
        _ => digits,
    }
}

/// Returns an e-mail address in small letters, or nothing when it cannot be one.
pub fn normal_email(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("mailto:").unwrap_or(text).trim_matches(['<', '>']).to_lowercase();
    let (name, host) = text.rsplit_once('@')?;
    let fine = !name.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.');
    (fine && !text.chars().any(|c| c.is_whitespace() || c.is_control())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_russian_form_is_one_number() {
        for form in [
            "+7 916 123-45-67",
            "8 (916) 123-45-67",
            "89161234567",
            "79161234567",
            "9161234567",
            "tel:+79161234567",
            "+8 916 123 45 67",
            "8-916-123-45-67 доб. 12",
            "8 916 123 45 67",
        ] {
            assert_eq!(normal_tel(form).as_deref(), Some("79161234567"), "{form}");
        }
        assert_eq!(normal_tel("8 800 555-35-35").as_deref(), Some("78005553535"));
    }

    #[test]
    fn other_countries_keep_their_code_and_no_number_is_nothing() {
        assert_eq!(normal_tel("+375 29 123-45-67").as_deref(), Some("375291234567"));
        assert_eq!(normal_tel("8 10 49 30 1234567").as_deref(), Some("49301234567"));
        assert_eq!(normal_tel("+49 30 1234567").as_deref(), Some("49301234567"));
        for nothing in ["", "112", "позвоните", "anonymous", "+7", "12345678901234567"] {
            assert_eq!(normal_tel(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn an_address_is_compared_in_small_letters() {
        assert_eq!(normal_email(" Mailto:".trim_start_matches(" Mailto:")), None);
        assert_eq!(normal_email("<Anna.K@Example.RU>").as_deref(), Some("anna.k@example.ru"));
        for nothing in ["", "anna", "@example.ru", "anna@", "anna@host", "a b@example.ru"] {
            assert_eq!(normal_email(nothing), None, "{nothing}");
        }
    }
}
