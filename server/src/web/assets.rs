//! Style, scripts and icon, compiled in. Each address carries the hash of the content, so browsers keep it for a year.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::api::{self, ApiError};
use crate::desk::digest;

macro_rules! assets {
    ($($name:literal $kind:literal;)*) => {
        const ASSETS: &[(&str, &str, &str)] =
            &[$(($name, $kind, include_str!(concat!("../../assets/", $name))),)*];
    };
}

assets! {
    "gradus.css" "text/css; charset=utf-8";
    "icon.svg" "image/svg+xml";
    "theme.js" "text/javascript; charset=utf-8";
    "clocks.js" "text/javascript; charset=utf-8";
    "live.js" "text/javascript; charset=utf-8";
    "board.js" "text/javascript; charset=utf-8";
    "alerts.js" "text/javascript; charset=utf-8";
    "listen.js" "text/javascript; charset=utf-8";
    "player.js" "text/javascript; charset=utf-8";
    "review.js" "text/javascript; charset=utf-8";
    "moment.js" "text/javascript; charset=utf-8";
    "keys.js" "text/javascript; charset=utf-8";
}

/// Returns the hashes of all assets, in the order of the list.
fn hashes() -> &'static [String] {
    static HASHES: OnceLock<Vec<String>> = OnceLock::new();
    HASHES.get_or_init(|| {
        let short = |text: &str| digest(text.as_bytes()).get(..12).unwrap_or_default().to_owned();
        ASSETS.iter().map(|(_, _, text)| short(text)).collect()
    })
}

/// Returns the address of an asset, with its version.
pub fn address(name: &str) -> String {
    let version =
        ASSETS.iter().zip(hashes()).find(|((known, ..), _)| *known == name).map(|(_, hash)| hash.as_str());
    format!("/assets/{name}?v={}", version.unwrap_or_default())
}

/// Serves an asset.
///
/// # Errors
/// When there is no such asset.
pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let found = ASSETS.iter().zip(hashes()).find(|((known, ..), _)| *known == name);
    let ((_, kind, text), hash) = found.ok_or(ApiError::NotFound)?;
    let tag = format!("\"{hash}\"");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let common = [
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
        (header::ETAG, tag.clone()),
        (header::CONTENT_TYPE, (*kind).to_owned()),
    ];
    if known.is_some_and(|known| known.contains(&tag)) {
        return Ok(api::not_modified(common));
    }
    Ok((common, *text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_script_stays_within_its_budget_and_each_file_is_short() {
        let scripts: Vec<_> = ASSETS.iter().filter(|(name, ..)| name.ends_with(".js")).collect();
        let bytes: usize = scripts.iter().map(|(.., text)| text.len()).sum();
        assert!(bytes <= 60 * 1024, "{bytes} bytes of script");
        for (name, _, text) in scripts {
            assert!(text.starts_with("// @ts-check\n"), "{name} is not checked");
            assert!(text.lines().count() <= 150, "{name} is too long");
        }
    }

    #[test]
    fn an_address_changes_with_its_content() {
        assert!(
            address("gradus.css").starts_with("/assets/gradus.css?v=") && address("gradus.css").len() > 30
        );
    }
}
