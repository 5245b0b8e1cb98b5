//! Who may do what: one table.

use std::str::FromStr;

/// The work a person does in Gradus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Talks to customers.
    Agent,
    /// Watches, is alerted, takes over, resolves.
    Supervisor,
    /// Takes callbacks of flagged customers.
    ConflictSpecialist,
    /// Answers functional escalations.
    Department,
    /// Reviews and trains.
    Coach,
    /// Reads the figures.
    Director,
    /// Sets up everything.
    Administrator,
}

/// Something that is not open to everybody who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum May {
    /// Read conversations, hear recordings, read cases and customers.
    Read,
    /// Send conversations in, live or as files.
    Send,
    /// Open a case by hand and write notes.
    Note,
    /// Acknowledge, take over, hand over, resolve and reopen cases.
    Act,
    /// Read the figures of a week.
    Figures,
    /// Say whether a signal is right, wrong or missing.
    Judge,
    /// Add people and change what they may do.
    People,
    /// Change the rules by which signals are noticed.
    Rules,
    /// Say who is on duty and who is away.
    Duty,
    /// Change and publish the protocol.
    Protocol,
    /// Run the review meeting, give tasks and see to them, judge quality.
    Review,
    /// Search everything that was said.
    Search,
    /// Take what a search found out as a file.
    Export,
    /// Listen in to a call while it lasts.
    Listen,
}

impl Role {
    /// Every role, in the order of the list people choose from.
    pub const ALL: [Role; 7] = [
        Role::Agent,
        Role::Supervisor,
        Role::ConflictSpecialist,
        Role::Department,
        Role::Coach,
        Role::Director,
        Role::Administrator,
    ];

    /// Returns the name that is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::ConflictSpecialist => "conflict_specialist",
            Self::Department => "department",
            Self::Coach => "coach",
            Self::Director => "director",
            Self::Administrator => "administrator",
        }
    }

    /// Says whether the role may do something. Nothing else in the server decides this.
    pub const fn may(self, what: May) -> bool {
        use Role::{Administrator, Agent, Coach, ConflictSpecialist, Department, Director, Supervisor};
        match what {
            May::Read => true,
            May::Note => !matches!(self, Coach),
            May::Send => matches!(self, Agent | Supervisor | ConflictSpecialist | Coach | Administrator),
            May::Act => {
                matches!(self, Supervisor | ConflictSpecialist | Department | Director | Administrator)
            }
            May::Search => !matches!(self, Agent | Department),
            May::Figures | May::Export => matches!(self, Supervisor | Coach | Director | Administrator),
            May::Judge => !matches!(self, Agent | Department),
            May::People => matches!(self, Administrator),
            May::Rules => matches!(self, Coach | Administrator),
            May::Protocol => matches!(self, Director | Administrator),
            May::Review => matches!(self, Supervisor | Coach | Director | Administrator),
            May::Listen => matches!(self, Supervisor | Coach | Director | Administrator),
            May::Duty => matches!(self, Supervisor | Director | Administrator),
        }
    }

    /// Says whether the role sees every team whatever team it belongs to.
    pub const fn sees_all_teams(self) -> bool {
        matches!(self, Self::Director | Self::Administrator)
    }

    /// Says whether an alert to a role of the alert ladder is for this role.
    pub fn hears(self, called: &str) -> bool {
        match called {
            "supervisor" | "substitute" => matches!(self, Self::Supervisor | Self::Administrator),
            other => other == self.name(),
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == name)
            .ok_or_else(|| format!("unknown role \"{name}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_permissions_is_what_was_agreed() {
        let all = [
            May::Read,
            May::Send,
            May::Note,
            May::Act,
            May::Figures,
            May::Judge,
            May::People,
            May::Rules,
            May::Duty,
            May::Protocol,
            May::Review,
            May::Search,
            May::Export,
            May::Listen,
        ];
        let row =
            |role: Role| all.map(|what| if role.may(what) { '+' } else { '-' }).iter().collect::<String>();
        let table: Vec<String> =
            Role::ALL.iter().map(|role| format!("{:<20}{}", role.name(), row(*role))).collect();
        let expected = [
            "agent               +++-----------",
            "supervisor          ++++++--+-++++",
            "conflict_specialist ++++-+-----+--",
            "department          +-++----------",
            "coach               ++--++-+--++++",
            "director            +-++++--++++++",
            "administrator       ++++++++++++++",
        ];
        assert_eq!(table, expected);
    }

    #[test]
    fn every_name_reads_back() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().is_err());
    }
}
