//! A PostgreSQL cluster of our own in a temporary folder, for the tests of the store.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{output, run};
use crate::setup::is_root;

/// A running cluster; stopped and removed when dropped.
pub struct Cluster {
    folder: tempfile::TempDir,
    port: u16,
}

/// Returns the newest installed server program of this name.
pub fn bin(name: &str) -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|entry| entry.path()).collect();
    versions.sort();
    versions.into_iter().rev().map(|version| version.join("bin").join(name)).find(|path| path.is_file())
}

/// Makes a command that runs as `postgres` when we are root, because the server refuses root.
fn as_postgres(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

impl Cluster {
    /// Makes and starts a cluster that listens on loopback alone.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("gradus-postgres-").tempdir()?;
        let data = folder.path().join("data");
        if is_root() {
            run(Command::new("chown").arg("postgres:postgres").arg(folder.path()))?;
        }
        let initdb = bin("initdb").context("initdb is missing: install the package postgresql")?;
        output(
            as_postgres(&initdb)
                .args(["--auth=trust", "--username=gradus", "--encoding=UTF8", "--pgdata"])
                .arg(&data),
        )?;
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let ctl = bin("pg_ctl").context("pg_ctl is missing: install the package postgresql")?;
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200"
        );
        let log = folder.path().join("log");
        run(as_postgres(&ctl)
            .args(["--wait", "--silent", "--pgdata"])
            .arg(&data)
            .arg("--log")
            .arg(&log)
            .args(["-o", &options, "start"]))?;
        Ok(Self { folder, port })
    }

    /// Returns the address for the store.
    pub fn url(&self) -> String {
        format!("postgres://gradus@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(ctl) = bin("pg_ctl") {
            let data = self.folder.path().join("data");
            let stopped = as_postgres(&ctl)
                .args(["--silent", "--mode=immediate", "--pgdata"])
                .arg(data)
                .arg("stop")
                .status();
            if let Err(error) = stopped {
                eprintln!("cannot stop PostgreSQL on port {}: {error}", self.port);
            }
        }
    }
}
