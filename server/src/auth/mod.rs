//! Who is asking and what they may do: roles, sessions, API tokens, and the gate that slows guessing.

mod gate;
mod me;
mod role;

pub use gate::{Gate, GateError};
pub use me::{COOKIE, Me, begin_session, ended_cookie, team_of};
pub use role::{May, Role};
