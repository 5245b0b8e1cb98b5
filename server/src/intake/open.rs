//! Opens a file from outside: what it is, is told by its content; its name only helps where forms look alike.

use gradus_engine::time::Timestamp;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::fault::{Fault, FaultKind, IntakeError};
use super::sniff::{SoundFormat, TextFormat};
use super::{Defaults, Incoming, RecordingRef, RecordingSource, StartFrom, limits};
use super::{start, subtitles, table, text, transcript, vcon};

/// Reads one file: a vCon, a transcript, a table of utterances, or a recording, which is only recognised as one.
///
/// # Errors
/// An [`IntakeError`] that names the file, the place and the cure.
pub fn open(path: &Path, defaults: &Defaults) -> Result<Vec<Incoming>, IntakeError> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let mut conversations = open_as(path, &name, defaults)?;
    for conversation in &mut conversations {
        conversation.source_name = path.to_string_lossy().into_owned();
    }
    Ok(conversations)
}

/// Reads one file that was called `name` where it came from.
///
/// # Errors
/// An [`IntakeError`] that names the file, the place and the cure.
pub fn open_as(path: &Path, name: &str, defaults: &Defaults) -> Result<Vec<Incoming>, IntakeError> {
    let failed = |fault| IntakeError { file: path.to_owned(), fault };
    let head = read_head(path).map_err(failed)?;
    let extension = extension_of(Path::new(name));
    let mut conversations = match SoundFormat::of_bytes(&head) {
        Some(format) => vec![recording((path, name), &extension, format, defaults).map_err(failed)?],
        None => {
            let bytes = read_whole(path).map_err(failed)?;
            parse(&bytes, name, defaults).map_err(failed)?
        }
    };
    for conversation in &mut conversations {
        name.clone_into(&mut conversation.source_name);
    }
    Ok(conversations)
}

/// Reads the bytes of a file of text; `name` is its file name.
///
/// # Errors
/// A [`Fault`] that names the place and the cure.
pub fn parse(bytes: &[u8], name: &str, defaults: &Defaults) -> Result<Vec<Incoming>, Fault> {
    let extension = extension_of(Path::new(name));
    if bytes.is_empty() {
        return Err(Fault::new(FaultKind::Empty, "", "the file is empty", "export or record it again"));
    }
    if SoundFormat::of_extension(&extension).is_some() {
        let problem = format!("the name says «.{extension}», but there is no sound in it");
        return Err(Fault::new(
            FaultKind::Mislabelled,
            "",
            problem,
            "give the recording itself, or rename the file to what it is",
        ));
    }
    let promised = TextFormat::of_extension(&extension);
    let decoded = text::decode(bytes)?;
    let Some(format) = TextFormat::of_text(&decoded.text, promised) else {
        return Err(unknown(&extension, promised));
    };
    drop(decoded);
    let id = conversation_name(name);
    match format {
        TextFormat::Json => transcript::parse(bytes, id, defaults),
        TextFormat::Lines => transcript::parse_lines(bytes, id, defaults),
        TextFormat::Subtitles => subtitles::parse(bytes, id, defaults).map(|one| vec![one]),
        TextFormat::Table => table::parse(bytes, id, defaults),
    }
}

/// Returns the files that a path stands for: itself, or of a folder its files by name. Hidden files and what is in
/// folders inside are not taken.
///
/// # Errors
/// When the path is not there or its folder cannot be read.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, IntakeError> {
    let failed = |error: std::io::Error| IntakeError { file: path.to_owned(), fault: unreadable(&error) };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && entry.path().is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    if found.is_empty() {
        let fault = Fault::new(
            FaultKind::Empty,
            "",
            "the folder holds no files",
            "name the folder that the files are in",
        );
        return Err(IntakeError { file: path.to_owned(), fault });
    }
    Ok(found)
}

