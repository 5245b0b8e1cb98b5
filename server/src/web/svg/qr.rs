//! A QR code as a picture: one path of squares, black on white also in the dark, so that cameras read it.

use qrcodegen::{QrCode, QrCodeEcc};

/// Squares of white around the code, as its standard wants.
const QUIET: i32 = 4;

/// Draws a text; empty when it is too long for a code.
pub(in crate::web) fn qr(text: &str, title: &str) -> String {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else { return String::new() };
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            path.push_str(&format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET));
        }
    }
    let side = code.size() + 2 * QUIET;
    let title = super::escape(title);
    format!(
        "<svg class=\"qr\" viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"{title}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners_and_a_text_that_is_too_long_has_none() {
        let picture = qr("otpauth://totp/Gradus:anna?secret=ABC", "a \"code\"");
        assert!(
            picture.contains("M4 4h1v1h-1zM5 4h1v1h-1z") && picture.contains("&quot;code&quot;"),
            "{picture}"
        );
        assert_eq!(qr(&"x".repeat(5_000), ""), "");
    }
}
