//! Who is asking and what they may do: roles, sessions, API tokens, and the gate that slows guessing.

mod gate;
mod me;
mod role;
mod scope;
pub mod totp;

pub use gate::{Gate, GateError};
pub use me::{
    COOKIE, Me, begin_half_sign_in, begin_session, ended_cookie, ended_half_cookie, half_token, team_of,
};
pub use role::{May, Role};
pub use scope::Scope;
