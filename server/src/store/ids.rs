//! Identifiers and the closed lists of states that are columns of TEXT.

use std::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// Returns the identifier as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result { out.write_str(&self.0) }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self { Self(text.to_owned()) }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self { Self(text) }
        }
    )*};
}

ids! {
    /// Names one conversation.
    ConversationId;
    /// Names one case. People see its number.
    CaseId;
    /// Names one user of Gradus.
    UserId;
    /// Names one customer.
    CustomerId;
    /// Names one alert.
    AlertId;
    /// Names one decision of the protocol.
    DecisionId;
    /// Names one promise made to a customer.
    CommitmentId;
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Returns the word that is stored and sent.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $text,)* } }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(format!(concat!("unknown ", stringify!($name), " \"{}\""), text)),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> { text.parse() }
        }
    )*};
}

words! {
    /// Whether a conversation is still going on.
    ConversationStatus {
        /// It is going on now.
        Live "live",
        /// It is over.
        Ended "ended",
    }
    /// How far the import of a file has come.
    ImportState {
        /// Begun and not yet finished: after a crash it is begun again.
        Started "started",
        /// Everything of it is in the store.
        Done "done",
        /// It could not be read; the error says why.
        Failed "failed",
    }
    /// What people say of a signal.
    Verdict {
        /// The signal is true.
        Right "right",
        /// The signal is false.
        Wrong "wrong",
    }
    /// What has become of a promise.
    CommitmentState {
        /// Still to be kept.
        Open "open",
        /// Kept.
        Kept "kept",
        /// Not kept in time.
        Broken "broken",
        /// No longer wanted.
        Dropped "dropped",
    }
    /// How an address of a customer is used.
    ContactKind {
        /// A telephone number, in E.164 digits.
        Tel "tel",
        /// An e-mail address, in small letters.
        Email "email",
    }
}
