//! Cues: facts about the words of an utterance that mean something only in a conversation.
//!
//! They are weaker than signals: «нет» alone refuses nothing, but it does when an offer is on the table. So they are
//! found by plain phrases here and weighed by the conversation, which knows what was said before.

use crate::notice::Cues;
use crate::signal::{Found, Party, SignalKind as K};

/// Finds the cues of one utterance.
pub fn cues(text: &str, party: Party, signals: &[Found]) -> Cues {
    let words = words(text);
    let has = |kind: K| signals.iter().any(|found| found.kind == kind);
    let abusive = has(K::Profanity) || has(K::Insult) || has(K::ViolenceThreat);
    match party {
        Party::Agent => Cues {
            hands_over: hands_over(&words, signals),
            asks: asks(text, &words),
            alternative: alternative(&words),
            ..Cues::default()
        },
        Party::Customer => {
            let objects = objects(&words);
            Cues {
                withdraws_wish: withdraws_wish(&words),
                customer_apology: !abusive && apologises(&words),
                objects,
                tried_in_vain: tried_in_vain(&words),
                agrees: !objects && agrees(&words),
                own_money: has(K::ConcessionDemand) && own_money(&words),
                asks: asks(text, &words),
                ..Cues::default()
            }
        }
    }
}

/// Returns the words in lower case, with «е» for «ё», without punctuation.
fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace('ё', "е");
    lower
        .split(|sign: char| !sign.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Says whether `phrase` stands in `words`; a word that ends in `*` matches by its beginning.
fn stands(words: &[String], phrase: &str) -> bool {
    position(words, phrase).is_some()
}

fn position(words: &[String], phrase: &str) -> Option<usize> {
    let parts: Vec<&str> = phrase.split(' ').collect();
    words
        .windows(parts.len())
        .position(|window| window.iter().zip(&parts).all(|(word, part)| fits(word, part)))
}

fn fits(word: &str, part: &str) -> bool {
    part.strip_suffix('*').map_or(word == part, |begin| word.starts_with(begin))
}

fn any(words: &[String], phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| stands(words, phrase))
}

fn starts(words: &[String], phrases: &[&str], within: usize) -> bool {
    phrases.iter().any(|phrase| position(words, phrase).is_some_and(|at| at < within))
}

fn withdraws_wish(words: &[String]) -> bool {
    const NO: &[&str] = &[
        "не надо",
        "не нужно",
        "не нужен",
        "не зовите",
        "незачем",
        "не стоит",
        "передумал*",
        "отбой",
        "обойд*",
        "не буду",
    ];
    const WHOM: &[&str] = &[
        "никого",
        "никому",
        "никаких",
        "звать",
        "зовите",
        "руковод*",
        "начальн*",
        "старш*",
        "соединять",
        "переключать",
        "переводить",
        "директор*",
        "управляющ*",
        "шеф*",
        "главн*",
    ];
    const ALONE: &[&str] = &[
        "без руковод*",
        "без начальн*",
        "без директор*",
        "сами разбер*",
        "сами реш*",
        "с вами реш*",
        "с вами разбер*",
    ];
    (any(words, NO) && any(words, WHOM)) || any(words, ALONE)
}

fn apologises(words: &[String]) -> bool {
    const SORRY: &[&str] = &["простите", "извините", "извиняюсь", "прошу прощения", "прости", "извини"];
    const BACKS_DOWN: &[&str] = &[
        "сорвал*",
        "погорячил*",
        "перегнул*",
        "не со зла",
        "не на вас",
        "не к вам",
        "нервы",
        "вспылил*",
        "накричал*",
        "нагрубил*",
        "больше не буду",
    ];
    const NOT_SORRY: &[&str] =
        &["но", "а", "что", "сколько", "какой", "какая", "какие", "это", "вы", "как", "конечно", "где"];
    if any(words, BACKS_DOWN) {
        return true;
    }
    SORRY.iter().any(|phrase| {
        position(words, phrase).is_some_and(|at| {
            let next = words.get(at + phrase.split(' ').count());
            next.is_none_or(|next| !NOT_SORRY.contains(&next.as_str()))
        })
    })
}

