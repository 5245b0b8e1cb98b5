//! What a file is, told by its first bytes. The name only decides between forms that look alike.

/// The form of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SoundFormat {
    /// RIFF/WAVE: PCM, float or G.711.
    Wav,
    /// MPEG audio.
    Mp3,
    /// Ogg: Opus or Vorbis.
    Ogg,
    /// FLAC.
    Flac,
    /// MPEG-4: AAC.
    M4a,
}

impl SoundFormat {
    /// Returns the usual extension.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Ogg => "ogg",
            Self::Flac => "flac",
            Self::M4a => "m4a",
        }
    }

    /// Returns the form that an extension promises.
    pub fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension {
            "wav" | "wave" => Self::Wav,
            "mp3" => Self::Mp3,
            "ogg" | "opus" | "oga" => Self::Ogg,
            "flac" => Self::Flac,
            "m4a" | "aac" | "mp4" => Self::M4a,
            _ => return None,
        })
    }

    /// Tells the form by the first bytes.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(Self::Wav),
            [b'R', b'F', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(Self::Wav),
            [b'O', b'g', b'g', b'S', ..] => Some(Self::Ogg),
            [b'f', b'L', b'a', b'C', ..] => Some(Self::Flac),
            [b'I', b'D', b'3', ..] => Some(Self::Mp3),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(Self::M4a),
            // Frame sync; layer bits 00 are AAC in ADTS, anything else MPEG audio. The UTF-16 mark FF FE has the
            // forbidden layer and bit rate of a frame only with a second byte that no frame has.
            [0xFF, second, third, ..] if second & 0xE0 == 0xE0 && *second != 0xFE && *second != 0xFF => {
                match second & 0b0110 {
                    0 => Some(Self::M4a),
                    _ if third & 0xF0 != 0xF0 => Some(Self::Mp3),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// The form of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    /// One JSON document: a vCon or a conversation.
    Json,
    /// One JSON document a line.
    Lines,
    /// WebVTT or SRT.
    Subtitles,
    /// A table of utterances.
    Table,
}

impl TextFormat {
    /// Returns the form that an extension promises.
    pub fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension {
            "json" | "vcon" => Self::Json,
            "ndjson" | "jsonl" => Self::Lines,
            "vtt" | "srt" => Self::Subtitles,
            "csv" | "tsv" => Self::Table,
            _ => return None,
        })
    }

    /// Tells the form by the text; `promised` decides where the content fits it.
    pub fn of_text(text: &str, promised: Option<Self>) -> Option<Self> {
        let start = text.trim_start();
        if start.starts_with("WEBVTT") {
            return Some(Self::Subtitles);
        }
        if start.starts_with(['{', '[']) {
            return Some(match promised {
                Some(Self::Lines) => Self::Lines,
                _ if several_documents(start) => Self::Lines,
                _ => Self::Json,
            });
        }
        let has_cue = start.lines().take(4).any(|line| line.contains("-->"));
        match promised {
            _ if has_cue => Some(Self::Subtitles),
            Some(Self::Table) => Some(Self::Table),
            _ => None,
        }
    }
}

/// Says whether the first line is a whole object and another one follows.
fn several_documents(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return false };
    first.trim_end().ends_with('}') && second.trim_start().starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_told_by_its_first_bytes() {
        let cases: [(&[u8], _); 9] = [
            (b"RIFF\x24\0\0\0WAVEfmt ", Some(SoundFormat::Wav)),
            (b"OggS\0", Some(SoundFormat::Ogg)),
            (b"fLaC", Some(SoundFormat::Flac)),
            (b"ID3\x04", Some(SoundFormat::Mp3)),
            (b"\xFF\xF3\x28\xC4", Some(SoundFormat::Mp3)),
            (b"\xFF\xF1\x50\x80", Some(SoundFormat::M4a)),
            (b"\0\0\0\x20ftypM4A ", Some(SoundFormat::M4a)),
            (b"\xFF\xFE{\0", None),
            (b"not a sound", None),
        ];
        for (bytes, format) in cases {
            assert_eq!(SoundFormat::of_bytes(bytes), format, "{bytes:?}");
        }
    }

    #[test]
    fn text_is_told_by_its_content_first() {
        use TextFormat::{Json, Lines, Subtitles, Table};
        let cases = [
            ("WEBVTT\n", None, Some(Subtitles)),
            ("1\n00:00:01,000 --> 00:00:02,000\nда", Some(Table), Some(Subtitles)),
            ("{\"vcon\":\"0.4.0\",\n\"x\":{}\n}", Some(Json), Some(Json)),
            ("{\"text\":\"a\"}\n{\"text\":\"b\"}", Some(Json), Some(Lines)),
            ("{\"text\":\"a\"}", Some(Lines), Some(Lines)),
            ("party,text\n", Some(Table), Some(Table)),
            ("party,text\n", None, None),
            ("просто письмо", Some(Json), None),
        ];
        for (text, promised, format) in cases {
            assert_eq!(TextFormat::of_text(text, promised), format, "{text}");
        }
    }
}
