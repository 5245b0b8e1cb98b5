//! The doctor: looks at everything a running Gradus needs and says what is wrong, with the cure. It changes nothing.

mod certificate;
mod disk;
mod port;

pub use disk::{LEAST_FREE_BYTES, free_bytes};
use std::fmt;
use std::path::Path;

use gradus_engine::time::Timestamp;
use gradus_speech::model::ModelStore;
use serde::Serialize;

use crate::config::{Config, Conversation, Http, Speech};
use crate::ears;
use crate::http;
use crate::store::{HeldRows, Inspected, Store};

/// What was seen at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// Whether all is well.
    pub well: bool,
    /// What was seen.
    pub found: String,
    /// What to do, where something is wrong.
    pub cure: Option<String>,
}

impl Finding {
    fn well(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, well: true, found: found.into(), cure: None }
    }

    fn wrong(check: &'static str, found: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { check, well: false, found: found.into(), cure: Some(cure.into()) }
    }
}

impl Finding {
    /// Makes the finding of a configuration that cannot be read: nothing else can be looked at then.
    pub fn unreadable(error: &anyhow::Error) -> Self {
        Self::wrong(
            "configuration",
            format!("{error:#}"),
            "mend the file of GRADUS_CONFIG or the variable; config.default.toml lists every key",
        )
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.well { "OK" } else { "PROBLEM" };
        write!(out, "{state:<9}{}: {}", self.check, self.found)?;
        match &self.cure {
            Some(cure) => write!(out, "; cure: {cure}"),
            None => Ok(()),
        }
    }
}

/// A day in the past of this program: a clock that shows an earlier one is wrong.
const BUILT_AFTER: Timestamp = Timestamp::from_millis(1_782_864_000_000);

/// A clock may differ by this much from the one that wrote the last event.
const CLOCKS_DIFFER_MS: i64 = 60_000;

/// Looks at everything.
pub async fn examine(config: &Config, now: Timestamp) -> Vec<Finding> {
    let inspected = Store::inspect(config.store.url.reveal()).await;
    let held = inspected.as_ref().ok().and_then(|seen| seen.held.clone());
    let mut findings = vec![Finding::well("configuration", "every key is right")];
    match &inspected {
        Ok(seen) => findings.extend(store(seen)),
        Err(error) => {
            findings.push(Finding::wrong("store", error.to_string(), "mend store.url or the database"))
        }
    }
    findings.push(folder("recordings", "store.recordings", &config.store.recordings));
    findings.push(administrators(held.as_ref()));
    findings.push(clock(now, held.as_ref()));
    findings.push(time_zone(&config.conversation));
    findings.push(protocol(&config.conversation));
    findings.push(model(&config.speech));
    findings.push(tls(&config.http, now));
    findings.push(port(&config.http));
    findings
}

fn store(seen: &Inspected) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.push(match &seen.held {
        None => Finding::well(
            "store",
            format!("{} is empty or not there yet: the first start makes it", seen.place),
        ),
        Some(held) if !held.writable => Finding::wrong(
            "store",
            format!("{} takes no writes", seen.place),
            "give the user of store.url the right to write, or name the primary server",
        ),
        Some(HeldRows { migration, pending: 0, .. }) => {
            Finding::well("store", format!("{} opens, migration {migration} is the newest", seen.place))
        }
        Some(held) => Finding::well(
            "store",
            format!(
                "{} opens, the next start brings it up to date ({} migrations)",
                seen.place, held.pending
            ),
        ),
    });
    if let Some(file) = &seen.file {
        let place = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        findings.push(folder("store folder", "store.url", place));
        if file.exists() && !disk::writable(file) {
            findings.push(Finding::wrong(
                "store file",
                format!("{} cannot be written by this user", file.display()),
                "make the user that runs Gradus its owner",
            ));
        }
    }
    findings
}

/// Looks at a folder that is there, or at the one in which it is going to be made.
fn folder(check: &'static str, key: &str, folder: &Path) -> Finding {
    let Some(there) = folder.ancestors().find(|there| there.exists() || there.as_os_str().is_empty()) else {
        return Finding::wrong(check, format!("{} is not there", folder.display()), format!("mend {key}"));
    };
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    if !there.is_dir() {
        let found = format!("{} is no folder", there.display());
        return Finding::wrong(check, found, format!("remove it, or name another folder in {key}"));
    }
    if !disk::writable(there) {
        let found = format!("{} cannot be written by this user", there.display());
        return Finding::wrong(check, found, "make the user that runs Gradus its owner");
    }
    let state = if there == folder { "can be written" } else { "is not there yet: the first start makes it" };
    match disk::free_bytes(there) {
        Some(free) if free < disk::LEAST_FREE_BYTES => Finding::wrong(
            check,
            format!("only {} MB are free for {}", free >> 20, folder.display()),
            "free some space: without it nothing more can be kept",
        ),
        Some(free) => {
            Finding::well(check, format!("{} {state}, {:.1} GB are free", folder.display(), gigabytes(free)))
        }
        None => Finding::well(check, format!("{} {state}", folder.display())),
    }
}