fn objects(words: &[String]) -> bool {
    const FIRST: &[&str] = &["нет", "неа", "не", "ни", "мало", "поздно", "долго", "опять", "бред", "смешно"];
    const ANYWHERE: &[&str] = &[
        "не надо",
        "не нужн*",
        "не нужен",
        "не буду",
        "не устраива*",
        "не подход*",
        "не подойдет",
        "не пойдет",
        "не соглас*",
        "не хочу",
        "не хотим",
        "не интерес*",
        "не вариант",
        "не выход",
        "не поможет",
        "не решает",
        "не решит",
        "зачем",
        "на кой",
        "на что мне",
        "какой смысл",
        "какой толк",
        "нет смысла",
        "толку",
        "издева*",
        "смеетесь",
        "вы что",
        "при чем",
        "причем",
        "и что",
        "это все",
        "почему я должен",
        "почему я должна",
        "почему мы должны",
        "спасибо не надо",
        "не в этом дело",
        "дело не в",
        "не об этом",
        "не про это",
        "оставьте себе",
        "себе оставьте",
        "засуньте",
        "ну уж нет",
        "да ну",
        "отказываюсь",
        "отказываемся",
    ];
    starts(words, FIRST, 2) || any(words, ANYWHERE) || needs_otherwise(words)
}

/// «Мне четыреста надо»: who names what they need instead says no.
fn needs_otherwise(words: &[String]) -> bool {
    const NEED: &[&str] = &["надо", "нужно", "нужен", "нужна", "нужны"];
    const THINKS: &[&str] = &["подумать", "посмотреть", "посоветоваться", "решить", "проверить", "записать"];
    let first = words.first().is_some_and(|word| ["мне", "нам"].contains(&word.as_str()));
    first && words.iter().any(|word| NEED.contains(&word.as_str())) && !any(words, THINKS)
}

fn tried_in_vain(words: &[String]) -> bool {
    const DID: &[&str] = &[
        "пробовал*",
        "попробовал*",
        "делал*",
        "сделал*",
        "перезагр*",
        "переустан*",
        "отправлял*",
        "звонил*",
        "ходил*",
        "менял*",
        "чинил*",
        "приезжал*",
        "обновлял*",
        "выключал*",
        "включал*",
        "сбрасывал*",
        "присылал*",
        "писал*",
        "чистил*",
    ];
    const VAIN: &[&str] = &[
        "без толку",
        "бестолку",
        "бесполезно",
        "то же самое",
        "тоже самое",
        "все равно",
        "без результата",
        "ноль эмоций",
        "ноль",
        "ничего не дало",
        "не работает",
        "и ушел",
        "и уехал",
        "та же история",
        "не изменил*",
    ];
    const ALONE: &[&str] =
        &["не помог*", "не помогает", "не сработал*", "не заработал*", "опять не", "снова не"];
    any(words, ALONE) || (any(words, DID) && any(words, VAIN))
}

fn agrees(words: &[String]) -> bool {
    const YES: &[&str] = &[
        "да",
        "давайте",
        "давай",
        "хорошо",
        "ладно",
        "ок",
        "окей",
        "угу",
        "ага",
        "согласен",
        "согласна",
        "договорились",
        "конечно",
        "пойдет",
        "позовите",
        "зовите",
        "соедините",
        "соединяйте",
        "переключайте",
        "переводите",
        "жду",
        "пусть",
        "делайте",
        "оформляйте",
        "подходит",
        "устраивает",
        "отлично",
        "ждем",
        "+",
    ];
    starts(words, YES, 3)
}

