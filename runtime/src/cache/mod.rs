//! Caches: what was answered before, as long as it is true.
//!
//! A [`Cache`] is bounded in bytes, forgets by the runtime's clock, loads what is missing once for
//! all who ask at the same time, and is told by events what is no longer true. [`Caches`] holds those
//! of one runtime, and [`Handle::ask_cached`](crate::Handle::ask_cached) asks agents through one.
//!
//! What is evicted is chosen by the crate `quick_cache` (Clock-PRO with S3-FIFO's small queue for
//! newcomers; Jiang, Chen and Zhang 2005, Yang and others 2023), which withstands scans where a list
//! of least recent use does not. It was taken before `moka` because it has neither a clock nor a
//! thread of its own, and takes its hasher from us: under one seed it evicts the same. Time to live,
//! single flight, tags and counts are ours.
//!
//! # How fresh
//!
//! Events invalidate when they are durable. A read through [`Caches::caught_up`] waits until every
//! event that was durable when it began has been seen, so that whoever was told that something has
//! happened does not read what was before. An answer that began to be loaded before an event that
//! concerns it is given to those who asked for it by then, and not kept.

mod ask;
mod caches;
mod entry;
mod feed;
mod flight;
mod load;
mod settings;
mod stats;
mod store;
mod tag;

pub use caches::{AGENT_RESPONSES, Caches, KNOWLEDGE_BASE, STORE_READS};
pub use flight::LoadError;
pub use settings::{CacheProblem, CacheSettings, CachesSettings, InvalidCaches};
pub use stats::CacheStats;
pub use store::Cache;
pub use tag::Tag;

pub(crate) use feed::follow;
