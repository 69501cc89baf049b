//! What the journal and the vault promise, a file for each promise.
#![allow(
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and is one crate"
)]

mod common;

mod acknowledged_only_when_durable;
mod acknowledged_survives_reopening;
mod any_history_reads_back;
mod appends_take_their_places;
mod backups_are_verified_prefixes;
mod bad_files_are_refused;
mod creation_is_atomic;
mod disk_comes_back;
mod erased_persons_stay_erased;
mod exports_come_back;
mod failing_disk_stops_the_journal;
mod flipped_bits_are_named;
mod kill_nine;
mod nothing_precedes_its_cause;
mod only_what_is_durable_is_shown;
mod power_cuts;
mod sealed_opens_for_its_person_only;
mod slow_subscribers;
mod tools_count_and_compact;
mod tools_refuse;
mod verify_names_every_problem;
