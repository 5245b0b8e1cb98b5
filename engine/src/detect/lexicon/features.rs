//! The grammatical features of a word form, packed into one `u64`: what the lexicon stores and what rules ask for.
//!
//! The lexicon builder compiles this very file, so the bits can never differ from those in the built data.
//! It must not use anything else of the crate.

/// One reading of a form: a set of feature bits.
pub type Reading = u64;

/// The reading is the dictionary form of its lemma.
pub const LEMMA: Reading = 1 << 63;

macro_rules! features {
    ($($name:ident $bit:literal $grammeme:literal $russian:literal $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $name: Reading = 1 << $bit;)*

        /// Every feature: bit, name in the OpenCorpora data, name in the rule files, meaning.
        pub const FEATURES: &[(Reading, &str, &str, &str)] = &[$(($name, $grammeme, $russian, $meaning),)*];
    };
}

features! {
    NOUN 0 "NOUN" "сущ" "существительное";
    ADJF 1 "ADJF" "прил" "полное прилагательное";
    ADJS 2 "ADJS" "кратк" "краткое прилагательное";
    COMP 3 "COMP" "сравн" "сравнительная степень";
    VERB 4 "VERB" "гл" "личная форма глагола";
    INFN 5 "INFN" "инф" "инфинитив";
    PRTF 6 "PRTF" "прич" "полное причастие";
    PRTS 7 "PRTS" "кратприч" "краткое причастие";
    GRND 8 "GRND" "деепр" "деепричастие";
    NUMR 9 "NUMR" "числ" "числительное";
    ADVB 10 "ADVB" "нареч" "наречие";
    NPRO 11 "NPRO" "мест" "местоимение";
    PRED 12 "PRED" "предик" "предикатив";
    PREP 13 "PREP" "предл" "предлог";
    CONJ 14 "CONJ" "союз" "союз";
    PRCL 15 "PRCL" "част" "частица";
    INTJ 16 "INTJ" "межд" "междометие";
    NOMN 17 "nomn" "им" "именительный падеж";
    GENT 18 "gent" "род" "родительный падеж";
    DATV 19 "datv" "дат" "дательный падеж";
    ACCS 20 "accs" "вин" "винительный падеж";
    ABLT 21 "ablt" "твор" "творительный падеж";
    LOCT 22 "loct" "пр" "предложный падеж";
    VOCT 23 "voct" "зват" "звательный падеж";
    SING 24 "sing" "ед" "единственное число";
    PLUR 25 "plur" "мн" "множественное число";
    MASC 26 "masc" "муж" "мужской род";
    FEMN 27 "femn" "жен" "женский род";
    NEUT 28 "neut" "ср" "средний род";
    PRES 29 "pres" "наст" "настоящее время";
    PAST 30 "past" "прош" "прошедшее время";
    FUTR 31 "futr" "буд" "будущее время";
    PER1 32 "1per" "1л" "первое лицо";
    PER2 33 "2per" "2л" "второе лицо";
    PER3 34 "3per" "3л" "третье лицо";
    INDC 35 "indc" "изъяв" "изъявительное наклонение";
    IMPR 36 "impr" "пов" "повелительное наклонение";
    PERF 37 "perf" "сов" "совершенный вид";
    IMPF 38 "impf" "несов" "несовершенный вид";
    ACTV 39 "actv" "действ" "действительный залог";
    PSSV 40 "pssv" "страд" "страдательный залог";
    ANIM 41 "anim" "одуш" "одушевлённое";
    INAN 42 "inan" "неодуш" "неодушевлённое";
    NAME 43 "Name" "имя" "личное имя";
    PATR 44 "Patr" "отч" "отчество";
    SURN 45 "Surn" "фам" "фамилия";
    GEOX 46 "Geox" "гео" "географическое название";
    ORGN 47 "Orgn" "орг" "название организации";
    ABBR 48 "Abbr" "сокр" "сокращение";
    ANUM 49 "Anum" "порядк" "порядковое числительное";
    APRO 50 "Apro" "местприл" "местоименное прилагательное";
    POSS 51 "Poss" "притяж" "притяжательное прилагательное";
    SUPR 52 "Supr" "превосх" "превосходная степень";
    INFR 53 "Infr" "разг" "разговорное";
    SLNG 54 "Slng" "жарг" "жаргон";
    INCL 55 "incl" "совм" "говорящий включён в действие (пойдёмте)";
    TRAN 56 "tran" "перех" "переходный глагол";
    INTR 57 "intr" "неперех" "непереходный глагол";
}

/// Returns the bit of a grammeme of the OpenCorpora data; grammemes that rules cannot ask for have none.
pub fn bit_of_grammeme(grammeme: &str) -> Reading {
    let grammeme = match grammeme {
        "gen1" | "gen2" => "gent",
        "loc1" | "loc2" => "loct",
        "acc2" => "accs",
        other => other,
    };
    FEATURES.iter().find(|feature| feature.1 == grammeme).map_or(0, |feature| feature.0)
}

/// Returns the bit of a feature as rule files name it.
pub fn bit_of_name(name: &str) -> Option<Reading> {
    FEATURES.iter().find(|feature| feature.2 == name).map(|feature| feature.0)
}
