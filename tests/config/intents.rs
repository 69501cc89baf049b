//! A shop's own intent model is a file that the configuration names.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mercato::actors::intents::{IntentModel, Labelled, MODEL_BYTES_MAX, TrainOptions, train};
use mercato::actors::{
    Catalogue, Currency, Intent, KnowledgeBase, Money, Product, ShopConfig, Sku, SupportAgent,
};
use mercato::config::{Key, Live, Loaded, Origin, Sources, load};
use tempfile::TempDir;

use super::round_trip::shown_reads_as_the_same;
use super::{is_read, lines, read, read_under};

/// What the carried questions know nothing of, and take for something about a product.
const QUESTION: &str = "zorp the gliff";

/// A model that takes the question for this label.
fn model(label: &str) -> IntentModel {
    let numbered = |text: &str, label: &str, n| Labelled {
        text: format!("{text} {n}"),
        label: label.into(),
    };
    let examples: Vec<_> = (0..12)
        .flat_map(|n| {
            let of_others = numbered("has my parcel left", "order-status", n);
            [numbered(QUESTION, label, n), of_others]
        })
        .collect();
    train(&examples, TrainOptions::SMALL).expect("two labels")
}

/// Models by the names of their files, in a folder.
fn files<const N: usize>(files: [(&str, &[u8]); N]) -> (TempDir, [PathBuf; N]) {
    let folder = tempfile::tempdir().expect("a folder");
    let paths = files.map(|(name, bytes)| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    });
    (folder, paths)
}

fn naming(path: &Path) -> String {
    format!("[shop.support]\nintent_model = '{}'\n", path.display())
}

/// What the agent that goes by a configuration takes the question for.
fn taken_for(loaded: &Loaded<ShopConfig>) -> Option<Intent> {
    let settings = loaded.config.shop.support.clone();
    let mug = Product {
        sku: Sku::new("MUG-1").expect("a sku"),
        name: "mug".into(),
        description: "".into(),
        category: "kitchen".into(),
        base_price: Money::new(450, Currency::GBP),
        cost: Money::new(200, Currency::GBP),
    };
    let catalogue = Arc::new(Catalogue::new([mug]).expect("a catalogue"));
    let agent = SupportAgent::new(KnowledgeBase::default(), catalogue).with_settings(settings);
    agent.classify(QUESTION).intent
}

/// Catches: a model that is checked and then not used, an environment that does not go before the
/// file, and a name that is shown in a form that is not read.
#[test]
fn the_agent_goes_by_the_model_that_is_named() {
    let complaints = model("complaint").to_bytes();
    let refunds = model("return-or-refund").to_bytes();
    let (_folder, [complaints, refunds]) = files([("c.model", &complaints), ("r.model", &refunds)]);
    let by_carried_questions = taken_for(&is_read(""));
    let loaded = is_read(&naming(&complaints));
    assert_eq!(taken_for(&loaded), Some(Intent::Complaint));
    assert_eq!(loaded.said(), (1, 0));
    shown_reads_as_the_same(&loaded);

    let name = refunds.display().to_string();
    let variable = ("MERCATO__SHOP__SUPPORT__INTENT_MODEL", &*name);
    let over = read_under(&naming(&complaints), &[variable]).expect("it is read");
    assert_eq!(taken_for(&over), Some(Intent::ReturnOrRefund));
    let origin = over.origin(&Key::dotted("shop.support.intent_model"));
    assert!(matches!(origin, Origin::Environment { .. }), "{origin}");
    let none = ("MERCATO__SHOP__SUPPORT__INTENT_MODEL", "none");
    let without = read_under(&naming(&complaints), &[none]).expect("it is read");
    assert_eq!(taken_for(&without), by_carried_questions);
    assert_ne!(by_carried_questions, Some(Intent::Complaint));
}

/// Catches: a file that stops the shop at its first question, one that is read whatever its size, an
/// error without key, file or remedy, and one that hides the other mistakes.
#[test]
fn a_file_that_is_no_model_is_refused_by_key_and_name_with_a_remedy() {
    let good = model("complaint").to_bytes();
    let mut newer = good.clone();
    newer[8] = 9;
    let of_another_trade = model("lost_card").to_bytes();
    let (folder, _) = files([
        ("cut.model", &good[..good.len() / 2]),
        ("empty.model", b""),
        ("newer.model", &newer),
        ("questions.csv", b"text,intent\nhello,person\n"),
        ("cards.model", &of_another_trade),
    ]);
    let huge = std::fs::File::create_new(folder.path().join("huge.model")).expect("a file");
    huge.set_len(MODEL_BYTES_MAX as u64 + 1).expect("a hole");
    std::fs::create_dir(folder.path().join("folder.model")).expect("a folder");
    let cases = [
        (
            "missing.model",
            "No such file",
            "name a file that `mercato support train` wrote",
        ),
        (
            "folder.model",
            "no plain file",
            "name a file that `mercato support train` wrote",
        ),
        (
            "empty.model",
            "no intent model",
            "train one with `mercato support train`",
        ),
        (
            "questions.csv",
            "no intent model",
            "train one with `mercato support train`",
        ),
        ("newer.model", "layout 9", "train it anew with this program"),
        ("cut.model", "is damaged", "copy it again or train it anew"),
        (
            "huge.model",
            "268435457 bytes",
            "train one with `mercato support train`",
        ),
        (
            "cards.model",
            "knows `lost_card`",
            "label texts product-info, order-status",
        ),
    ];
    for (name, what, remedy) in cases {
        let path = folder.path().join(name);
        let told = lines(read(&format!("{}confidence_min = 7\n", naming(&path))));
        let of_model = format!(
            "shop.toml:2:1: shop.support.intent_model cannot be used: {}: ",
            path.display()
        );
        let fits = told[0].starts_with(&of_model) && told[0].contains(what);
        assert!(fits && told[0].contains(remedy), "{name}: {told:?}");
        assert!(told[1].starts_with("shop.toml:3:18: shop.support.confidence_min is 7"));
        assert_eq!(told.len(), 2, "{told:?}");
    }
}

/// Catches: a reload that says it put another model in force, where the agent goes on by the first.
#[test]
fn another_model_needs_a_restart_and_a_bad_one_is_refused_then_too() {
    let bytes = model("complaint").to_bytes();
    let (_folder, [first, second, bad]) =
        files([("1.model", &bytes), ("2.model", &bytes), ("3.model", b"?")]);
    let text = |path: &Path| Sources::text("shop.toml", naming(path));
    let loaded = load::<ShopConfig>(&text(&first)).expect("it is read");
    let seconds = std::sync::atomic::AtomicU64::new(0);
    let clock = move || {
        let now = seconds.fetch_add(2, std::sync::atomic::Ordering::Relaxed);
        Duration::from_secs(now)
    };
    let live = Live::new(loaded, clock, |_| Ok(()));
    assert_eq!(live.reload(&text(&first)).expect("the same"), []);
    let refused = live.reload(&text(&second)).expect_err("a restart");
    let keys: Vec<_> = refused.restart().map(ToString::to_string).collect();
    assert_eq!(keys, ["shop.support.intent_model"]);
    let told = refused.to_string();
    assert!(
        told.contains("2.model\" (shop.toml:2:1), needs a restart"),
        "{told}"
    );
    let refused = live.reload(&text(&bad)).expect_err("no model").to_string();
    assert!(
        refused.contains("3.model: this is no intent model"),
        "{refused}"
    );
}
