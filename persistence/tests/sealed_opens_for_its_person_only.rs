//! What is sealed for a person opens under that person's key, as what it was, and in no other way.

use mercato_persistence::{PersonId, Personal, SealError, Unreadable, Vault, WriteAhead, codec};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(11)
}

fn person(id: &str) -> PersonId {
    PersonId::new(id).expect("a pseudonym")
}

fn vault() -> Vault {
    Vault::in_memory().expect("memory")
}

fn sealed(vault: &Vault, whose: &str, text: &str) -> Personal<String> {
    let sealed = vault.seal(&person(whose), &text.to_owned(), &mut rng());
    sealed.expect("it seals")
}

fn damaged(whose: &str) -> Result<String, Unreadable> {
    let person = person(whose);
    Err(Unreadable::Damaged { person })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Catches: a value that comes back changed, from memory or from either stored form; and a
    /// vault that knows its keys only until it is opened again.
    #[test]
    fn any_value_comes_back(
        texts in prop::collection::vec(("[a-c]", ".{0,80}", prop::num::i64::ANY), 1..8),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        let vault = Vault::open(&path).expect("a new vault");
        let seal = |vault: &Vault, (who, text, number): &(String, String, i64)| {
            let value = (text.clone(), *number);
            vault.seal(&person(who), &value, &mut rng()).expect("it seals")
        };
        let before: Vec<_> = texts.iter().map(|text| seal(&vault, text)).collect();
        vault.flush().expect("a good disk");
        drop(vault);

        let vault = Vault::open(&path).expect("the same vault");
        for (sealed, text) in before.iter().zip(&texts) {
            prop_assert_eq!(sealed, &seal(&vault, text), "sealed anew, it is the same");
            let bytes = codec::encode(sealed).expect("a stored form");
            let compact: Personal<(String, i64)> = codec::decode(&bytes).expect("the same form");
            let readable = serde_json::to_string(sealed).expect("json");
            let readable: Personal<(String, i64)> = serde_json::from_str(&readable).expect("json");
            for form in [sealed, &compact, &readable] {
                prop_assert_eq!(&vault.unseal(form).expect("it opens"), &(text.1.clone(), text.2));
            }
        }
    }
}

/// Catches: one key for everybody, and a person that is not part of what is authenticated.
#[test]
fn what_is_given_to_another_person_is_damaged() {
    let vault = vault();
    let (ada, bob) = (
        sealed(&vault, "ada", "secret"),
        sealed(&vault, "bob", "secret"),
    );
    assert_ne!(
        serde_json::to_value(&ada).expect("json")["sealed"],
        serde_json::to_value(&bob).expect("json")["sealed"],
        "equal values of two persons cannot be compared"
    );
    let mut swapped = serde_json::to_value(&ada).expect("json");
    swapped["person"] = json!("bob");
    let swapped: Personal<String> = serde_json::from_value(swapped).expect("well-formed");
    assert_eq!(vault.unseal(&swapped), damaged("bob"));
}

/// Catches: a byte that nobody authenticates.
#[test]
fn every_flipped_bit_is_damage() {
    let vault = vault();
    let whole = sealed(&vault, "ada", "1 Hidden Lane");
    let json = serde_json::to_value(&whole).expect("json");
    let digits = json["sealed"].as_str().expect("hex").to_owned();
    assert_eq!(digits.len(), whole.sealed_bytes() * 2);
    for place in 0..digits.len() {
        for bit in [1, 2, 4, 8] {
            let mut flipped: Vec<char> = digits.chars().collect();
            let digit = flipped[place].to_digit(16).expect("hex") ^ bit;
            flipped[place] = char::from_digit(digit, 16).expect("hex");
            let flipped: String = flipped.into_iter().collect();
            let flipped: Personal<String> =
                serde_json::from_value(json!({ "person": "ada", "sealed": flipped }))
                    .expect("well-formed");
            assert_eq!(vault.unseal(&flipped), damaged("ada"), "digit {place}");
        }
    }
    for cut in [0, 2, 34, digits.len() - 2] {
        let cut: Personal<String> =
            serde_json::from_value(json!({ "person": "ada", "sealed": &digits[..cut] }))
                .expect("well-formed");
        assert_eq!(vault.unseal(&cut), damaged("ada"));
    }
}

/// Catches: a stored form that is taken for what it is not, and one without a bound.
#[test]
fn a_malformed_stored_form_is_refused() {
    let bad = [
        json!({ "person": "ada", "sealed": "0" }),
        json!({ "person": "ada", "sealed": "zz" }),
        json!({ "person": "", "sealed": "00" }),
        json!({ "person": "a".repeat(129), "sealed": "00" }),
        json!({ "person": "ada", "sealed": "00".repeat((1 << 20) + 100) }),
        json!({ "person": "ada" }),
    ];
    for bad in bad {
        let read: Result<Personal<String>, _> = serde_json::from_value::<Personal<String>>(bad);
        assert!(read.is_err());
    }
}

/// Catches: a value read as one of another type.
#[test]
fn another_type_is_damage() {
    let vault = vault();
    let text = serde_json::to_value(sealed(&vault, "ada", "a text")).expect("json");
    let number: Personal<(u64, u64)> = serde_json::from_value(text).expect("well-formed");
    let person = person("ada");
    assert_eq!(vault.unseal(&number), Err(Unreadable::Damaged { person }));
}

/// Catches: a journal whose file of keys was lost, told that everybody was erased.
#[test]
fn another_vault_has_no_key() {
    let text = sealed(&vault(), "ada", "a text");
    let person = person("ada");
    assert_eq!(vault().unseal(&text), Err(Unreadable::NoKey { person }));
}

/// Catches: a bound that is not kept, or that names the value.
#[test]
fn a_value_above_the_bound_is_refused() {
    let vault = vault();
    let largest = "x".repeat((1 << 20) - 5);
    assert_eq!(
        vault.unseal(&sealed(&vault, "ada", &largest)),
        Ok(largest.clone())
    );
    let refused = vault.seal(&person("ada"), &format!("{largest}x"), &mut rng());
    assert_eq!(
        refused,
        Err(SealError::TooLarge {
            bytes: (1 << 20) + 1
        })
    );
}

/// Catches: a sealed value, a vault or an error that shows what it guards.
#[test]
fn nothing_shows_in_debug_but_the_pseudonym() {
    let vault = vault();
    let text = sealed(&vault, "ada", "1 Hidden Lane");
    assert_eq!(format!("{text:?}"), "Personal(ada)");
    assert_eq!(format!("{vault:?}"), "Vault { path: None }");
    let bytes = codec::encode(&text).expect("a stored form");
    assert!(!bytes.windows(6).any(|window| window == b"Hidden"));
    let json: Value = serde_json::to_value(&text).expect("json");
    assert_eq!(json["person"], "ada");
}
