//! How far the key of a program reaches: never farther than the person in whose name it acts.

use std::str::FromStr;

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything that its person may.
    All,
    /// Reading alone: figures, conversations, cases.
    Read,
    /// Sending conversations in alone: a PBX, a chat; and asking where a caller goes.
    Send,
}

impl Scope {
    /// Every scope, in the order of the list people choose from.
    pub const ALL: [Self; 3] = [Self::Send, Self::Read, Self::All];

    /// Returns the name that is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Read => "read",
            Self::Send => "send",
        }
    }

    /// Says whether a request is within it, by its method and path.
    pub fn covers(self, method: &str, path: &str) -> bool {
        let reads = matches!(method, "GET" | "HEAD");
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let sends = match parts.as_slice() {
            // These are opened by GET and carry sound or words in.
            ["live", ..] | ["api", "v1", "conversations", _, "ws"] => true,
            ["api", "v1", "conversations" | "calls" | "imports"] => method == "POST",
            ["api", "v1", "conversations", _, "events" | "end"] => method == "POST",
            _ => false,
        };
        match self {
            Self::All => true,
            Self::Read => reads && !sends && path.starts_with("/api/"),
            Self::Send => sends || (reads && path == "/api/v1/route"),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|scope| scope.name() == name);
        known.ok_or_else(|| format!("unknown scope \"{name}\": all, read or send"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reaches_what_its_scope_names_and_nothing_else() {
        for (method, path, read, send) in [
            ("GET", "/api/v1/conversations", true, false),
            ("POST", "/api/v1/conversations", false, true),
            ("GET", "/api/v1/conversations/c-1", true, false),
            ("GET", "/api/v1/conversations/c-1/recording", true, false),
            ("POST", "/api/v1/conversations/c-1/events", false, true),
            ("POST", "/api/v1/conversations/c-1/end", false, true),
            ("GET", "/api/v1/conversations/c-1/ws", false, true),
            ("POST", "/api/v1/conversations/c-1/verdicts", false, false),
            ("POST", "/api/v1/cases/k/actions", false, false),
            ("GET", "/api/v1/search/export", true, false),
            ("POST", "/api/v1/imports", false, true),
            ("GET", "/api/v1/route", true, true),
            ("GET", "/live/media", false, true),
            ("POST", "/users/user-1/link", false, false),
            ("GET", "/users", false, false),
            ("DELETE", "/api/v1/duty/1", false, false),
        ] {
            assert_eq!(
                (Scope::Read.covers(method, path), Scope::Send.covers(method, path)),
                (read, send),
                "{method} {path}"
            );
            assert!(Scope::All.covers(method, path));
        }
        for scope in Scope::ALL {
            assert_eq!(scope.name().parse(), Ok(scope));
        }
        assert!("root".parse::<Scope>().is_err());
    }
}
