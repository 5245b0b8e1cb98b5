//! `gradus user`: people who may sign in.

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use gradus_engine::time::Millis;

use super::{Ended, WrongUsage};
use crate::auth::Scope;
use crate::config::Config;
use crate::desk::{digest, open_store};
use crate::password;
use crate::store::{ApiToken, User, UserId};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add a person.
    Add {
        /// The name to sign in with.
        login: String,
        /// agent, supervisor, conflict_specialist, department, coach, director, administrator
        #[arg(long)]
        role: String,
        /// The name that others see.
        #[arg(long)]
        name: String,
        /// Variable of the environment that holds the password; asked for on the terminal when left out.
        #[arg(long)]
        password_env: Option<String>,
        /// Do nothing when the person is there already.
        #[arg(long)]
        if_missing: bool,
    },
    /// Show everybody.
    List,
    /// Make a token with which a program uses the API in the name of a person; it is shown once.
    Token {
        /// The name the person signs in with.
        login: String,
        /// What the token is for.
        #[arg(long)]
        name: String,
        /// How far it reaches: all that the person may, read, or send conversations in.
        #[arg(long, default_value = "all")]
        scope: String,
        /// For how many days it works; until it is taken back when left out.
        #[arg(long)]
        days: Option<u32>,
    },
}

/// Roles that a person can have.
pub const ROLES: &[&str] =
    &["agent", "supervisor", "conflict_specialist", "department", "coach", "director", "administrator"];

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let config = Config::load()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let store = open_store(&config).await?;
        match &arguments.command {
            Command::List => {
                for user in store.users().await? {
                    println!("{:<20}{:<20}{}", user.login, user.role, user.name);
                }
            }
            Command::Token { login, name, scope, days } => {
                let scope: Scope = scope.parse().map_err(WrongUsage)?;
                let user = store.user_by_login(login).await?;
                let user = user.with_context(|| {
                    format!("there is no \"{login}\": `gradus user list` shows everybody")
                })?;
                let (token, now) = (password::token()?, store.clock().now());
                let expires = days.map(|days| now.plus(Millis::minutes(u64::from(days) * 24 * 60)));
                let kept = ApiToken {
                    token_hash: digest(token.as_bytes()),
                    user_id: user.id,
                    name: name.clone(),
                    created_at_ms: now.millis(),
                };
                store.add_api_key(&kept, scope.name(), expires).await?;
                println!("{token}");
            }
            Command::Add { login, role, name, password_env, if_missing } => {
                if !ROLES.contains(&role.as_str()) {
                    let wrong = format!("unknown role \"{role}\": one of {}", ROLES.join(", "));
                    return Err(WrongUsage(wrong).into());
                }
                if store.user_by_login(login).await?.is_some() {
                    if *if_missing {
                        return Ok(Ended::Well);
                    }
                    bail!("\"{login}\" is there already: choose another name");
                }
                let password = match password_env {
                    Some(variable) => crate::config::variable(variable)
                        .with_context(|| format!("the variable {variable} is not set"))?,
                    None => ask()?,
                };
                let user = User {
                    id: UserId(format!("user-{login}")),
                    login: login.clone(),
                    name: name.clone(),
                    role: role.clone(),
                    team: None,
                    password_hash: Some(password::hash(&password)?),
                    locale: "ru".to_owned(),
                    active: true,
                    created_at_ms: store.clock().now().millis(),
                };
                store.add_user(&user).await?;
                println!("{login} added");
            }
        }
        store.close().await;
        Ok(Ended::Well)
    })
}

fn ask() -> Result<String> {
    eprint!("Password: ");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