fn own_money(words: &[String]) -> bool {
    const BACK: &[&str] = &[
        "верн*",
        "возврат*",
        "возвра*",
        "возмест*",
        "мои деньги",
        "свои деньги",
        "деньги назад",
        "обратно",
        "отда*",
        "пересчит*",
        "перерасчет*",
        "спишите",
        "снимите",
        "аннулир*",
        "отмените",
    ];
    any(words, BACK)
}

fn hands_over(words: &[String], signals: &[Found]) -> bool {
    const WHERE: &[&str] = &[
        "друг* отдел*",
        "в отдел*",
        "отдел*",
        "профильн*",
        "специалист*",
        "инженер*",
        "техник*",
        "техническ*",
        "бухгалтер*",
        "юрист*",
        "юридическ*",
        "финансов*",
        "технолог*",
        "логист*",
        "мастер*",
        "склад*",
    ];
    const HOW: &[&str] = &[
        "переда*",
        "перевед*",
        "перевож*",
        "соедин*",
        "подключ*",
        "запрос*",
        "обращайтесь",
        "обратитесь",
        "решает",
        "занимается",
        "рассматривает",
        "отправ*",
        "направ*",
        "уточн*",
    ];
    let offered = signals.iter().any(|found| found.kind == K::EscalationOffer);
    any(words, WHERE) && (offered || any(words, HOW))
}

fn alternative(words: &[String]) -> bool {
    const INSTEAD: &[&str] = &[
        "тогда",
        "а если",
        "в таком случае",
        "вместо этого",
        "другой вариант",
        "еще вариант",
        "второй вариант",
        "есть вариант",
        "может быть",
        "или могу",
        "или можем",
        "либо могу",
        "либо можем",
    ];
    // What comes late in a long utterance is usually «и тогда», a consequence.
    starts(words, INSTEAD, 6)
}

fn asks(text: &str, words: &[String]) -> bool {
    const ASKING: &[&str] = &[
        "что",
        "как",
        "когда",
        "где",
        "кто",
        "сколько",
        "почему",
        "какой",
        "какая",
        "какие",
        "какое",
        "подскажите",
        "куда",
    ];
    text.trim_end().ends_with('?') || starts(words, ASKING, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(text: &str) -> Cues {
        cues(text, Party::Customer, &[])
    }

    #[test]
    fn a_wish_is_withdrawn_only_when_somebody_is_named() {
        assert!(customer("ладно, не надо никого звать").withdraws_wish);
        assert!(customer("Хорошо, давайте без руководителя, сами разберёмся").withdraws_wish);
        assert!(!customer("не надо мне ваших скидок").withdraws_wish);
    }

    #[test]
    fn an_apology_is_told_from_a_turn_of_phrase() {
        assert!(customer("ладно простите полина просто два месяца уже с этим хожу").customer_apology);
        assert!(!customer("извините но это просто бред").customer_apology);
        assert!(!customer("извините сколько можно ждать").customer_apology);
    }

    #[test]
    fn no_and_yes_are_told_apart() {
        for no in [
            "зачем мне скидка на то что я выброшу",
            "нет так не пойдёт",
            "а просто поменять нельзя? зачем два раза деньги гонять",
        ] {
            assert!(customer(no).objects, "{no}");
        }
        for yes in ["да норм", "ну давайте попробуем", "позовите", "хорошо в шесть жду"]
        {
            assert!(customer(yes).agrees && !customer(yes).objects, "{yes}");
        }
    }

    #[test]
    fn another_proposal_is_told_from_a_consequence() {
        let agent = |text: &str| cues(text, Party::Agent, &[]).alternative;
        assert!(agent("понял тогда могу вернуть деньги"));
        assert!(agent("а если поменять с завода"));
        assert!(!agent("заявку я оформила как только мастер приедет тогда и посмотрим"));
    }

    #[test]
    fn what_was_tried_in_vain_is_heard() {
        assert!(customer("перезагружал уже три раза все равно то же самое").tried_in_vain);
        assert!(!customer("перезагрузил и заработало").tried_in_vain);
    }
}
