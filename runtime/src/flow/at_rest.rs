//! Flows over a journal that no runtime is at: looked at, and told what to do when one is.

use std::sync::Arc;

use super::engine::Engine;
use super::operate::Flows;
use crate::builder::RuntimeBuilder;
use crate::chain::Waits;
use crate::clock::Clock;
use crate::core::{Core, Services};
use crate::entropy::Entropy;
use crate::policy::Guards;
use crate::runtime::RuntimeError;
use crate::telemetry::Telemetry;

impl RuntimeBuilder {
    /// The flows of the journal where they are, and nothing else: no agent, timer or trigger is
    /// started, and no flow goes on. What an operator asks for is durable when it is answered, and the
    /// next runtime that starts over the journal carries it out.
    ///
    /// A flow that is [`Running`](crate::FlowState::Running) here waits for that start, and shows no
    /// step that it waits for: that is known in memory only. The flows that are registered say why
    /// others failed, and can begin anew; one that is not registered can be looked at, cancelled and
    /// resolved all the same.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mercato_runtime::persistence::{Journal, JournalOptions, RedbJournal, WriterPlace};
    /// use mercato_runtime::Runtime;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    /// # runtime.block_on(async {
    /// let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread)?;
    /// let journal = Arc::new(journal);
    /// let flows = Runtime::builder(journal.clone()).flows_at_rest()?;
    /// assert!(flows.work_list(None, None, 256)?.items.is_empty());
    /// journal.close().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// See [`RuntimeError`].
    pub fn flows_at_rest(mut self) -> Result<Flows, RuntimeError> {
        self.check()?;
        let clock = self.clock.unwrap_or_else(Clock::system);
        let entropy = self.entropy.unwrap_or_else(Entropy::system);
        let entropy = Arc::new(entropy.continued_after(self.journal.durable().get()));
        let core = Core {
            journal: self.journal,
            clock,
            services: Services::default(),
            guards: Guards::new(self.policies, clock, entropy.clone()),
            caches: None,
            telemetry: Arc::new(Telemetry::new(&entropy, Arc::default())),
            waits: Arc::new(Waits::new(self.hops_max)),
            #[cfg(feature = "planted-bugs")]
            planted: self.planted,
            entropy,
        };
        let engine = Engine::at_rest(Arc::new(core), self.definitions);
        Ok(Flows {
            engine: Arc::new(engine),
        })
    }
}
