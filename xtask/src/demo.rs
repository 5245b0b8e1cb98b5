//! `cargo xtask demo`: from a fresh machine to a desk that works, with data in it and a call going on.
//!
//! A second start finds everything done and only serves.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::dates;
use crate::run::{cache, cargo, gradus, root, run as run_program};
use crate::setup::{self, ensure};
use crate::synth;

/// Password of the demo's people; the demo listens on loopback alone.
const PASSWORD: &str = "gradus-demo";

/// What goes on while one looks: an insurance that was not paid back, the whole ladder against abuse, three attempts in
/// vain, an allusion to a relative, bargaining, and somebody who is content.
const PLAYED: &[&str] = &[
    "live.vcon.json",
    "conversations/015-burdin-vsya-lestnica.vcon.json",
    "conversations/112-otoplenie-tri-popytki.vcon.json",
    "conversations/060-brat-v-prokurature.vcon.json",
    "conversations/018-kochetov-torg.vcon.json",
    "conversations/095-plita-spasibo.vcon.json",
];

struct Options {
    prepare_only: bool,
    live: bool,
    port: u16,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self> {
        let mut options = Self { prepare_only: false, live: true, port: 8080 };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--prepare" => options.prepare_only = true,
                "--no-live" => options.live = false,
                "--port" => {
                    let port = rest.next().context("--port needs a number")?;
                    options.port =
                        port.parse().with_context(|| format!("\"{port}\" is no port: 1 to 65535"))?;
                }
                other => bail!("unknown argument \"{other}\": --prepare, --no-live, --port N"),
            }
        }
        Ok(options)
    }
}

/// Runs the demo.
pub fn run(arguments: &[String]) -> Result<()> {
    let options = Options::read(arguments)?;
    let begun = Instant::now();
    ensure(&[setup::BUILD, setup::DEMO])?;
    println!("Building gradus");
    run_program(cargo().args(["build", "--package", "gradus"]))?;
    crate::test::model()?;
    let folder = cache().join("demo");
    std::fs::create_dir_all(&folder)?;
    // The demo's company works in Moscow.
    let today =
        jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::fixed(jiff::tz::offset(3))).date();
    anew(&folder)?;
    let days = dates::shift(&folder.join("shift"), today)?;
    recordings(&folder, days)?;
    fill(&folder, days)?;
    println!("Ready after {} s", begun.elapsed().as_secs());
    if options.prepare_only {
        return Ok(());
    }
    serve(&folder, &options)
}

/// Throws away what was made before the dates of the demo could move: it would lie beside the new.
fn anew(folder: &Path) -> Result<()> {
    if folder.join("shift").is_file() {
        return Ok(());
    }
    std::fs::remove_dir_all(folder)?;
    Ok(std::fs::create_dir_all(folder)?)
}

fn demo() -> PathBuf {
    root().join("demo")
}

/// Speaks the scripts of the telephone calls, those that are not spoken yet. A recording is named as a PBX would, by
/// when it began.
fn recordings(folder: &Path, days: i64) -> Result<()> {
    let mut scripts: Vec<PathBuf> =
        std::fs::read_dir(demo().join("calls"))?.flatten().map(|entry| entry.path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    scripts.sort();
    for script in &scripts {
        let name = script.file_stem().context("a script without a name")?.to_string_lossy();
        let text = dates::moved(&std::fs::read_to_string(script)?, days)?;
        let start = text.lines().find_map(|line| line.strip_prefix("# start:"));
        let start = start.with_context(|| format!("{} has no line «# start:»", script.display()))?;
        let target = folder.join("recordings").join(format!("{}.wav", dates::named(start.trim(), &name)));
        if synth::speak(script, &target)? {
            println!("Spoke {}", target.display());
        }
    }
    Ok(())
}

/// A `gradus` command on the demo's own data.
fn command(folder: &Path) -> Command {
    let mut command = Command::new(gradus());
    command
        .current_dir(root())
        .env("GRADUS_STORE__URL", format!("sqlite:{}", folder.join("gradus.db").display()))
        .env("GRADUS_STORE__RECORDINGS", folder.join("kept"))
        .env("GRADUS_SPEECH__MODELS", cache().join("models"));
    command
}

/// Writes the written part of the demo with its dates moved.
fn write_moved(data: &Path, days: i64) -> Result<()> {
    std::fs::create_dir_all(data.join("conversations"))?;
    let lists = ["customers.csv", "purchases.csv", "cases.csv"].map(|name| demo().join(name));
    let talks = std::fs::read_dir(demo().join("conversations"))?.flatten().map(|entry| entry.path());
    for path in lists.into_iter().chain(talks) {
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        std::fs::write(data.join(path.strip_prefix(demo())?), dates::moved(&text, days)?)?;
    }
    Ok(())
}

/// Imports customers, purchases, conversations, recordings and cases; what is there already is passed over.
fn fill(folder: &Path, days: i64) -> Result<()> {
    let data = folder.join("data");
    write_moved(&data, days)?;
    people(folder)?;
    run_program(
        command(folder).arg("import").arg(data.join("customers.csv")).arg(data.join("purchases.csv")),
    )?;
    run_program(command(folder).arg("import").arg(data.join("conversations")))?;
    run_program(command(folder).arg("import").arg(folder.join("recordings")))?;
    run_program(command(folder).arg("import").arg(data.join("cases.csv")))
}

/// Adds the people of the demo who sign in.
fn people(folder: &Path) -> Result<()> {
    for (login, role, name) in [
        ("admin", "administrator", "Анна Администратор"),
        ("rop", "supervisor", "Игорь Панов"),
        ("loseva", "supervisor", "Вера Лосева"),
        ("royz", "supervisor", "Наталья Ройз"),
        ("kulik", "supervisor", "Андрей Кулик"),
        ("operator", "agent", "Ольга Нечаева"),
        ("director", "director", "Дмитрий Директор"),
    ] {
        let mut user = command(folder);
        user.args([
            "user",
            "add",
            login,
            "--role",
            role,
            "--name",
            name,
            "--password-env",
            "GRADUS_DEMO_PASSWORD",
            "--if-missing",
        ]);
        run_program(user.env("GRADUS_DEMO_PASSWORD", PASSWORD))?;
    }
    Ok(())
}

/// Serves, and plays conversations so that the board moves.
fn serve(folder: &Path, options: &Options) -> Result<()> {
    let address = format!("127.0.0.1:{}", options.port);
    let mut serve = command(folder);
    serve.arg("serve").env("GRADUS_HTTP__LISTEN", &address);
    if options.live {
        for name in PLAYED {
            serve.arg("--play").arg(demo().join(name));
        }
    }
    let mut server = serve.spawn()?;
    let url = format!("http://{address}");
    if let Err(error) = wait(&address, &mut server) {
        let _ = server.kill();
        return Err(error);
    }
    println!("\nGradus is at {url}");
    println!("  administrator: admin / {PASSWORD}");
    println!("  supervisor:    rop / {PASSWORD} (also loseva, royz, kulik)");
    println!("  agent:         operator / {PASSWORD}");
    println!("  director:      director / {PASSWORD}\nStop with Ctrl+C.\n");
    server.wait()?;
    Ok(())
}

fn wait(address: &str, server: &mut Child) -> Result<()> {
    for _ in 0..150 {
        if std::net::TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        if let Some(status) = server.try_wait()? {
            bail!("the server ended with {status}: is port {address} taken? choose another with --port");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    bail!("the server does not answer on {address}")
}