#[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

fn administrators(held: Option<&HeldRows>) -> Finding {
    match held.map_or(0, |held| held.administrators) {
        0 => Finding::wrong(
            "administrator",
            "nobody may administer",
            "gradus user add LOGIN --role administrator --name NAME, or open the pages of a new server",
        ),
        count => Finding::well("administrator", format!("{count} may sign in")),
    }
}

fn clock(now: Timestamp, held: Option<&HeldRows>) -> Finding {
    let last = held.and_then(|held| held.last_recorded_ms);
    let shown = jiff::Timestamp::from_millisecond(now.millis())
        .map_or_else(|_| "no date".to_owned(), |now| now.strftime("%Y-%m-%d %H:%M UTC").to_string());
    let cure = "set the clock of this machine (timedatectl set-ntp true)";
    if now < BUILT_AFTER {
        return Finding::wrong("clock", format!("it shows {shown}, before this program was made"), cure);
    }
    match last {
        Some(last) if last > now.millis() + CLOCKS_DIFFER_MS => {
            Finding::wrong("clock", format!("it shows {shown}, before the last event that was written"), cure)
        }
        _ => Finding::well("clock", shown),
    }
}

fn time_zone(conversation: &Conversation) -> Finding {
    match conversation.defaults() {
        Ok(_) => Finding::well("time zone", conversation.timezone.clone()),
        Err(error) => Finding::wrong(
            "time zone",
            format!("{error:#}"),
            "write conversation.timezone such as Europe/Moscow, conversation.first_party customer or agent",
        ),
    }
}

fn protocol(conversation: &Conversation) -> Finding {
    let name = conversation.protocol_file().map_or("the built-in one".into(), Path::to_string_lossy);
    let protocol = match ears::protocol(conversation.protocol_file()) {
        Ok(protocol) => protocol,
        Err(error) => {
            let cure = format!("gradus protocol check {}", conversation.protocol);
            return Finding::wrong("protocol", format!("{error:#}"), cure);
        }
    };
    let failed = protocol.tests.iter().filter(|test| !test.run(&protocol).passed()).count();
    if failed > 0 {
        let found = format!("{failed} of the {} tests of {name} fail", protocol.tests.len());
        return Finding::wrong("protocol", found, format!("gradus protocol test {}", conversation.protocol));
    }
    Finding::well(
        "protocol",
        format!("{name}, version {}, its {} tests pass", protocol.version, protocol.tests.len()),
    )
}

fn model(speech: &Speech) -> Finding {
    if !cfg!(feature = "whisper") {
        return Finding::wrong(
            "speech model",
            "this build has no speech recognition",
            "build it with the feature `whisper`",
        );
    }
    match ModelStore::new(&speech.models).check(&speech.model, &mut |_| ()) {
        Ok(model) => Finding::well("speech model", format!("{} is as it was published", model.name)),
        Err(error) => {
            Finding::wrong("speech model", error.to_string(), format!("gradus model pull {}", speech.model))
        }
    }
}

fn tls(config: &Http, now: Timestamp) -> Finding {
    match http::tls(config) {
        Ok(None) => Finding::well("TLS", "not configured: pages are served over plain HTTP"),
        Ok(Some(_)) => match certificate::expiry(&config.certificate) {
            Ok(until) => certificate::judge(until, now),
            Err(error) => Finding::wrong("TLS", format!("{error:#}"), "give http.certificate in PEM"),
        },
        Err(error) => Finding::wrong(
            "TLS",
            format!("{error:#}"),
            "give http.certificate and http.key that belong together, both in PEM",
        ),
    }
}

