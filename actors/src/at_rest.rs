//! The shop's flows where they are, for whoever looks after a journal that no shop is at.

use std::sync::Arc;

use mercato_runtime::persistence::Journal;
use mercato_runtime::{Flows, Runtime, RuntimeError};

use crate::marketing::UnsubscribeUrl;
use crate::ports::{
    InProcessCarrier, InProcessCompetitors, InProcessMail, InProcessPayments, InProcessProcurement,
    LedgerOptions, Messengers, SupplierHabits,
};
use crate::shop::{Ports, with_flows};
use crate::support::{PHRASE_ANSWER, say_otherwise};

/// The flows of a shop's journal, none of which goes on: see
/// [`flows_at_rest`](mercato_runtime::RuntimeBuilder::flows_at_rest). No gateway is asked for anything,
/// and no product, price or person need be known. Needs a tokio runtime around it.
///
/// ```
/// use std::sync::Arc;
/// use mercato_actors::runtime::persistence::{Journal, JournalOptions, RedbJournal, WriterPlace};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread)?;
/// let journal = Arc::new(journal);
/// let flows = mercato_actors::flows_at_rest(journal.clone())?;
/// assert!(flows.list(None, None, 256)?.flows.is_empty());
/// journal.close().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// None that the shop's own flows give.
pub fn flows_at_rest(journal: Arc<dyn Journal>) -> Result<Flows, RuntimeError> {
    // The flows are registered with the rest of the shop, so that none of them is forgotten here;
    // what they would ask is never called.
    let ports = Ports {
        payments: Arc::new(InProcessPayments::new(LedgerOptions::default())),
        carrier: Arc::new(InProcessCarrier::new(LedgerOptions::default())),
        mail: Arc::new(InProcessMail::new(LedgerOptions::default())),
        messengers: Messengers::in_process(),
        procurement: Arc::new(InProcessProcurement::new(
            SupplierHabits::default(),
            LedgerOptions::default(),
        )),
        competitors: Arc::new(InProcessCompetitors::new()),
    };
    with_flows(Runtime::builder(journal), &ports, UnsubscribeUrl::default())
        .flow(PHRASE_ANSWER, say_otherwise)
        .flows_at_rest()
}
