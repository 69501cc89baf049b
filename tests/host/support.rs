//! What `mercato support` and `mercato bench intents` promise on the command line.

use crate::command::{is_refused, mercato, succeeds};

/// Questions of a small trade, in the columns of BANKING77.
fn questions() -> String {
    let mut file = "text,category\n".to_owned();
    for n in 0..12 {
        file += &format!("where is my card number {n},card\n");
        file += &format!("\"my money is gone, {n} pounds\",money\n");
        file += &format!("sing me song {n},oos\n");
    }
    file
}

/// Catches: a model that is not the one that was trained, one that overwrites another, and somebody's
/// address on the screen.
#[test]
fn a_model_is_trained_once_and_classifies_what_it_is_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, model) = (folder.path().join("q.csv"), folder.path().join("q.model"));
    std::fs::write(&data, questions()).expect("a file");
    let train = || {
        let mut command = mercato();
        command.args(["support", "train", "--data"]).arg(&data);
        command.arg("--out").arg(&model);
        command
    };
    let told = succeeds(&mut train());
    assert!(told.contains("3 labels"), "{told}");
    assert!(is_refused(&mut train()).contains("name another file"));
    let classified = succeeds(
        mercato()
            .args(["support", "classify", "--model"])
            .arg(&model)
            .args(["is my card here", "money of ada@example.org", "注文"]),
    );
    let lines: Vec<&str> = classified.lines().collect();
    assert!(lines[0].starts_with("card\t"), "{classified}");
    assert!(
        lines[1].starts_with("money\t") && lines[1].ends_with("money of [email]"),
        "{classified}"
    );
    assert_eq!(lines[2], "oos\t0.000\t注文");
    // Without a model it is what the shop itself goes by.
    let carried = succeeds(mercato().args(["support", "classify", "where is my order?"]));
    assert!(carried.starts_with("order-status\t"), "{carried}");
}

/// Catches: a file that cannot be learnt from or is no model, and an error that does not say so.
#[test]
fn what_cannot_be_learnt_from_is_refused_with_a_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("q.csv");
    let out = folder.path().join("q.model");
    let cases = [
        ("", "names no column for texts"),
        ("text,intent\n", "0 texts of 0 labels"),
        ("text,intent\nhello,a\nhi,a\n", "2 texts of 1 labels"),
        (
            "text,intent\nhello,a\nbroken\n,b\n",
            "line 3 (no label), line 4 (no text)",
        ),
        ("question,answer\nhello,a\n", "intent, label, category"),
    ];
    for (file, expected) in cases {
        std::fs::write(&data, file).expect("a file");
        let train = ["support", "train", "--out"];
        let refused = is_refused(mercato().args(train).arg(&out).arg("--data").arg(&data));
        assert!(
            refused.contains(expected) && refused.contains("q.csv"),
            "{refused}"
        );
        assert!(!out.exists(), "nothing is left behind");
    }
    let classify = ["support", "classify", "hello", "--model"];
    let refused = is_refused(mercato().args(classify).arg(&data));
    assert!(refused.contains("no intent model"), "{refused}");
    let refused = is_refused(mercato().args(classify).arg(folder.path().join("none")));
    assert!(refused.contains("none"), "{refused}");
}

/// Catches: a table without ours or without the others, and a set that is left out without a word.
#[test]
fn intents_are_held_beside_others_and_what_is_missing_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = |folder: &std::path::Path| {
        let mut command = mercato();
        command.args(["bench", "intents", "--data"]).arg(folder);
        command
    };
    let refused = is_refused(&mut bench(folder.path()));
    assert!(refused.contains("banking77_train.csv"), "{refused}");
    let sets = folder.path().join("intents");
    std::fs::create_dir(&sets).expect("a folder");
    let in_scope: String = questions()
        .split_inclusive('\n')
        .filter(|line| !line.contains("oos"))
        .collect();
    for part in ["train", "test"] {
        let file = sets.join(format!("banking77_{part}.csv"));
        std::fs::write(file, &in_scope).expect("a file");
    }
    let report = succeeds(&mut bench(folder.path()));
    for row in [
        "| Mercato",
        "LinearSVC",
        "skipped: CLINC150",
        "skipped: Bitext",
    ] {
        assert!(report.contains(row), "{row} in\n{report}");
    }
}
