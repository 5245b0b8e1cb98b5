//! Bytes to text: UTF-8 with or without its mark, UTF-16 with a mark, windows-1251. Guesses nothing else.

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1251};

use super::fault::{Fault, FaultKind};

/// Text with what had to be assumed to get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without a byte order mark.
    pub text: String,
    /// What was assumed, when something was.
    pub warning: Option<String>,
}

/// Decodes the bytes of a text file.
///
/// # Errors
/// `Empty` for nothing but blanks, `Encoding` for binary data and for broken UTF-8.
pub fn decode(bytes: &[u8]) -> Result<Decoded, Fault> {
    let decoded = decode_any(bytes)?;
    if let Some(at) = decoded.text.find('\0') {
        let line = decoded.text[..at].matches('\n').count() + 1;
        return Err(Fault::new(
            FaultKind::Encoding,
            format!("line {line}"),
            "there is a NUL, so this is no text file or was cut while being written",
            "save it again as UTF-8 text",
        ));
    }
    if decoded.text.trim().is_empty() {
        return Err(Fault::new(FaultKind::Empty, "", "the file is empty", "export it again"));
    }
    Ok(decoded)
}

fn decode_any(bytes: &[u8]) -> Result<Decoded, Fault> {
    let utf16 = match bytes {
        [0xFF, 0xFE, ..] => Some(UTF_16LE),
        [0xFE, 0xFF, ..] => Some(UTF_16BE),
        _ => None,
    };
    if let Some(encoding) = utf16 {
        let (text, broken) = encoding.decode_with_bom_removal(bytes);
        if broken {
            return Err(broken_text("", "UTF-16"));
        }
        return Ok(Decoded { text: text.into_owned(), warning: None });
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let fault = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(Decoded { text: text.to_owned(), warning: None }),
        Err(fault) => fault,
    };
    // JSON is UTF-8 by its own rule.
    let json = bytes.trim_ascii_start().starts_with(b"{") || bytes.trim_ascii_start().starts_with(b"[");
    if json || !looks_like_windows_1251(bytes) {
        let line = bytes[..fault.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
        return Err(broken_text(&format!("line {line}, byte {}", fault.valid_up_to()), "UTF-8"));
    }
    let (text, _) = WINDOWS_1251.decode_without_bom_handling(bytes);
    Ok(Decoded {
        text: text.into_owned(),
        warning: Some("read as windows-1251, since it is not UTF-8".into()),
    })
}

fn broken_text(place: &str, encoding: &str) -> Fault {
    let problem = format!("broken {encoding}");
    Fault::new(FaultKind::Encoding, place, problem, "save the file again as UTF-8 and send it whole")
}

/// Says whether bytes that are not UTF-8 read as Russian in windows-1251: letters are most of what is not ASCII, and
/// two-byte sequences of UTF-8 are not (those would show a UTF-8 file with a few bytes broken).
fn looks_like_windows_1251(bytes: &[u8]) -> bool {
    let high = bytes.iter().filter(|&&byte| byte >= 0x80).count();
    let letters = bytes.iter().filter(|&&byte| byte >= 0xC0 || byte == 0xA8 || byte == 0xB8).count();
    let valid_utf8: usize =
        bytes.utf8_chunks().map(|chunk| chunk.valid().bytes().filter(|&byte| byte >= 0x80).count()).sum();
    let controls =
        bytes.iter().filter(|&&byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')).count();
    controls == 0 && letters * 10 >= high * 8 && valid_utf8 * 2 < high
}

/// Makes words of a conversation safe to keep without moving any offset: NUL, which no database text holds, becomes
/// U+FFFD. Returns the text and a warning when something in it can mislead a reader.
pub fn clean_words(text: String) -> (String, Option<&'static str>) {
    if text.contains('\0') {
        return (text.replace('\0', "\u{FFFD}"), Some("held NUL characters; they are shown as U+FFFD"));
    }
    let turned = text.contains(|c| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'));
    let warning =
        turned.then_some("holds marks that turn the direction of writing; what is shown can differ");
    (text, warning)
}

/// Makes a name or subject fit for one line: control and direction characters go, blanks are joined, length is bounded.
pub fn clean_line(text: &str) -> Option<String> {
    let kept: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'))
        .take(LINE_LIMIT)
        .collect();
    let line = kept.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

/// Characters kept of a name or subject.
const LINE_LIMIT: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_text_is_read_in_each_encoding_it_comes_in() {
        let words = "кто,текст\nКлиент,Верните деньги ё";
        let utf16: Vec<u8> =
            std::iter::once(0xFEFF).chain(words.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let (windows, ..) = WINDOWS_1251.encode(words);
        for bytes in
            [words.as_bytes().to_vec(), [b"\xEF\xBB\xBF", words.as_bytes()].concat(), utf16, windows.to_vec()]
        {
            assert_eq!(decode(&bytes).map(|decoded| decoded.text), Ok(words.to_owned()));
        }
        assert!(decode(&windows).is_ok_and(|decoded| decoded.warning.is_some()));
    }

    #[test]
    fn broken_text_is_refused_with_its_place() {
        let mut broken = "кто,текст\nКлиент,Верните деньги".as_bytes().to_vec();
        broken[20] = 0xFF;
        let fault = decode(&broken).map_err(|fault| (fault.kind, fault.place));
        assert_eq!(fault, Err((FaultKind::Encoding, "line 2, byte 20".into())));
        assert_eq!(decode(b"a\n\0").map_err(|fault| fault.place), Err("line 2".into()));
        assert_eq!(decode(b" \n").map_err(|fault| fault.kind), Err(FaultKind::Empty));
        assert_eq!(decode(b"").map_err(|fault| fault.kind), Err(FaultKind::Empty));
    }

    #[test]
    fn cleaning_words_keeps_every_offset() {
        let (text, warning) = clean_words("a\0б".into());
        assert_eq!((text.as_str(), warning.is_some()), ("a\u{FFFD}б", true));
        assert!(clean_words("x\u{202E}y".into()).1.is_some());
        assert_eq!(clean_line(" Анна\t\u{202E}Ли \n").as_deref(), Some("Анна Ли"));
    }
}
