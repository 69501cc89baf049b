//! What stops a shard, a trigger or an entity is set aside, kept, and dealt with by a person; and
//! nothing else stops with it. Everything runs on a paused clock.

mod commands;
mod drawers;
mod entities;
mod retries;
mod triggers;
mod versions;
