//! AudioSocket of Asterisk: a connection a party, frames of one byte kind, two bytes length (high first), payload.
//!
//! The protocol has neither a password nor the numbers of the call: addresses are allowed by the configuration, and the call
//! is registered over HTTP (`POST /api/v1/calls`) under the UUID that the dialplan gives. Wire facts: `docs/live.md`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use gradus_engine::signal::Party;
use gradus_speech::live::{Encoding, LiveFormat};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::call::About;
use super::{Input, Live, Opening};

/// How this way is named on the page of streams.
const WAY: &str = "AudioSocket";
/// Bytes that are read at once: several frames where they wait, and no more memory than a stream is worth.
const BUFFER: usize = 2 * 1024;
/// How long the first frame may take.
const FIRST: Duration = Duration::from_secs(5);
/// How long a call may be silent: exchanges send nothing while nobody speaks.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How often silence is sent back: the dialplan application ends after two seconds in which nothing moves.
const SILENCE_EVERY: Duration = Duration::from_millis(500);
/// 20 ms of silence at 8 kHz as a frame.
const SILENCE: [u8; 323] = {
    let mut frame = [0; 323];
    frame[0] = 0x10;
    frame[1] = 1;
    frame[2] = 64;
    frame
};

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The call is over.
    Hangup,
    /// Which stream it is.
    Id([u8; 16]),
    /// Somebody pressed a key.
    Key(u8),
    /// Sound, with its rate.
    Sound(u32, Vec<u8>),
    /// The other side reports an error.
    Error(u8),
}

/// What is no AudioSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// A kind that is not in the protocol.
    #[error("a frame of kind 0x{0:02x}: this is no AudioSocket, or one of a later version")]
    Kind(u8),
    /// An id of another length.
    #[error("an id of {0} bytes instead of 16: give the dialplan a UUID")]
    Id(usize),
}

/// Reads a frame off its kind and payload.
///
/// # Errors
/// When the protocol has no such frame.
pub fn frame(kind: u8, payload: Vec<u8>) -> Result<Frame, BadFrame> {
    const RATES: [u32; 9] = [8_000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];
    match kind {
        0x00 => Ok(Frame::Hangup),
        0x01 => {
            let length = payload.len();
            payload.try_into().map(Frame::Id).map_err(|_| BadFrame::Id(length))
        }
        0x03 => Ok(Frame::Key(payload.first().copied().unwrap_or(0))),
        0x10..=0x18 => match RATES.get(usize::from(kind - 0x10)) {
            Some(rate) => Ok(Frame::Sound(*rate, payload)),
            None => Err(BadFrame::Kind(kind)),
        },
        0xFF => Ok(Frame::Error(payload.first().copied().unwrap_or(0))),
        other => Err(BadFrame::Kind(other)),
    }
}

/// A stream that was announced: the call and whose sound it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// What is known of the call.
    pub about: About,
    /// `customer`, `agent`, or nothing where both are mixed.
    pub party: Option<Party>,
    /// When it was announced, in ms since 1970.
    pub at_ms: i64,
}

/// Returns the key under which the registration of a stream is kept.
pub fn key(id: uuid::Uuid) -> String {
    format!("live.stream.{id}")
}