fn port(config: &Http) -> Finding {
    match port::who_listens(&config.listen, !config.certificate.is_empty()) {
        Ok(found) => Finding::well("port", found),
        Err(found) => Finding::wrong("port", found, "choose another http.listen, or stop what listens there"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> HeldRows {
        HeldRows { migration: 2, administrators: 1, writable: true, ..HeldRows::default() }
    }

    #[test]
    fn a_clock_that_goes_wrong_is_noticed() {
        let now = Timestamp::from_millis(1_795_510_800_000);
        assert!(clock(now, None).well);
        assert!(!clock(Timestamp::from_millis(0), None).well);
        let later = HeldRows { last_recorded_ms: Some(now.millis() + 3_600_000), ..held() };
        assert!(clock(now, Some(&later)).found.contains("before the last event"));
        let same = HeldRows { last_recorded_ms: Some(now.millis() + 1_000), ..held() };
        assert!(clock(now, Some(&same)).well);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_well_and_a_file_in_its_place_is_not() {
        let place = tempfile::tempdir().unwrap();
        let missing = place.path().join("data/recordings");
        assert!(folder("recordings", "store.recordings", &missing).found.contains("not there yet"));
        std::fs::write(place.path().join("data"), "").unwrap();
        assert!(folder("recordings", "store.recordings", &missing).found.contains("is no folder"));
        assert!(!place.path().join("data/recordings").exists());
    }

    #[test]
    fn without_an_administrator_the_cure_is_named() {
        assert!(administrators(Some(&held())).well);
        let nobody = administrators(None);
        assert!(!nobody.well && nobody.cure.unwrap().contains("gradus user add"));
    }

    fn config(place: &Path, more: &[(&str, String)]) -> Config {
        let under = |name: &str| place.join(name).display().to_string();
        let mut variables = vec![
            ("GRADUS_STORE__URL".to_owned(), format!("sqlite:{}", under("data/gradus.db"))),
            ("GRADUS_STORE__RECORDINGS".to_owned(), under("data/recordings")),
            ("GRADUS_SPEECH__MODELS".to_owned(), under("data/models")),
            ("GRADUS_HTTP__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ];
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Config::from(None, variables.into_iter()).unwrap()
    }

    async fn wrong(config: &Config) -> Vec<String> {
        let now = Timestamp::from_millis(1_795_510_800_000);
        let findings = examine(config, now).await;
        findings
            .into_iter()
            .filter(|finding| !finding.well)
            .inspect(|finding| assert!(finding.cure.is_some(), "{finding}"))
            .map(|finding| finding.to_string())
            .collect()
    }

    #[tokio::test]
    async fn a_fresh_machine_lacks_a_model_and_an_administrator_and_gets_nothing_made() {
        let place = tempfile::tempdir().unwrap();
        let found = wrong(&config(place.path(), &[])).await;
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].starts_with("PROBLEM  administrator: nobody may administer; cure: gradus user add"));
        assert!(found[1].starts_with("PROBLEM  speech model: "));
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_is_wrong_in_the_configuration_is_named_with_its_key() {
        let place = tempfile::tempdir().unwrap();
        let protocol = place.path().join("protocol.toml");
        std::fs::write(&protocol, "version = 1").unwrap();
        std::fs::create_dir(place.path().join("data")).unwrap();
        std::fs::write(place.path().join("data/gradus.db"), "no database, only a text".repeat(200)).unwrap();
        let more = [
            ("GRADUS_CONVERSATION__TIMEZONE", "Europe/Moskva".to_owned()),
            ("GRADUS_CONVERSATION__PROTOCOL", protocol.display().to_string()),
            ("GRADUS_HTTP__CERTIFICATE", place.path().join("none.pem").display().to_string()),
            ("GRADUS_HTTP__LISTEN", "here".to_owned()),
        ];
        let found = wrong(&config(place.path(), &more)).await;
        let expected = [
            "store: cannot open the database",
            "administrator: ",
            "time zone: conversation.timezone: unknown time zone",
            "protocol: ",
            "speech model: ",
            "TLS: http.certificate and http.key: give both",
            "port: http.listen is \"here\"",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(&format!("PROBLEM  {expected}")), "{found}");
        }
    }

    #[tokio::test]
    async fn a_store_in_use_is_looked_at_beside_the_server_and_stays_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let config = config(place.path(), &[]);
        let store = crate::desk::open_store(&config).await.unwrap();
        let admin = crate::store::User {
            id: "boss".into(),
            login: "boss".to_owned(),
            name: "Анна".to_owned(),
            role: "administrator".to_owned(),
            team: None,
            password_hash: None,
            locale: "ru".to_owned(),
            active: true,
            created_at_ms: 0,
        };
        store.add_user(&admin).await.unwrap();
        let found = wrong(&config).await;
        assert!(found.len() == 1 && found[0].contains("speech model"), "{found:#?}");
        let seen = Store::inspect(config.store.url.reveal()).await.unwrap().held.unwrap();
        assert_eq!((seen.pending, seen.administrators), (0, 1));
        store.close().await;
    }
}
