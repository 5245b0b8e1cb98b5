//! Recognition of live streams by as many threads as the configuration says, each stream in its turn.
//!
//! A stream whose sound comes faster than it can be recognised says so. Nothing is lost by it: the recording is kept, and
//! what had to be passed over is recognised from it when the call is over and there is time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use gradus_engine::signal::Party;
use gradus_speech::SAMPLES_PER_MS;
use gradus_speech::recognise::{Recognizer, Stream, StreamEvent, Word};
use tokio::sync::mpsc::UnboundedSender;

/// New sound is worth a turn from this length on, in samples: 200 ms.
const TURN: usize = 200 * SAMPLES_PER_MS;
/// Most sound of one turn, in samples: 2 s, so that one stream holds up the others by no more.
const MOST: usize = 2_000 * SAMPLES_PER_MS;
/// From this much sound waiting on, a stream has fallen behind, in samples: 5 s.
const BEHIND: usize = 5_000 * SAMPLES_PER_MS;
/// Most sound that waits; of more the oldest half is left for later, in samples: a minute.
const WAITING: usize = 60_000 * SAMPLES_PER_MS;

/// What somebody said.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Who; nothing where several parties are in one stream.
    pub party: Option<Party>,
    /// From the start of the call, in ms.
    pub start_ms: u64,
    /// From the start of the call, in ms.
    pub end_ms: u64,
    /// The words.
    pub text: String,
}

/// What a line tells its call.
#[derive(Debug)]
pub enum Told {
    /// Somebody said something.
    Said(Said),
    /// Everything of the line is recognised; it is over.
    Over,
}

/// One party's sound on its way to words.
pub struct Line {
    party: Option<Party>,
    /// When the line began, from the start of the call, in ms.
    begun_ms: AtomicU64,
    state: Mutex<Waiting>,
    stream: Mutex<Option<Box<dyn Stream>>>,
    told: UnboundedSender<Told>,
    /// The words of the open utterance so far.
    partial: Mutex<String>,
    behind: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    samples: VecDeque<i16>,
    /// Samples that went to recognition, silence in place of what was passed over included.
    fed: u64,
    /// Silence that goes first, in place of what was passed over: it keeps the time right and costs next to nothing.
    silence: u64,
    /// What was passed over, in samples from the start of the line.
    passed_over: Vec<(u64, u64)>,
    ended: bool,
    /// Whether it waits for a thread or has one.
    scheduled: bool,
}

impl Line {
    /// Begins a line; without an engine its sound is only kept.
    pub fn new(
        party: Option<Party>,
        stream: Option<Box<dyn Stream>>,
        told: UnboundedSender<Told>,
    ) -> Arc<Self> {
        Arc::new(Self {
            party,
            begun_ms: AtomicU64::new(0),
            state: Mutex::default(),
            stream: Mutex::new(stream),
            told,
            partial: Mutex::default(),
            behind: AtomicBool::new(false),
        })
    }

    /// Says when the first frame began, from the start of the call, in ms.
    pub fn begins(&self, at_ms: u64) {
        self.begun_ms.store(at_ms, Ordering::Relaxed);
    }

    /// Returns when the line began, from the start of the call, in ms.
    pub fn begun_ms(&self) -> u64 {
        self.begun_ms.load(Ordering::Relaxed)
    }

    /// Returns whose line it is.
    pub const fn party(&self) -> Option<Party> {
        self.party
    }

    /// Returns the words of the open utterance so far.
    pub fn partial(&self) -> String {
        lock(&self.partial).clone()
    }

    /// Says whether recognition has fallen behind the sound.
    pub fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    fn tell(&self, said: &[Word], from_ms: u64) {
        let (Some(first), Some(last)) = (said.first(), said.last()) else { return };
        let text = said.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let begun = self.begun_ms() + from_ms;
        // A call that is gone needs no words.
        let _ = self.told.send(Told::Said(Said {
            party: self.party,
            start_ms: begun + first.start_ms,
            end_ms: begun + last.end_ms,
            text,
        }));
    }

    fn take_events(&self, events: Vec<StreamEvent>, from_ms: u64) {
        for event in events {
            match event {
                StreamEvent::Partial(words) => {
                    let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
                    *lock(&self.partial) = words.join(" ");
                }
                StreamEvent::Final(words) => {
                    lock(&self.partial).clear();
                    self.tell(&words, from_ms);
                }
            }
        }
    }
}

/// The threads; they end when nobody has the pool any more.
pub struct Pool {
    queue: Arc<Queue>,
}

/// The lines that wait for a thread: apart from the pool, so that a waiting thread does not keep the pool.
struct Queue {
    ready: Mutex<VecDeque<Arc<Line>>>,
    news: Condvar,
    stop: AtomicBool,
}

