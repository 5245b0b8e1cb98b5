//! E-mail addresses in the one form in which they are compared.

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
    fn an_address_is_compared_in_small_letters() {
        assert_eq!(normal_email(" mailto:Anna.K@example.ru ").as_deref(), Some("anna.k@example.ru"));
        assert_eq!(normal_email("<Anna.K@Example.RU>").as_deref(), Some("anna.k@example.ru"));
        for nothing in ["", "anna", "@example.ru", "anna@", "anna@host", "a b@example.ru"] {
            assert_eq!(normal_email(nothing), None, "{nothing}");
        }
    }
}
