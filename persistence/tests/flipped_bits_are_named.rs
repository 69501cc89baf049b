//! A bit that flips in a closed file is either without effect or reported, and no reader is ever
//! given what was not written.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::common::{commanded, incarnation, log, open, settle, snapshot};
use mercato_persistence::{Journal, Position, Recorded, Snapshot, verify};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const FLIPS: u64 = 150;

#[derive(Debug, PartialEq)]
struct Told {
    log: Vec<Arc<Recorded>>,
    stream: Vec<Arc<Recorded>>,
    snapshot: Option<Snapshot>,
    cursor: Position,
}

/// What the journal tells, or `None` where it reports damage.
fn told(path: &Path) -> Option<Told> {
    incarnation(async {
        let journal = open(path).ok()?;
        Some(Told {
            log: journal.read(Position::START, usize::MAX).ok()?,
            stream: journal.read_stream("s1", 0).ok()?,
            snapshot: journal.snapshot("s1").ok()?,
            cursor: journal.cursor("mailer"),
        })
    })
}

fn written(path: &Path) -> Told {
    incarnation(async {
        let journal = open(path).expect("a journal");
        for n in 0..60u64 {
            let version = n / 3;
            let last = settle(
                &journal,
                commanded(&format!("s{}", n % 3), version, n.into()),
            )
            .await;
            if n == 40 {
                journal.offer_snapshot(snapshot("s1", version + 1, last));
                journal.set_cursor("mailer", last, last);
            }
        }
        journal.close().await.expect("a good disk");
        assert_eq!(log(&journal).len(), 60);
    });
    told(path).expect("a sound journal")
}

/// The `n`-th flip: a bit of a byte that holds something, or of any byte, in turns.
fn flip(sound: &[u8], n: u64) -> (usize, u8) {
    let draw = |salt: &[u8], below: usize| {
        let below = u64::try_from(below).expect("a small number");
        usize::try_from(xxh3_64_with_seed(salt, n) % below).expect("a small number")
    };
    let start = draw(b"byte", sound.len());
    let held = (start..sound.len()).find(|at| n.is_multiple_of(2) && sound[*at] != 0);
    (held.unwrap_or(start), 1 << draw(b"bit", 8))
}

#[test]
fn no_flipped_bit_of_a_closed_file_changes_what_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, copy) = (folder.path().join("sound"), folder.path().join("damaged"));
    let written = written(&path);
    let sound = fs::read(&path).expect("a file");

    let (mut reported, mut without_effect, mut placed) = (0, 0, 0);
    for n in 0..FLIPS {
        let (at, bit) = flip(&sound, n);
        let mut damaged = sound.clone();
        damaged[at] ^= bit;
        let flipped = || format!("flip {n}: bit {bit:#04x} of byte {at}");

        fs::write(&copy, &damaged).expect("a file");
        let found = verify(&copy, |record| {
            let index = usize::try_from(record.position.get() - 1).expect("a small number");
            assert_eq!(
                written.log.get(index).map(|it| &**it),
                Some(record),
                "{}",
                flipped()
            );
        });
        fs::write(&copy, &damaged).expect("a file");
        match told(&copy) {
            Some(told) => {
                assert_eq!(told, written, "{}", flipped());
                assert!(found.is_ok_and(|report| report.is_sound()), "{}", flipped());
                without_effect += 1;
            }
            None => {
                let problems =
                    found.map_or_else(|error| vec![error.to_string()], |report| report.problems);
                assert!(!problems.is_empty(), "{}", flipped());
                let (file, place) = (copy.display().to_string(), "position ");
                assert!(problems[0].contains(&file), "{}: {problems:?}", flipped());
                placed += u32::from(problems.iter().any(|problem| problem.contains(place)));
                reported += 1;
            }
        }
    }
    // Half of so small a file are records, and a bit of one is named by the record's place.
    assert!(3 * placed > reported, "{placed} of {reported}");
    // Free pages and slack make up much of a small file; still, both must have been seen.
    assert!(
        reported > 0 && without_effect > 0,
        "{reported} and {without_effect}"
    );
}
