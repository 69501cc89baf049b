//! The measures of a shop that works, for whoever watches over its desk.

use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use mercato_runtime::persistence::Position;
use mercato_runtime::{Agent, Bus, BusError, FamilySamples, Filter};

use super::SupportAgent;
use super::measures::{DeskFigures, DeskMeasures};
use super::settings::SupportSettings;

/// Reads how well customers are served out of the journal of a runtime, up to the moment at which it
/// is asked to ([`refresh`](Self::refresh)), and shows that in the runtime's metrics.
///
/// It has no cursor and writes nothing. What it knows is the fold of all events, so it is the same
/// after a restart; the first time it therefore reads the journal from the beginning, and from then on
/// what is new. Cheap to clone; clones show the same.
///
/// ```
/// # use mercato_actors::{DeskWatch, Ports, Shop};
/// # use mercato_actors::runtime::{Metrics, RuntimeBuilder};
/// # async fn example(shop: Shop, builder: RuntimeBuilder, ports: &Ports)
/// # -> Result<Metrics, Box<dyn std::error::Error>> {
/// let desk = DeskWatch::new(&shop.support);
/// let builder = shop.open(builder, ports).metrics(desk.metrics());
/// let runtime = builder.start().await?;
/// // Before each scrape, or now and then:
/// desk.refresh(&runtime.bus()).await?;
/// println!("{:?} contained", desk.figures().containment());
/// let metrics = runtime.metrics();
/// # Ok(metrics)
/// # }
/// ```
#[derive(Clone)]
pub struct DeskWatch {
    shared: Arc<Shared>,
}

struct Shared {
    /// Held by whoever reads the journal: two that read the same events would count them twice.
    reading: tokio::sync::Mutex<Position>,
    measures: Mutex<DeskMeasures>,
}

impl DeskWatch {
    /// One that knows of nothing yet, and goes by these settings.
    #[must_use]
    pub fn new(settings: &SupportSettings) -> Self {
        Self {
            shared: Arc::new(Shared {
                reading: tokio::sync::Mutex::new(Position::START),
                measures: Mutex::new(DeskMeasures::new(settings)),
            }),
        }
    }

    /// Takes in what became durable since the last time, and gives the figures up to there. An event
    /// that this program cannot read is left out; the entity's quarantine tells of it.
    ///
    /// # Errors
    /// When the runtime has no Customer Support, or its journal cannot be read. What was read counts,
    /// and the next time goes on behind it; so it does where this future is dropped.
    pub async fn refresh(&self, bus: &Bus) -> Result<DeskFigures, BusError> {
        let mut read = self.shared.reading.lock().await;
        let of_support = [Filter::everything().agent(SupportAgent::NAME)];
        let mut replay = bus.replay(of_support, (Bound::Excluded(*read), Bound::Unbounded))?;
        while let Some(delivery) = replay.next().await? {
            // The events of one append come without a pause between them, so that what is dropped
            // here is never dropped amid them.
            *read = delivery.place().position;
            if let Ok(event) = delivery.event::<SupportAgent>() {
                self.with(|measures| measures.observe(delivery.key(), &event));
            }
        }
        *read = replay.end();
        Ok(self.figures())
    }

    /// The figures up to the last refresh.
    #[must_use]
    pub fn figures(&self) -> DeskFigures {
        self.with(|measures| measures.figures().clone())
    }

    /// What gives the metrics up to the last refresh, for
    /// [`RuntimeBuilder::metrics`](mercato_runtime::RuntimeBuilder::metrics).
    pub fn metrics(&self) -> impl Fn() -> Vec<FamilySamples> + Send + Sync + 'static {
        let this = self.clone();
        move || this.with(|measures| measures.metrics())
    }

    /// A panic while they are held leaves an event counted by halves at worst.
    fn with<T>(&self, look: impl FnOnce(&mut DeskMeasures) -> T) -> T {
        let measures = self.shared.measures.lock();
        look(&mut measures.unwrap_or_else(PoisonError::into_inner))
    }
}

/// Without the names of conversations.
impl fmt::Debug for DeskWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeskWatch").field(&self.figures()).finish()
    }
}
