//! Builds the word data of the detector from the OpenCorpora dictionary.
//!
//! In: the PyPI packages `pymorphy3` and `pymorphy3-dicts-ru` (installed into `target/lexicon`), or a dump made before.
//! Out: `engine/data/lexicon/forms.fst` (form → lemmas and readings), `tables.bin` (what the values point at) and
//! `endings.fst` (endings of words → how unknown words with that ending inflect). The layout is read by
//! `engine/src/detect/lexicon`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

#[path = "../../engine/src/detect/lexicon/features.rs"]
#[allow(dead_code, reason = "the builder needs only a part of the shared definitions")]
mod features;

const PACKAGES: [&str; 2] = ["pymorphy3==2.0.6", "pymorphy3-dicts-ru==2.4.417150.4580142"];

/// The low bits of a value in `forms.fst`: the combination of readings; the rest is the set of lemmas.
const COMBO_BITS: u32 = 14;

/// Endings are at most this many letters long; longer ones gain nothing on unknown words.
const LONGEST_ENDING: usize = 5;

/// An ending must occur in this many lemmas before it is trusted.
const ENDING_SUPPORT: u32 = 12;

/// At most this many ways to inflect are kept for one ending.
const WAYS_PER_ENDING: usize = 3;

/// Builds the data; `dump` is a file made by `xtask/lexicon_dump.py`, or none to make it now.
pub fn build(root: &Path, dump: Option<PathBuf>) -> Result<()> {
    let dump = match dump {
        Some(path) => path,
        None => make_dump(root)?,
    };
    let forms = read(&dump)?;
    let folder = root.join("engine/data/lexicon");
    fs::create_dir_all(&folder)?;
    let tables = Tables::of(&forms);
    write_forms(&folder, &forms, &tables)?;
    write_endings(&folder, &forms, &tables)?;
    Ok(())
}

fn make_dump(root: &Path) -> Result<PathBuf> {
    let place = root.join("target/lexicon");
    let python = place.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
    }
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))?;
    let path = place.join("forms.tsv");
    let out = fs::File::create(&path)?;
    run(Command::new(&python).arg(root.join("xtask/lexicon_dump.py")).stdout(Stdio::from(out)))?;
    Ok(path)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{:?} failed with {status}", command.get_program());
    }
    Ok(())
}

/// form → lemma → readings, all sorted, so that the same dictionary gives the same bytes.
type Forms = BTreeMap<String, BTreeMap<String, Vec<u64>>>;

fn read(dump: &Path) -> Result<Forms> {
    let file = fs::File::open(dump).with_context(|| format!("cannot open {}", dump.display()))?;
    let mut forms = Forms::new();
    for line in BufReader::new(file).lines() {
        let line = line?;
        let mut columns = line.split('\t');
        let (Some(form), Some(lemma), Some(tag)) = (columns.next(), columns.next(), columns.next()) else {
            bail!("not three columns: {line}");
        };
        if tag.contains("Surn") && tag.contains("Erro") {
            continue;
        }
        let (form, lemma) = (plain(form), plain(lemma));
        let mut reading =
            tag.split([',', ' ']).fold(0, |bits, grammeme| bits | features::bit_of_grammeme(grammeme));
        if form == lemma {
            reading |= features::LEMMA;
        }
        let readings = forms.entry(form).or_default().entry(lemma).or_default();
        if !readings.contains(&reading) {
            readings.push(reading);
        }
    }
    for readings in forms.values_mut().flat_map(BTreeMap::values_mut) {
        readings.sort_unstable();
    }
    Ok(forms)
}

/// The detector never tells е from ё, because people do not write the dots and recognisers do as they like.
fn plain(word: &str) -> String {
    word.to_lowercase().replace('ё', "е")
}

/// Gives numbers to equal things in order of their first appearance.
struct Numbers<T> {
    ids: HashMap<T, u32>,
    items: Vec<T>,
}

impl<T: Clone + Eq + std::hash::Hash> Numbers<T> {
    fn new() -> Self {
        Self { ids: HashMap::new(), items: Vec::new() }
    }

    fn of(&mut self, item: T) -> u32 {
        if let Some(&id) = self.ids.get(&item) {
            return id;
        }
        let id = self.items.len() as u32;
        self.ids.insert(item.clone(), id);
        self.items.push(item);
        id
    }
}

struct Tables {
    lemmas: Numbers<String>,
    /// Sets of readings of one lemma.
    readings: Numbers<Vec<u64>>,
    /// Sets of the lemmas of one form, where it has more than one.
    lemma_sets: Numbers<Vec<u32>>,
    /// For each lemma of a form, the number of its set of readings.
    combos: Numbers<Vec<u32>>,
}

impl Tables {
    fn of(forms: &Forms) -> Self {
        let mut tables = Self {
            lemmas: Numbers::new(),
            readings: Numbers::new(),
            lemma_sets: Numbers::new(),
            combos: Numbers::new(),
        };
        for lemmas in forms.values() {
            let lemma_ids: Vec<u32> = lemmas.keys().map(|lemma| tables.lemmas.of(lemma.clone())).collect();
            if lemma_ids.len() > 1 {
                tables.lemma_sets.of(lemma_ids);
            }
            let reading_ids = lemmas.values().map(|readings| tables.readings.of(readings.clone())).collect();
            tables.combos.of(reading_ids);
        }
        tables
    }

    /// One lemma stands for itself; sets of several are numbered after all lemmas.
    fn lemma_set(&self, lemmas: &[u32]) -> u64 {
        match lemmas {
            [only] => u64::from(*only),
            several => self.lemmas.items.len() as u64 + u64::from(self.lemma_sets.ids[several]),
        }
    }
}

