//! What the machine needs, by purpose, and how to get it on Debian.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::run::{exists, run};

/// Something that has to be there, and the package that brings it.
pub struct Need {
    present: fn() -> bool,
    package: &'static str,
}

/// For building: the speech engine is C++ and its bindings are made by libclang.
pub const BUILD: &[Need] = &[
    Need { present: || exists("g++"), package: "g++" },
    Need { present: || exists("cmake"), package: "cmake" },
    Need { present: || exists("clang"), package: "clang" },
    Need { present: has_libclang, package: "libclang-dev" },
];

/// For the tests: a database server, a browser, Node for the browser's driver and for servers of the registry, and a maker of
/// certificates.
pub const TEST: &[Need] = &[
    Need { present: || crate::postgres::bin("initdb").is_some(), package: "postgresql" },
    Need { present: || exists("chromium"), package: "chromium" },
    Need { present: || exists("node"), package: "nodejs" },
    Need { present: || exists("npm"), package: "npm" },
    Need { present: || exists("openssl"), package: "openssl" },
    Need { present: || exists("python3"), package: "python3" },
    Need { present: || exists("python3"), package: "python3-pip" },
];

/// For the demo: a Russian voice and tools to make telephone recordings of it.
pub const DEMO: &[Need] = &[
    Need { present: || exists("festival"), package: "festival" },
    Need { present: || Path::new("/usr/share/festival/voices/russian").is_dir(), package: "festvox-ru" },
    Need { present: || exists("sox"), package: "sox" },
    Need { present: || exists("python3"), package: "python3" },
    Need { present: || exists("python3"), package: "python3-pip" },
];

fn has_libclang() -> bool {
    let versions = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let llvm = versions.filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm-"));
    let mut folders: Vec<_> = llvm.map(|entry| entry.path().join("lib")).collect();
    folders.push("/usr/lib/x86_64-linux-gnu".into());
    folders.push("/usr/lib/aarch64-linux-gnu".into());
    folders.iter().any(|folder| {
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files.into_iter().any(|file| file.file_name().to_string_lossy() == "libclang.so")
    })
}

/// Installs the packages that are missing, or says how to.
pub fn ensure(needs: &[&[Need]]) -> Result<()> {
    let missing = |need: &&Need| !(need.present)();
    let mut packages: Vec<&str> =
        needs.iter().copied().flatten().filter(missing).map(|need| need.package).collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if !exists("apt-get") {
        bail!("these are missing: {list}; install them with the package tool of this system");
    }
    println!("Installing {list}");
    let sudo: &[&str] = if is_root() { &[] } else { &["sudo"] };
    let apt = |arguments: &[&str]| {
        let mut words: Vec<&str> = sudo.to_vec();
        words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"]);
        words.extend(arguments);
        let mut command = Command::new(words.first().copied().unwrap_or("env"));
        command.args(words.get(1..).unwrap_or_default());
        run(&mut command)
    };
    apt(&["update"])?;
    let mut install = vec!["install", "--no-install-recommends"];
    install.extend(&packages);
    apt(&install)
}

/// Says whether we are the administrator of the machine.
pub fn is_root() -> bool {
    crate::run::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
