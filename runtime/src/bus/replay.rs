//! Reading a range of the journal again, with no cursor.

use std::collections::VecDeque;
use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use mercato_persistence::Position;

use super::delivery::{BusEvent, Delivery};
use super::error::BusError;
use super::filter::{Filter, Filters};
use super::registry::Bus;
use crate::core::Core;
use crate::error::AskFailure;

/// How many records one read takes at most.
const READ_MAX: usize = 128;
/// How long it waits before it reads anew from a disk that failed.
const PAUSE: Duration = Duration::from_millis(50);

/// The events of a range, in the order of the journal. It moves no cursor and knows no failure:
/// whoever reads it decides what to do about an event.
pub struct Replay {
    core: Arc<Core>,
    filters: Filters,
    read: Position,
    last: Position,
    /// What is left of the last chunk.
    waiting: VecDeque<Arc<BusEvent>>,
}

impl Bus {
    /// The durable events of a range of positions that pass one of the filters; all of them where
    /// there is none. Without an end it ends where the journal does now.
    ///
    /// ```
    /// # use mercato_runtime::{Bus, BusError, DeliveryError, Filter};
    /// # use mercato_runtime::persistence::Position;
    /// # async fn rebuild(bus: Bus) -> Result<(), BusError> {
    /// let only = [Filter::everything().agent("order")];
    /// let mut replay = bus.replay(only, ..=Position::new(1_000))?;
    /// while let Some(delivery) = replay.next().await? {
    ///     println!("{} {}", delivery.place(), delivery.name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where a filter names what there is not, or the journal is not that long.
    pub fn replay(
        &self,
        only: impl IntoIterator<Item = Filter>,
        range: impl RangeBounds<Position>,
    ) -> Result<Replay, BusError> {
        let filters = Filters::over(only.into_iter().collect(), &self.core.services)?;
        let before = |position: Position| Position::new(position.get().saturating_sub(1));
        let end = self.core.journal.durable();
        let read = match range.start_bound() {
            Bound::Included(first) => before(*first),
            Bound::Excluded(first) => *first,
            Bound::Unbounded => Position::START,
        };
        let last = match range.end_bound() {
            Bound::Included(last) => *last,
            Bound::Excluded(last) => before(*last),
            Bound::Unbounded => end,
        };
        if last > end {
            let position = last;
            return Err(BusError::BeyondEnd { position, end });
        }
        Ok(Replay {
            core: self.core.clone(),
            filters,
            read,
            last,
            waiting: VecDeque::new(),
        })
    }
}

impl Replay {
    /// The last position of the range: whoever has read all of it goes on behind that.
    #[must_use]
    pub fn end(&self) -> Position {
        self.last
    }

    /// The next event; `None` at the end.
    ///
    /// # Errors
    /// When the journal cannot be read. While its disk is away this waits.
    pub async fn next(&mut self) -> Result<Option<Delivery>, BusError> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(Some(Delivery::new(event, 1)));
            }
            if self.read >= self.last {
                return Ok(None);
            }
            match self.core.journal.read(self.read, READ_MAX) {
                Ok(records) if records.is_empty() => return Ok(None),
                Ok(records) => {
                    for recorded in records {
                        self.read = recorded.position;
                        if self.read > self.last {
                            break;
                        }
                        let stream = &recorded.append.stream;
                        if let Some(agent) = self.filters.agent_of(stream) {
                            let wanted = |_, name: &str| self.filters.takes(stream, name);
                            self.waiting
                                .extend(BusEvent::chosen_of(&recorded, agent, wanted));
                        }
                    }
                    // A range with nothing in it must not keep others from their work.
                    tokio::task::yield_now().await;
                }
                Err(error) if error.is_away() => {
                    let back = self.core.journal.until_writable().await;
                    back.map_err(AskFailure::read_only)?;
                    // One that takes writes and gives no reads must not keep this spinning.
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(AskFailure::unreadable(error).into()),
            }
        }
    }

    /// The same as a stream, which ends after an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Delivery, BusError>> + Send {
        futures::stream::try_unfold(self, async |mut this| {
            let next = this.next().await?;
            Ok(next.map(|delivery| (delivery, this)))
        })
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replay({} to {})", self.read, self.last)
    }
}