fn recording(
    (path, name): (&Path, &str),
    extension: &str,
    format: SoundFormat,
    defaults: &Defaults,
) -> Result<Incoming, Fault> {
    if TextFormat::of_extension(extension).is_some() {
        let problem = format!("the name says «.{extension}», but it is sound");
        let cure = format!("rename it to «.{}»", format.extension());
        return Err(Fault::new(FaultKind::Mislabelled, "", problem, cure));
    }
    let mut conversation = Incoming {
        id: conversation_name(name).to_owned(),
        utc_offset_s: vcon::default_offset(defaults),
        ..Incoming::default()
    };
    if SoundFormat::of_extension(extension).is_some_and(|promised| promised != format) {
        conversation
            .warnings
            .push(format!("the name says «.{extension}», the content is {}", format.extension()));
    }
    conversation.start_by_file(path, name, defaults);
    conversation.recordings.push(RecordingRef {
        source: RecordingSource::File,
        format,
        index: None,
        start_ms: Some(0),
        channels: Vec::new(),
    });
    Ok(conversation)
}

/// What a conversation says whose start is a guess.
const START_IS_FILE_TIME: &str =
    "the start is the time at which the file was last written: its name holds no date with a time";

impl Incoming {
    /// Notes when it really began, where that becomes known after the file was opened.
    pub fn begins(&mut self, at: Timestamp, utc_offset_s: i32) {
        (self.started_at, self.start_from) = (Some(at), StartFrom::Source);
        self.utc_offset_s = utc_offset_s;
        self.warnings.retain(|warning| warning != START_IS_FILE_TIME);
    }

    /// Takes the start from the file where the source says none.
    pub fn start_by_file(&mut self, path: &Path, name: &str, defaults: &Defaults) {
        if self.started_at.is_some() {
            return;
        }
        let Some((moment, from)) = start::of_file(path, name, &defaults.zone) else { return };
        (self.started_at, self.start_from) = (Some(moment.at), from);
        self.utc_offset_s = moment.utc_offset_s;
        if from == StartFrom::FileTime {
            self.warnings.push(START_IS_FILE_TIME.to_owned());
        }
    }
}

fn unknown(extension: &str, promised: Option<TextFormat>) -> Fault {
    let known = "known are vCon and JSON, NDJSON, WebVTT and SRT, CSV and TSV, and sound as wav, mp3, ogg, opus, flac, m4a";
    match promised {
        Some(_) => {
            let problem = format!("the name says «.{extension}», but the content is something else");
            Fault::new(FaultKind::Mislabelled, "line 1", problem, format!("export it again; {known}"))
        }
        None => Fault::new(FaultKind::Unsupported, "", "this is no form that is read here", known),
    }
}

/// Returns the name of a file without what says its form: `084-sud.vcon.json` is `084-sud`.
fn conversation_name(name: &str) -> &str {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let stem = stem.strip_suffix(".vcon").unwrap_or(stem);
    if stem.is_empty() { name } else { stem }
}

fn extension_of(path: &Path) -> String {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
}

fn unreadable(error: &std::io::Error) -> Fault {
    let (problem, cure) = match error.kind() {
        std::io::ErrorKind::NotFound => ("it is not there".to_owned(), "check the path"),
        std::io::ErrorKind::PermissionDenied => {
            ("it may not be read".to_owned(), "give this user the right to read it")
        }
        _ => (format!("reading failed ({error})"), "check the disk and copy the file again"),
    };
    Fault::new(FaultKind::Unreadable, "", problem, cure)
}

fn read_head(path: &Path) -> Result<Vec<u8>, Fault> {
    let about = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if about.is_dir() {
        return Err(Fault::new(FaultKind::Unreadable, "", "it is a folder", "name the files in it"));
    }
    // A pipe or device could give bytes without end, or none for ever.
    if !about.is_file() {
        return Err(Fault::new(
            FaultKind::Unreadable,
            "",
            "it is no regular file",
            "save the data to a file first",
        ));
    }
    let mut head = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    file.take(16).read_to_end(&mut head).map_err(|error| unreadable(&error))?;
    Ok(head)
}

fn read_whole(path: &Path) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let read =
        file.take(limits::FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if read as u64 > limits::FILE_BYTES {
        let problem = format!("it has more than {} MiB", limits::FILE_BYTES >> 20);
        return Err(Fault::new(FaultKind::TooLarge, "", problem, "split it"));
    }
    Ok(bytes)
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