fn write_forms(folder: &Path, forms: &Forms, tables: &Tables) -> Result<()> {
    if tables.combos.items.len() >= 1 << COMBO_BITS {
        bail!("{} combinations of readings do not fit into {COMBO_BITS} bits", tables.combos.items.len());
    }
    let mut builder = fst::MapBuilder::memory();
    for (form, lemmas) in forms {
        let lemma_ids: Vec<u32> = lemmas.keys().map(|lemma| tables.lemmas.ids[lemma]).collect();
        let combo: Vec<u32> = lemmas.values().map(|readings| tables.readings.ids[readings]).collect();
        let value = tables.lemma_set(&lemma_ids) << COMBO_BITS | u64::from(tables.combos.ids[&combo]);
        builder.insert(form, value)?;
    }
    let bytes = builder.into_inner()?;
    fs::write(folder.join("forms.fst"), &bytes)?;
    let side = side_table(tables);
    fs::write(folder.join("tables.bin"), &side)?;
    println!(
        "{} forms, {} lemmas, {} sets of lemmas, {} combinations, {} sets of readings: forms.fst {} bytes, tables.bin {} bytes",
        forms.len(),
        tables.lemmas.items.len(),
        tables.lemma_sets.items.len(),
        tables.combos.items.len(),
        tables.readings.items.len(),
        bytes.len(),
        side.len()
    );
    Ok(())
}

/// Layout, all little-endian: `u32` number of lemmas; then three lists (lemma sets of `u32`, combinations of `u16`,
/// sets of readings of `u64`), each as `u32` count, `count + 1` offsets of `u32`, items.
fn side_table(tables: &Tables) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend((tables.lemmas.items.len() as u32).to_le_bytes());
    put_list(&mut out, &tables.lemma_sets.items, |out, id| out.extend(id.to_le_bytes()));
    put_list(&mut out, &tables.combos.items, |out, id| out.extend((*id as u16).to_le_bytes()));
    put_list(&mut out, &tables.readings.items, |out, bits| out.extend(bits.to_le_bytes()));
    out
}

fn put_list<T>(out: &mut Vec<u8>, lists: &[Vec<T>], put: impl Fn(&mut Vec<u8>, &T)) {
    out.extend((lists.len() as u32).to_le_bytes());
    let mut offset = 0u32;
    for list in lists {
        out.extend(offset.to_le_bytes());
        offset += list.len() as u32;
    }
    out.extend(offset.to_le_bytes());
    lists.iter().flatten().for_each(|item| put(out, item));
}

/// One way to inflect: letters to cut off the end, letters to add to get the lemma, set of readings.
type Way = (u8, String, u32);

/// Counts, for every ending, how the words with it inflect; only words of open classes can be unknown.
fn write_endings(folder: &Path, forms: &Forms, tables: &Tables) -> Result<()> {
    use features::{ADJF, ADJS, ADVB, GRND, INFN, NOUN, PATR, PRTF, PRTS, SURN, VERB};
    let open = NOUN | ADJF | ADJS | VERB | INFN | PRTF | PRTS | GRND | ADVB;
    let mut counts: HashMap<String, HashMap<Way, u32>> = HashMap::new();
    for (form, lemmas) in forms {
        let letters: Vec<char> = form.chars().collect();
        for (lemma, readings) in lemmas {
            let rare = readings.iter().all(|reading| reading & open == 0 || reading & (PATR | SURN) != 0);
            let shared = letters.iter().zip(lemma.chars()).take_while(|(a, b)| **a == *b).count();
            let cut = letters.len() - shared;
            if rare || letters.len() < 4 || cut > LONGEST_ENDING || form.contains('-') {
                continue;
            }
            let add: String = lemma.chars().skip(shared).collect();
            for length in cut.max(2)..=LONGEST_ENDING.min(letters.len() - 2).max(cut) {
                let ending: String = letters[letters.len() - length..].iter().rev().collect();
                let way = (cut as u8, add.clone(), tables.readings.ids[readings]);
                *counts.entry(ending).or_default().entry(way).or_default() += 1;
            }
        }
    }
    let mut kept = BTreeMap::new();
    let mut sets: Numbers<Vec<Way>> = Numbers::new();
    for (ending, ways) in counts {
        let mut ways: Vec<(Way, u32)> = ways.into_iter().filter(|way| way.1 >= ENDING_SUPPORT).collect();
        ways.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        ways.truncate(WAYS_PER_ENDING);
        if !ways.is_empty() {
            kept.insert(ending, ways.into_iter().map(|way| way.0).collect::<Vec<Way>>());
        }
    }
    let mut builder = fst::MapBuilder::memory();
    for (ending, ways) in &kept {
        builder.insert(ending, u64::from(sets.of(ways.clone())))?;
    }
    let map = builder.into_inner()?;
    let mut out = Vec::new();
    out.extend((map.len() as u32).to_le_bytes());
    out.extend(&map);
    put_list(&mut out, &sets.items.iter().map(|ways| pack_ways(ways)).collect::<Vec<_>>(), |out, byte| {
        out.push(*byte)
    });
    fs::write(folder.join("endings.bin"), &out)?;
    println!("{} endings, {} sets of ways: endings.bin {} bytes", kept.len(), sets.items.len(), out.len());
    Ok(())
}

/// Each way as: cut, `u16` set of readings, length of what to add in bytes, what to add.
fn pack_ways(ways: &[Way]) -> Vec<u8> {
    let mut out = Vec::new();
    for (cut, add, readings) in ways {
        out.push(*cut);
        out.extend((*readings as u16).to_le_bytes());
        out.push(add.len() as u8);
        out.extend(add.as_bytes());
    }
    out
}
