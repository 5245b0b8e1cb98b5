//! Verdicts on signals: one click beside the quote, precision of rules, labelled examples.

use serde_json::json;

use crate::desk::Desk;

const COURT: &str = "верните деньги иначе я подам на вас в суд";

#[tokio::test]
async fn a_verdict_beside_a_signal_counts_for_its_rule_and_becomes_an_example() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &[COURT, "ну вы даёте конечно"]).await;
    let page = format!("/conversations/{talk}");
    assert!(desk.page("supervisor", &page).await.body.contains("/verdict"));
    assert!(!desk.page("agent", &page).await.body.contains("/verdict"), "an agent judges nothing");

    let verdict = format!("{page}/verdict");
    assert_eq!(desk.submit("supervisor", &verdict, "utterance=0&number=1&verdict=right").await.status, 303);
    assert_eq!(desk.submit("agent", &verdict, "utterance=0&number=1&verdict=wrong").await.status, 403);
    assert_eq!(desk.submit("supervisor", &verdict, "utterance=0&number=9&verdict=wrong").await.status, 404);
    assert_eq!(desk.submit("supervisor", &verdict, "utterance=0&number=1&verdict=maybe").await.status, 422);
    let path = format!("/api/v1/conversations/{talk}/verdicts");
    let wrong = json!({"utterance": 0, "number": 0, "verdict": "wrong"});
    assert_eq!(desk.ask("coach", "POST", &path, Some(wrong)).await.status, 200);

    let form = desk.page("coach", &format!("{page}?mark=1")).await.body;
    assert!(form.contains("missed-kind") && form.contains("value=\"distrust\""), "{form}");
    let missed = format!("{page}/missed");
    assert_eq!(desk.submit("coach", &missed, "utterance=1&kind=distrust").await.status, 303);
    assert_eq!(
        desk.submit("coach", &missed, "utterance=1&kind=apology").await.status,
        422,
        "an agent's kind"
    );
    assert_eq!(desk.submit("coach", &missed, "utterance=7&kind=distrust").await.status, 404);

    let rules = desk.ask("coach", "GET", "/api/v1/rules/precision", None).await.json();
    let shares: Vec<(&str, i64, i64)> = rules["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| {
            let count = |name: &str| rule[name].as_i64().unwrap();
            (rule["kind"].as_str().unwrap(), count("right"), count("wrong"))
        })
        .collect();
    assert_eq!(shares, [("concession_demand", 0, 1), ("legal_threat", 1, 0)]);
    let examples = desk.ask("coach", "GET", "/api/v1/rules/examples", None).await.body;
    let lines: Vec<&str> = examples.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            format!("customer\tcall\t{COURT}\tlegal_threat\tconcession_demand\tneg\tverdict").as_str(),
            "customer\tcall\tну вы даёте конечно\tdistrust\tdistrust\tpos\tverdict",
        ]
    );

    let back = json!({"utterance": 0, "number": 0, "verdict": null});
    assert_eq!(desk.ask("coach", "POST", &path, Some(back)).await.status, 200);
    assert_eq!(desk.submit("coach", &missed, "utterance=1&kind=distrust&back=true").await.status, 303);
    let examples = desk.ask("coach", "GET", "/api/v1/rules/examples", None).await.body;
    assert_eq!(examples.lines().count(), 2, "{examples}");
}
