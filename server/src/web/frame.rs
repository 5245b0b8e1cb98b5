//! What stands around every page: who is signed in, where they are, the words they read.

use super::assets;
use super::words::Words;
use crate::auth::{May, Role};

/// A section of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The live board.
    Board,
    /// All conversations.
    Conversations,
    /// Everything that was said.
    Archive,
    /// Cases.
    Cases,
    /// Questions to departments.
    Asks,
    /// Customers.
    Customers,
    /// Practice.
    Practice,
    /// The figures of a week.
    Week,
    /// People who may sign in.
    Users,
    /// None of them.
    Other,
}

/// The person who is signed in, as far as pages show them.
#[derive(Clone, Debug)]
pub struct Who {
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The token that their forms carry.
    pub csrf: String,
}

impl Who {
    /// Returns up to two initials.
    pub fn initials(&self) -> String {
        self.name.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect()
    }
}

/// What stands around a page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The words.
    pub w: Words,
    /// Who is signed in.
    pub who: Who,
    /// Where they are.
    pub section: Section,
    /// What was just done, to be said once.
    pub flash: Option<String>,
    /// Whether they have not read the protocol in force yet.
    pub unread: bool,
}

/// One link of the navigation.
pub struct Link {
    /// Where it leads.
    pub href: &'static str,
    /// Its words.
    pub title: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// Its key.
    pub key: &'static str,
    /// Whether this is the page.
    pub here: bool,
}

impl Frame {
    /// Returns the links that the person may follow.
    pub fn links(&self) -> Vec<Link> {
        let t = self.w.t;
        let all = [
            ("/", t.board, "board", "b", Section::Board, May::Read),
            ("/cases", t.cases, "cases", "c", Section::Cases, May::Read),
            ("/asks", t.asks_short, "asks", "d", Section::Asks, May::Act),
            ("/conversations", t.conversations, "conversations", "v", Section::Conversations, May::Read),
            ("/archive", t.archive, "archive", "a", Section::Archive, May::Search),
            ("/customers", t.customers, "customers", "l", Section::Customers, May::Read),
            ("/practice", t.practice, "practice", "g", Section::Practice, May::Read),
            ("/week", t.week, "week", "w", Section::Week, May::Figures),
            ("/users", t.users, "users", "u", Section::Users, May::People),
        ];
        all.into_iter()
            .filter(|(.., what)| self.who.role.may(*what))
            .map(|(href, title, icon, key, section, _)| Link {
                href,
                title,
                icon,
                key,
                here: section == self.section,
            })
            .collect()
    }

    /// Says whether the person may do something with cases.
    pub fn may_act(&self) -> bool {
        self.who.role.may(May::Act)
    }

    /// Says whether the person may open cases and write notes.
    pub fn may_note(&self) -> bool {
        self.who.role.may(May::Note)
    }

    /// Says whether the person may say that a signal is right, wrong or missing.
    pub fn may_judge(&self) -> bool {
        self.who.role.may(May::Judge)
    }

    /// Says whether the person may read figures.
    pub fn may_figures(&self) -> bool {
        self.who.role.may(May::Figures)
    }

    /// Says whether the person may take out what a search found.
    pub fn may_export(&self) -> bool {
        self.who.role.may(May::Export)
    }

    /// Says whether the person may change the protocol.
    pub fn may_protocol(&self) -> bool {
        self.who.role.may(May::Protocol)
    }

    /// Says whether the person may run the review meeting and give tasks.
    pub fn may_review(&self) -> bool {
        self.who.role.may(May::Review)
    }

    /// Says whether the person may say who is on duty.
    pub fn may_duty(&self) -> bool {
        self.who.role.may(May::Duty)
    }

    /// Says whether the person may add people.
    pub fn may_people(&self) -> bool {
        self.who.role.may(May::People)
    }

    /// Says whether the person may send conversations in.
    pub fn may_send(&self) -> bool {
        self.who.role.may(May::Send)
    }

    /// Says whether the person may listen in to calls.
    pub fn may_listen(&self) -> bool {
        self.who.role.may(May::Listen)
    }

    /// Returns the address of an asset, with its version.
    pub fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// Returns an icon.
    pub fn icon(&self, name: &str) -> String {
        super::icons::icon(name)
    }
}
