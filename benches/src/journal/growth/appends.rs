//! Writers over many streams. They keep count of what they wrote and nothing else, so that the
//! memory that is measured is the journal's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::clock::now;
use crate::error::AnyError;
use crate::journal::contest::Log;
use crate::journal::workload::{Entry, Payloads, Stream};

/// How events spread over streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spread {
    /// Over [`FEW_STREAMS`], drawn uniformly.
    FewStreams,
    /// Over ever more: each stream gets [`EVENTS_A_STREAM`] and is done.
    NewStreams,
}

/// How many streams few are.
const FEW_STREAMS: u32 = 10_000;
/// How many events a stream gets where streams are ever new.
const EVENTS_A_STREAM: u64 = 10;

/// One writer, and the streams that are its own.
#[derive(Debug)]
pub(crate) struct Grower {
    number: u32,
    spread: Spread,
    streams: Vec<Stream>,
    written: u64,
    payloads: Payloads,
}

fn stream(writer: u32, nth: u64) -> Stream {
    Stream::new(format!("stock/{writer}-{nth}"))
}

/// So many writers, which divide the streams among themselves.
pub(crate) fn growers(writers: u32, spread: Spread) -> Vec<Grower> {
    let payloads = Payloads::new();
    let streams = |number| match spread {
        Spread::FewStreams => FEW_STREAMS / writers + u32::from(number < FEW_STREAMS % writers),
        Spread::NewStreams => 1,
    };
    (0..writers)
        .map(|number| Grower {
            number,
            spread,
            streams: (0..streams(number))
                .map(|nth| stream(number, nth.into()))
                .collect(),
            written: 0,
            payloads: payloads.clone(),
        })
        .collect()
}

impl Grower {
    /// What it appends next.
    fn next(&mut self) -> Entry<'_> {
        let nth = self.written;
        self.written += 1;
        let drawn = xxh3_64_with_seed(&nth.to_le_bytes(), self.number.into());
        let at = usize::try_from(drawn % self.streams.len() as u64).unwrap_or(0);
        let of_one = &mut self.streams[at];
        if self.spread == Spread::NewStreams && of_one.version() == EVENTS_A_STREAM {
            *of_one = stream(self.number, nth);
        }
        of_one.next(self.number, nth, &self.payloads)
    }
}

/// A log, its writers, and how many events they have written.
pub(crate) struct Growing<L> {
    log: Arc<L>,
    growers: Vec<Grower>,
    pub(crate) events: u64,
}

impl<L: Log> Growing<L> {
    pub(crate) fn new(log: L, growers: Vec<Grower>) -> Self {
        Self {
            log: Arc::new(log),
            growers,
            events: 0,
        }
    }

    pub(crate) async fn close(self) -> Result<(), AnyError> {
        let log = Arc::into_inner(self.log).ok_or("a writer still holds the log")?;
        log.close().await
    }

    /// Lets every writer append until its own `until` says that it is done.
    async fn append_until(&mut self, until: impl Fn(usize) -> Until) -> Result<(), AnyError> {
        let tasks = self.growers.drain(..).enumerate().map(|(at, mut grower)| {
            let (log, until) = (self.log.clone(), until(at));
            tokio::spawn(async move {
                let before = grower.written;
                while !until.is_reached(grower.written - before) {
                    log.append(grower.next()).await?;
                }
                Ok::<_, AnyError>((grower.written - before, grower))
            })
        });
        let done = join_all(tasks.collect::<Vec<_>>()).await;
        for of_one in done {
            let (written, grower) = of_one??;
            self.events += written;
            self.growers.push(grower);
        }
        Ok(())
    }
}

/// When a writer is done: whichever comes first.
#[derive(Debug, Clone, Copy)]
struct Until {
    events: u64,
    end: Option<Instant>,
}

impl Until {
    fn is_reached(self, written: u64) -> bool {
        written >= self.events || self.end.is_some_and(|end| now() >= end)
    }
}

/// Appends so many events, or as many as can be until `end`.
pub(crate) async fn append_so_many(
    growing: &mut Growing<impl Log>,
    events: u64,
    end: Option<Instant>,
) -> Result<(), AnyError> {
    let writers = growing.growers.len() as u64;
    let share = |at: usize| events / writers + u64::from((at as u64) < events % writers);
    let until = |at| Until {
        events: share(at),
        end,
    };
    growing.append_until(until).await
}

/// Appends for a while, and gives the events a second.
pub(crate) async fn append_for(
    growing: &mut Growing<impl Log>,
    window: Duration,
) -> Result<f64, AnyError> {
    let (start, before) = (now(), growing.events);
    let until = Until {
        events: u64::MAX,
        end: Some(start + window),
    };
    growing.append_until(|_| until).await?;
    let seconds = start.elapsed().as_secs_f64();
    Ok((growing.events - before) as f64 / seconds)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn versions(spread: Spread, writers: u32, appends: u64) -> BTreeMap<Arc<str>, u64> {
        let mut versions = BTreeMap::new();
        for mut grower in growers(writers, spread) {
            for _ in 0..appends {
                let entry = grower.next();
                let known = versions.entry(entry.stream.clone()).or_insert(0);
                assert_eq!(entry.version, *known, "{}", entry.stream);
                *known += 1;
            }
        }
        versions
    }

    /// Catches: two writers that share a stream, a version that is left out, and streams that are
    /// not as many as is said.
    #[test]
    fn streams_are_as_many_as_is_said_and_have_no_gaps() {
        let few = versions(Spread::FewStreams, 999, 200);
        assert_eq!(few.len(), 10_000);
        let most = few.values().max().copied().unwrap_or(0);
        assert!((20..60).contains(&most), "drawn uniformly: {most}");

        let ever_new = versions(Spread::NewStreams, 10, 200);
        assert_eq!(ever_new.len(), 200);
        assert!(ever_new.values().all(|events| *events == EVENTS_A_STREAM));
    }
}