/// Takes connections until told to stop.
pub async fn serve(live: Arc<Live>, listener: TcpListener, stop: CancellationToken) {
    loop {
        let taken = tokio::select! {
            () = stop.cancelled() => return,
            taken = listener.accept() => taken,
        };
        match taken {
            Ok((socket, from)) => {
                let (live, stop) = (Arc::clone(&live), stop.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = one(&live, socket, from) => {}
                    }
                });
            }
            Err(error) => {
                tracing::error!("AudioSocket: no connection can be taken: {error}");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

async fn one(live: &Arc<Live>, socket: TcpStream, from: SocketAddr) {
    if !live.allows(from.ip()) {
        live.refuse(
            WAY,
            &from.to_string(),
            format!("address {} is not in live.allow: add it there", from.ip()),
        );
        return;
    }
    if let Err(error) = talk(live, socket).await {
        live.refuse(WAY, &from.to_string(), format!("{error:#}"));
    }
}

async fn talk(live: &Arc<Live>, socket: TcpStream) -> Result<()> {
    // Frames are small and each is late already.
    socket.set_nodelay(true).ok();
    let (reader, mut writer) = socket.into_split();
    let mut reader = tokio::io::BufReader::with_capacity(BUFFER, reader);
    let first = tokio::time::timeout(FIRST, read(&mut reader)).await;
    let id = match first.context("no frame within five seconds: is it an exchange?")?? {
        Some(Frame::Id(id)) => uuid::Uuid::from_bytes(id),
        Some(Frame::Hangup) | None => return Ok(()),
        Some(other) => anyhow::bail!("the first frame is {other:?} instead of the id of the call"),
    };
    let opening = opening(live, id).await?;
    let mut input = live.stream(opening).await?;
    let mut rate = 8_000;
    let mut silence = tokio::time::interval(SILENCE_EVERY);
    silence.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    // A frame may arrive in pieces: the reading goes on where it was when silence was sent in between.
    let mut frames = Box::pin(tokio::time::timeout(IDLE, read_owned(reader)));
    loop {
        tokio::select! {
            taken = &mut frames => {
                let (reader, taken) = taken.context("half an hour without a frame")?;
                frames = Box::pin(tokio::time::timeout(IDLE, read_owned(reader)));
                if !take(&mut input, &mut rate, taken?)? {
                    return Ok(());
                }
            }
            _ = silence.tick() => {
                // Who does not listen may still speak: the end shows in reading.
                let _ = tokio::time::timeout(SILENCE_EVERY, writer.write_all(&SILENCE)).await;
            }
        }
    }
}

/// Takes a frame; says whether the call goes on.
fn take(input: &mut Input, rate: &mut u32, frame: Option<Frame>) -> Result<bool> {
    match frame {
        None | Some(Frame::Hangup) => return Ok(false),
        Some(Frame::Error(code)) => tracing::warn!("AudioSocket: the exchange reports error {code}"),
        Some(Frame::Id(_) | Frame::Key(_)) => {}
        Some(Frame::Sound(at, bytes)) => {
            if at != *rate {
                input.change(LiveFormat { encoding: Encoding::Linear16, rate: at, channels: 1 })?;
                *rate = at;
            }
            input.frame(&bytes);
        }
    }
    Ok(true)
}

async fn read_owned<R: AsyncReadExt + Unpin>(mut reader: R) -> (R, Result<Option<Frame>>) {
    let taken = read(&mut reader).await;
    (reader, taken)
}

/// Reads a frame; nothing at the end, which Asterisk reaches without a word. A frame that is cut off is the end, too.
async fn read(reader: &mut (impl AsyncReadExt + Unpin)) -> Result<Option<Frame>> {
    let mut head = [0; 3];
    if reader.read_exact(&mut head).await.is_err() {
        return Ok(None);
    }
    // A stranger's bytes are told before the length that they pretend is waited for.
    if !matches!(head[0], 0x00 | 0x01 | 0x03 | 0x10..=0x18 | 0xFF) {
        return Err(BadFrame::Kind(head[0]).into());
    }
    let mut payload = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
    if reader.read_exact(&mut payload).await.is_err() {
        return Ok(None);
    }
    Ok(Some(frame(head[0], payload)?))
}

/// What a stream is, by its registration; one that comes a little later than its call is waited for.
async fn opening(live: &Arc<Live>, id: uuid::Uuid) -> Result<Opening> {
    const STEP: Duration = Duration::from_millis(100);
    let format = LiveFormat { encoding: Encoding::Linear16, rate: 8_000, channels: 1 };
    let steps = live.desk.config.live.wait_ms / 100;
    for step in 0..=steps {
        if let Some(known) = live.desk.store.setting::<Registered>(&key(id)).await? {
            live.desk.store.unset(&key(id)).await?;
            return Ok(Opening { about: known.about, parties: vec![known.party], format });
        }
        if step < steps {
            tokio::time::sleep(STEP).await;
        }
    }
    if !live.desk.config.live.unregistered {
        anyhow::bail!(
            "stream {id} is not registered: POST /api/v1/calls with this id, or set live.unregistered = true"
        );
    }
    let about = About { call: id.to_string(), ..About::default() };
    Ok(Opening { about, parties: vec![None], format })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_those_of_the_protocol() {
        assert_eq!(frame(0x00, vec![]), Ok(Frame::Hangup));
        assert_eq!(frame(0x01, vec![7; 16]), Ok(Frame::Id([7; 16])));
        assert_eq!(frame(0x01, vec![7; 15]), Err(BadFrame::Id(15)));
        assert_eq!(frame(0x03, b"5".to_vec()), Ok(Frame::Key(b'5')));
        assert_eq!(frame(0x12, vec![1, 2]), Ok(Frame::Sound(16_000, vec![1, 2])));
        assert_eq!(frame(0x18, vec![]), Ok(Frame::Sound(192_000, vec![])));
        assert_eq!(frame(0x19, vec![]), Err(BadFrame::Kind(0x19)));
        assert_eq!(frame(0xFF, vec![4]), Ok(Frame::Error(4)));
    }

    #[test]
    fn silence_is_a_frame_of_twenty_milliseconds() {
        assert_eq!(usize::from(u16::from_be_bytes([SILENCE[1], SILENCE[2]])), SILENCE.len() - 3);
        assert_eq!(frame(SILENCE[0], SILENCE[3..].to_vec()), Ok(Frame::Sound(8_000, vec![0; 320])));
    }

    #[tokio::test]
    async fn a_stream_that_is_cut_off_anywhere_is_over_and_nothing_worse() {
        let whole = [&[0x01, 0, 16][..], &[3; 16], &SILENCE, &[0x00, 0, 0]].concat();
        for cut in 0..=whole.len() {
            let mut reader = &whole[..cut];
            let mut frames = 0;
            while let Some(_frame) = read(&mut reader).await.unwrap() {
                frames += 1;
            }
            assert!(frames <= 3, "{cut}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes: Vec<u8>) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let mut reader = &bytes[..];
                while let Ok(Some(_frame)) = read(&mut reader).await {}
            });
        }
    }
}