impl Pool {
    /// Starts `workers` threads; they end with the pool.
    pub fn start(workers: usize) -> Arc<Self> {
        let queue =
            Arc::new(Queue { ready: Mutex::default(), news: Condvar::new(), stop: AtomicBool::new(false) });
        for number in 0..workers.max(1) {
            let queue = Arc::clone(&queue);
            let thread = std::thread::Builder::new().name(format!("recognise-{number}"));
            let started = thread.spawn(move || {
                while let Some(line) = queue.next() {
                    queue.turn(&line);
                }
            });
            if let Err(error) = started {
                tracing::error!("A thread for recognition does not start: {error}");
            }
        }
        Arc::new(Self { queue })
    }

    /// Ends the threads when they are done with what they have.
    pub fn stop(&self) {
        // Under the lock: a thread between its look at the flag and its sleep would miss the news.
        let ready = lock(&self.queue.ready);
        self.queue.stop.store(true, Ordering::SeqCst);
        drop(ready);
        self.queue.news.notify_all();
    }

    /// Gives sound of a line to recognition.
    pub fn feed(&self, line: &Arc<Line>, samples: &[i16]) {
        let mut state = lock(&line.state);
        state.samples.extend(samples);
        if state.samples.len() > WAITING {
            let passed = state.samples.len() / 2;
            let from = state.fed + state.silence;
            state.samples.drain(..passed);
            state.passed_over.push((from, from + passed as u64));
            state.silence += passed as u64;
            line.behind.store(true, Ordering::Relaxed);
        }
        if state.samples.len() >= TURN {
            self.queue.schedule(line, &mut state);
        }
    }

