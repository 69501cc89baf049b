//! Cuts an erasure off before each of its steps.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::{PersonId, Personal, Unreadable, Vault, WriteAhead};

fn person(number: u64) -> PersonId {
    PersonId::new(format!("person-{number}")).unwrap()
}

fn key_of(number: u64) -> [u8; 64] {
    let mut key = [0; 64];
    ChaCha20Rng::seed_from_u64(number).fill_bytes(&mut key);
    key
}

/// A copy of the folder's files: what a crash at this moment leaves.
fn photograph(folder: &Path, into: &Path) {
    fs::create_dir(into).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), into.join(entry.file_name())).unwrap();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What is left when an erasure of person 1 is cut off before each of its steps, and in the middle
/// of the last one.
fn cuts(root: &Path) -> (Vec<PathBuf>, Vec<Personal<u64>>) {
    let folder = root.join("life");
    fs::create_dir(&folder).unwrap();
    let vault = Vault::open(folder.join("keys")).unwrap();
    let seal = |number: u64| {
        let mut rng = ChaCha20Rng::seed_from_u64(number);
        vault.seal(&person(number), &number, &mut rng).unwrap()
    };
    let sealed = (0..20).map(seal).collect();
    vault.flush().unwrap();
    let photographs = RefCell::new(Vec::new());
    let watch = || {
        let mut photographs = photographs.borrow_mut();
        let into = root.join(format!("cut-{}", photographs.len()));
        photograph(&folder, &into);
        photographs.push(into);
    };
    vault.erase_watched(&[person(1)], &watch).unwrap();
    watch();
    let mut cuts = photographs.into_inner();

    let half_wiped = root.join("half-wiped");
    photograph(&cuts[cuts.len() - 2], &half_wiped);
    let wipe = half_wiped.join("keys.wipe");
    let mut bytes = fs::read(&wipe).unwrap();
    let half = bytes.len() / 2;
    bytes[..half].fill(0);
    fs::write(&wipe, bytes).unwrap();
    cuts.push(half_wiped);

    let half_written = root.join("half-written");
    photograph(&cuts[1], &half_written);
    fs::write(half_written.join("keys.next"), key_of(3)).unwrap();
    cuts.push(half_written);
    (cuts, sealed)
}

/// Catches: a step after which a crash loses a neighbour's key, brings the erased one's back, or
/// leaves a file behind that holds it.
#[test]
fn an_erasure_that_is_cut_off_is_done_or_not_begun() {
    let root = tempfile::tempdir().unwrap();
    let (cuts, sealed) = cuts(root.path());
    let mut outcomes = Vec::new();
    for cut in &cuts {
        let before = names(cut);
        let vault = Vault::open(cut.join("keys")).unwrap();
        assert_eq!(names(cut), ["keys"], "{before:?}");
        for (number, sealed) in (0..).zip(&sealed) {
            if number != 1 {
                assert_eq!(vault.unseal(sealed), Ok(number), "{before:?}");
            }
        }
        let bytes = fs::read(cut.join("keys")).unwrap();
        let lies_there = bytes.windows(64).any(|at| at == key_of(1));
        let erased = match vault.unseal(&sealed[1]) {
            Ok(1) => false,
            Err(Unreadable::Erased { .. }) => true,
            other => panic!("{other:?} after {before:?}"),
        };
        assert_eq!(lies_there, !erased, "{before:?}");
        outcomes.push((before.join(" "), erased));
        // And it can be done again, or once more.
        vault.erase(&[person(1)]).unwrap();
        let bytes = fs::read(cut.join("keys")).unwrap();
        assert!(!bytes.windows(64).any(|at| at == key_of(1)), "{before:?}");
    }
    let outcomes: Vec<_> = outcomes
        .iter()
        .map(|(files, erased)| (files.as_str(), *erased))
        .collect();
    let expected = [
        ("keys", false),
        ("keys keys.next", false),
        ("keys keys.next", false),
        ("keys.next keys.wipe", true),
        ("keys keys.wipe", true),
        ("keys", true),
        ("keys keys.wipe", true),
        ("keys keys.next", false),
    ];
    assert_eq!(outcomes, expected);
}
