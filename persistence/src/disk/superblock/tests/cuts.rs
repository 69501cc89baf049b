//! What power cuts and rot leave of a database on a superblock.

use super::*;

#[test]
fn a_database_reads_back_what_it_wrote() {
    let disk = created(1);
    for key in 1..20 {
        let db = open(&disk);
        commit(&db, key).expect("a sound disk");
        drop(db);
        assert_eq!(keys(&open(&disk)).len() as u64, key + 1);
    }
}

/// Catches: overwriting the durable header, trusting a torn one, and a header that points to data
/// which the same cut took away.
#[test]
fn a_cut_at_any_operation_in_any_mode_costs_nothing_acknowledged() {
    for operation in 1..=operations_of_a_life() {
        for (nth, mode) in CutMode::ALL
            .into_iter()
            .chain([CutMode::Garbage; 4])
            .enumerate()
        {
            let disk = created(operation * 100 + nth as u64);
            let operation = disk.operations() + operation;
            disk.inject(Fault::PowerCutAt { operation });
            let acknowledged = live(&disk);
            let context = format!("{mode:?} ({nth}) at operation {operation}");
            check_found(&disk.power_cycle(mode), acknowledged, &context);
        }
    }
}

/// The slot that was being written when the power failed may hold anything afterwards.
#[test]
fn the_older_slot_may_hold_anything() {
    let patterns: [&dyn Fn(usize) -> u8; 4] = [
        &|_| 0,
        &|_| 0xff,
        &|at| u8::try_from(at * 31 % 256).unwrap_or(0),
        &|at| if at < 300 { b'm' } else { 0 },
    ];
    for operation in 1..=operations_of_a_life() {
        for (nth, pattern) in patterns.iter().enumerate() {
            let disk = created(operation);
            let operation = disk.operations() + operation;
            disk.inject(Fault::PowerCutAt { operation });
            let acknowledged = live(&disk);
            let found = disk.power_cycle(CutMode::DropAll);
            let garbage: Vec<u8> = (0..4096).map(pattern).collect();
            let older = newest(&found).other();
            found.write(older.offset(), &garbage).expect("it has power");
            let context = format!("pattern {nth} at operation {operation}");
            check_found(&found, acknowledged, &context);
        }
    }
}

/// Catches: a commit that is lost to one bad sector under the newest header, which the header
/// before it would hide.
#[test]
fn no_flipped_bit_in_any_frame_brings_back_an_older_header() {
    let disk = created(3);
    let db = open(&disk);
    commit(&db, 1).expect("a sound disk");
    let found = disk.power_cycle(CutMode::DropAll);
    drop(db);
    let image = Header::read(&found).expect("a sound superblock").image;
    for offset in [Slot::A, Slot::B].into_iter().flat_map(Slot::frames) {
        for bit in offset * 8..(offset + FRAME_BYTES as u64) * 8 {
            assert!(found.flip(bit));
            let read = Header::read(&found)
                .unwrap_or_else(|error| panic!("bit {bit} costs the file: {error}"));
            assert!(read.image == image, "bit {bit} brings back an older header");
            // Opening the database changes the disk, so it is a copy that is opened.
            if bit % 997 == 0 {
                let copy = SimulatedDisk::new(bit);
                let mut bytes =
                    vec![0; usize::try_from(found.len().expect("power")).expect("small")];
                found.read(0, &mut bytes).expect("power");
                copy.write(0, &bytes).expect("power");
                copy.sync_data().expect("power");
                check_found(&copy, 1, &format!("bit {bit}"));
            }
            assert!(found.flip(bit));
        }
    }
}
