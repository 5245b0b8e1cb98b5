//! What a file is taken for, and how each bad file is refused.

use super::*;

#[track_caller]
fn check(name: &str, content: &[u8], expected: Result<usize, FaultKind>) {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for the test: {error}"));
    let path = folder.path().join(name);
    assert!(std::fs::write(&path, content).is_ok());
    let read = open(&path, &Defaults::default());
    let got = read.as_ref().map(Vec::len).map_err(|error| error.fault.kind);
    assert_eq!(got, expected, "{name}: {:?}", read.as_ref().err().map(ToString::to_string));
    if let Err(error) = read {
        let text = error.to_string();
        assert!(text.contains(name) && !error.fault.cure.is_empty(), "{text}");
    }
}

#[test]
fn a_file_is_what_its_content_says() {
    let vcon = include_bytes!("testdata/chat.vcon.json");
    check("chat.vcon.json", vcon, Ok(1));
    check("chat", vcon, Ok(1));
    check("a.json", b"{\"party\":\"agent\",\"text\":\"a\"}\n{\"party\":\"customer\",\"text\":\"b\"}", Ok(1));
    check("a.txt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nhello\n", Ok(1));
    check("a.csv", "кто;текст\nКлиент;алло\n".as_bytes(), Ok(1));
    check("a.wav", b"RIFF\x24\0\0\0WAVEfmt ", Ok(1));
    check("a.wav", b"fLaC\0\0\0\x22", Ok(1));
}

#[test]
fn every_bad_file_is_refused_with_its_kind() {
    let vcon = include_bytes!("testdata/chat.vcon.json");
    check("a.wav", b"notsound here", Err(FaultKind::Mislabelled));
    check("a.wav", b"", Err(FaultKind::Empty));
    check("a.json", b"", Err(FaultKind::Empty));
    check("a.json", b"  \n", Err(FaultKind::Empty));
    check("a.json", b"RIFF\x24\0\0\0WAVEfmt ", Err(FaultKind::Mislabelled));
    check("a.json", b"party,text\n", Err(FaultKind::Mislabelled));
    check("a.json", &vcon[..700], Err(FaultKind::Syntax));
    check("a.json", b"{\"vcon\":\"0.4.0\",\"vcon\":\"0.4.0\"}", Err(FaultKind::Syntax));
    check("a.json", b"{\"a\":\"\xFF\xFE\xD0\"}", Err(FaultKind::Encoding));
    check("a.json", "[".repeat(100_000).as_bytes(), Err(FaultKind::Syntax));
    check("a.csv", b"party,text\nagent,a\0b\n", Err(FaultKind::Encoding));
    check("a.pdf", b"%PDF-1.7\nx", Err(FaultKind::Unsupported));
    check("a.vtt", b"WEBVTT\n", Err(FaultKind::Missing));
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for the test: {error}"));
    let refused = |path: &Path| open(path, &Defaults::default()).err().map(|error| error.fault.problem);
    assert_eq!(refused(folder.path()).as_deref(), Some("it is a folder"));
    assert_eq!(refused(&folder.path().join("none")).as_deref(), Some("it is not there"));
    assert_eq!(refused(Path::new("/dev/zero")).as_deref(), Some("it is no regular file"));
}

#[test]
fn a_folder_stands_for_its_files_by_name() {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for the test: {error}"));
    assert!(files(folder.path()).is_err_and(|error| error.fault.kind == FaultKind::Empty));
    for name in ["b.csv", "a.json", ".hidden"] {
        assert!(std::fs::write(folder.path().join(name), "x").is_ok());
    }
    let found = files(folder.path()).unwrap_or_default();
    assert_eq!(found, [folder.path().join("a.json"), folder.path().join("b.csv")]);
    assert_eq!(files(&found[0]).unwrap_or_default(), [found[0].clone()]);
}
