//! Secrets are referred to, and shown nowhere. And a configuration of one's own, of any sections.

use mercato::config::{
    Configuration, SecretError, SecretSource, Sources, described, load, reference,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How payments are reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Payments {
    /// The key of the account.
    key: SecretSource,
    /// How many connections there are.
    #[schemars(range(min = 1, max = 10))]
    connections: u32,
}

impl Default for Payments {
    fn default() -> Self {
        Self {
            key: SecretSource::Env("PAYMENTS_KEY".into()),
            connections: 2,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Mine {
    payments: Payments,
}

impl Configuration for Mine {}

/// Catches: a secret that is written into the file by mistake, and comes out in a message.
#[test]
fn a_secret_that_was_written_by_mistake_is_not_repeated() {
    const SECRET: &str = "sk_live_4242";
    for text in [
        "payments.key = \"sk_live_4242\"",
        "payments.key = [\"sk_live_4242\"]",
        "payments.key = { env = \"A\", file = \"sk_live_4242\" }",
        "payments.key = { value = \"sk_live_4242\" }",
        "payments.secret = \"sk_live_4242\"",
        "payments.key.env = [\"sk_live_4242\"]",
    ] {
        let refused = load::<Mine>(&Sources::text("mine.toml", text));
        let refused = refused.expect_err("it is refused").to_string();
        assert!(refused.contains("mine.toml:1:"), "{refused}");
        assert!(!refused.contains(SECRET), "{refused}");
    }
    let variable = ("MERCATO__PAYMENTS__KEY".to_owned(), SECRET.to_owned());
    let refused = load::<Mine>(&Sources::nothing().with_environment([variable]));
    let refused = refused.expect_err("it is refused").to_string();
    assert!(!refused.contains(SECRET), "{refused}");
}

/// Catches: a reference that is resolved when it is read, and so shown.
#[test]
fn what_is_shown_is_the_reference() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    std::fs::write(&path, "sk_live_4242\n").expect("a file");
    let text = format!("payments.key = {{ file = {path:?} }}");
    let loaded = load::<Mine>(&Sources::text("mine.toml", text)).expect("it is read");
    let secret = loaded
        .config
        .payments
        .key
        .resolve(|_| None)
        .expect("it is there");
    assert_eq!(secret.expose(), "sk_live_4242");
    for shown in [
        loaded.show(),
        format!("{loaded:?}"),
        format!("{secret:?}"),
        reference::<Mine>(),
    ] {
        assert!(!shown.contains("sk_live_4242"), "{shown}");
    }
    let again = load::<Mine>(&Sources::text("shown.toml", loaded.show())).expect("it is read");
    assert_eq!(again.config, loaded.config);
}

/// Catches: a secret that is not there and passes as an empty one.
#[test]
fn a_secret_that_is_not_there_is_an_error() {
    let unset = SecretSource::Env("PAYMENTS_KEY".into());
    assert!(matches!(
        unset.resolve(|_| None),
        Err(SecretError::Unset(_))
    ));
    assert!(matches!(
        unset.resolve(|_| Some(String::new())),
        Err(SecretError::Unset(_))
    ));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    for bytes in [&b""[..], b"\n", b"\xff\xfe", &vec![b'a'; 70_000]] {
        std::fs::write(&path, bytes).expect("a file");
        let refused = SecretSource::File(path.clone()).resolve(|_| None);
        assert!(matches!(refused, Err(SecretError::File { .. })));
    }
    assert!(
        SecretSource::File(folder.path().join("none"))
            .resolve(|_| None)
            .is_err()
    );
}

/// Catches: machinery that knows the shop's sections only.
#[test]
fn a_configuration_of_ones_own_is_described_like_the_shops() {
    let keys: Vec<_> = described::<Mine>()
        .iter()
        .map(|it| it.key.to_string())
        .collect();
    assert_eq!(
        keys,
        [
            "payments.connections",
            "payments.key.env",
            "payments.key.file"
        ]
    );
    let reference = reference::<Mine>();
    assert!(
        reference.contains("A whole number, 1 to 10; default 2."),
        "{reference}"
    );
}