    /// Ends a line: what waits is recognised, then the line is over.
    pub fn end(&self, line: &Arc<Line>) {
        let mut state = lock(&line.state);
        state.ended = true;
        self.queue.schedule(line, &mut state);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Queue {
    fn schedule(&self, line: &Arc<Line>, state: &mut Waiting) {
        if !state.scheduled {
            state.scheduled = true;
            lock(&self.ready).push_back(Arc::clone(line));
            self.news.notify_one();
        }
    }

    /// Waits for the line whose turn it is; nothing when the pool has stopped and no line waits.
    fn next(&self) -> Option<Arc<Line>> {
        let mut ready = lock(&self.ready);
        while ready.is_empty() && !self.stop.load(Ordering::SeqCst) {
            ready = self.news.wait(ready).unwrap_or_else(PoisonError::into_inner);
        }
        ready.pop_front()
    }

    /// One turn of a line: some of its sound becomes words.
    fn turn(&self, line: &Arc<Line>) {
        let (silence, samples, ended) = {
            let mut state = lock(&line.state);
            let silence = std::mem::take(&mut state.silence);
            let count = state.samples.len().min(MOST);
            let samples: Vec<i16> = state.samples.drain(..count).collect();
            state.fed += silence + count as u64;
            let silence = usize::try_from(silence).unwrap_or(0);
            line.behind.store(state.samples.len() > BEHIND, Ordering::Relaxed);
            (silence, samples, state.ended && state.samples.is_empty())
        };
        let mut stream = lock(&line.stream);
        if let Some(open) = stream.as_mut() {
            let mut heard = Ok(Vec::new());
            if silence > 0 {
                heard = open.feed(&vec![0; silence]);
            }
            let events = heard.and_then(|mut events| {
                events.extend(open.feed(&samples)?);
                if ended {
                    events.extend(open.finish()?);
                }
                Ok(events)
            });
            match events {
                Ok(events) => line.take_events(events, 0),
                Err(error) => tracing::error!("A live stream is not recognised any more: {error}"),
            }
        }
        drop(stream);
        if ended {
            let _ = line.told.send(Told::Over);
            return;
        }
        let mut state = lock(&line.state);
        state.scheduled = false;
        if state.ended || state.samples.len() >= TURN {
            self.schedule(line, &mut state);
        }
    }
}

impl Line {
    /// Returns what was passed over and waits to be recognised from the recording, in samples from the start of the line.
    pub fn passed_over(&self) -> Vec<(u64, u64)> {
        lock(&self.state).passed_over.clone()
    }

    /// Recognises sound of the recording that was passed over while the call went on.
    ///
    /// # Errors
    /// What the engine says.
    pub fn catch_up(&self, engine: &dyn Recognizer, from: u64, samples: &[i16]) -> anyhow::Result<()> {
        let mut stream = engine.stream(&gradus_speech::recognise::Hints::default())?;
        let mut events = stream.feed(samples)?;
        events.extend(stream.finish()?);
        self.take_events(events, from / SAMPLES_PER_MS as u64);
        Ok(())
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use gradus_speech::recognise::{Hints, RecogniseError, Session};
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    /// Hears a word for every second of sound that is not silence; waits for leave before each piece.
    struct Counting {
        heard: u64,
        leave: Arc<Mutex<()>>,
    }

    impl Stream for Counting {
        fn feed(&mut self, samples: &[i16]) -> Result<Vec<StreamEvent>, RecogniseError> {
            drop(lock(&self.leave));
            let from_ms = self.heard / SAMPLES_PER_MS as u64;
            self.heard += samples.len() as u64;
            if samples.iter().all(|sample| *sample == 0) {
                return Ok(Vec::new());
            }
            let word = Word {
                text: format!("{}", samples[0]),
                start_ms: from_ms,
                end_ms: self.heard / SAMPLES_PER_MS as u64,
                confidence: 1.0,
            };
            Ok(vec![StreamEvent::Partial(vec![word.clone()]), StreamEvent::Final(vec![word])])
        }

        fn finish(&mut self) -> Result<Vec<StreamEvent>, RecogniseError> {
            Ok(Vec::new())
        }
    }

    struct Engine;

    impl Recognizer for Engine {
        fn name(&self) -> String {
            "counting".into()
        }

        fn session(&self, _: &Hints) -> Result<Box<dyn Session>, RecogniseError> {
            Err(RecogniseError::Engine("only streams".into()))
        }

        fn stream(&self, _: &Hints) -> Result<Box<dyn Stream>, RecogniseError> {
            Ok(Box::new(Counting { heard: 0, leave: Arc::default() }))
        }
    }

    async fn all(mut told: UnboundedReceiver<Told>, lines: usize) -> Vec<Said> {
        let (mut said, mut over) = (Vec::new(), 0);
        while over < lines {
            match tokio::time::timeout(std::time::Duration::from_secs(20), told.recv()).await.unwrap() {
                Some(Told::Said(one)) => said.push(one),
                Some(Told::Over) => over += 1,
                None => break,
            }
        }
        said
    }

    fn line(party: Party, leave: &Arc<Mutex<()>>, told: &UnboundedSender<Told>) -> Arc<Line> {
        let stream = Counting { heard: 0, leave: Arc::clone(leave) };
        Line::new(Some(party), Some(Box::new(stream)), told.clone())
    }

    #[tokio::test]
    async fn many_lines_are_heard_whole_and_in_order_by_few_threads() {
        let (told, heard) = unbounded_channel();
        let pool = Pool::start(2);
        let lines: Vec<Arc<Line>> = (0..20).map(|_| line(Party::Customer, &Arc::default(), &told)).collect();
        for second in 1..=5_i16 {
            for line in &lines {
                pool.feed(line, &vec![second; 1_000 * SAMPLES_PER_MS]);
            }
        }
        for line in &lines {
            pool.end(line);
        }
        let said = all(heard, lines.len()).await;
        let total: u64 = said.iter().map(|one| one.end_ms - one.start_ms).sum();
        assert_eq!(total, 20 * 5_000, "every millisecond once");
        assert!(lines.iter().all(|line| line.passed_over().is_empty() && line.partial().is_empty()));
    }

    #[test]
    fn threads_end_with_the_pool() {
        let pool = Pool::start(3);
        let gone = Arc::downgrade(&pool.queue);
        drop(pool);
        for _ in 0..100 {
            if gone.strong_count() == 0 {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("a thread goes on without the pool");
    }

    #[tokio::test]
    async fn a_line_that_falls_behind_says_so_keeps_its_time_and_catches_up_from_the_recording() {
        let (told, heard) = unbounded_channel();
        let (pool, leave) = (Pool::start(1), Arc::new(Mutex::new(())));
        let line = line(Party::Agent, &leave, &told);
        line.begins(500);
        let held = lock(&leave);
        for second in 1..=70_i16 {
            pool.feed(&line, &vec![second; 1_000 * SAMPLES_PER_MS]);
        }
        assert!(line.is_behind());
        let passed_over = line.passed_over();
        assert_eq!(passed_over.len(), 1, "{passed_over:?}");
        let (from, to) = passed_over[0];
        // Before the line is over, which is the last that is told.
        line.catch_up(&Engine, from, &vec![9; usize::try_from(to - from).unwrap()]).unwrap();
        drop(held);
        pool.end(&line);
        let said = all(heard, 1).await;
        let mut spans: Vec<(u64, u64)> = said.iter().map(|one| (one.start_ms, one.end_ms)).collect();
        spans.sort_unstable();
        assert_eq!((spans[0].0, spans.last().unwrap().1), (500, 70_500));
        assert!(spans.windows(2).all(|pair| pair[0].1 == pair[1].0), "no gap and no overlap: {spans:?}");
    }
}
