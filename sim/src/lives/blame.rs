//! What somebody may be refused for. That an agent says no is its business, and that nothing can be had
//! while the power, the disk or a gateway is away is nobody's fault. All else is the runtime's own.

use std::error::Error;

use mercato_actors::runtime::{AskFailure, FlowError};

use super::fault::{FaultKind, FaultPlan};
use super::stage::is_worth_asking_again;
use super::strikes::PANICS;

/// What breaks where somebody is refused for anything else.
pub(super) const SERVED: &str = "nobody is refused for a fault of the runtime's own";
/// What breaks where a shard is replaced that nothing was done to.
pub(super) const UNPROVOKED: &str = "nothing panics that nobody made panic";

/// Whether this, or what it came of, is a fault of the runtime's own where these faults strike.
pub(super) fn is_own_fault(error: &(dyn Error + 'static), faults: &FaultPlan) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let failure = error.downcast_ref::<AskFailure>();
        let of_flow = error.downcast_ref::<FlowError>();
        let is_broken = matches!(
            of_flow,
            Some(FlowError::Panicked { .. } | FlowError::Broken(_))
        );
        if is_broken || failure.is_some_and(|failure| is_own_failure(failure, faults)) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn is_own_failure(failure: &AskFailure, faults: &FaultPlan) -> bool {
    match failure {
        // A command that is made to panic in its decision, its events and its answer stands aside then.
        AskFailure::Quarantined { .. }
        | AskFailure::QuarantineFull { .. }
        | AskFailure::EntityQuarantined { .. } => !makes_panic(faults),
        failure => !is_worth_asking_again(failure),
    }
}

/// Whether any of these faults makes an agent panic, or hang until it is replaced.
pub(super) fn makes_panic(faults: &FaultPlan) -> bool {
    use FaultKind as K;
    let others = [K::CrashIdle, K::CrashBusy, K::HangShard];
    PANICS
        .into_iter()
        .chain(others)
        .any(|kind| faults.has(kind))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mercato_actors::CheckoutError;

    use super::super::fault::Fault;
    use super::*;

    /// Catches: a shop that refuses everybody in a way that nobody counts, because the reason lies deep in
    /// an error of its own; and one that is blamed for what was done to it.
    #[test]
    fn a_fault_of_the_runtimes_own_is_known_wherever_it_lies() {
        let calm = FaultPlan::default();
        let rough = FaultPlan {
            faults: vec![Fault {
                kind: FaultKind::PanicDecide,
                number: 0,
                rate: 1.0,
                from: Duration::ZERO,
                until: Duration::MAX,
            }],
        };
        let invalid = || AskFailure::Invalid {
            reason: "no such agent".into(),
        };
        let aside = || AskFailure::Quarantined { attempts: 3 };
        let checkout = |failure: AskFailure| CheckoutError::from(FlowError::from(failure));
        assert!(is_own_fault(&invalid(), &rough));
        assert!(is_own_fault(&checkout(invalid()), &rough));
        assert!(
            is_own_fault(&checkout(aside()), &calm) && !is_own_fault(&checkout(aside()), &rough)
        );
        let broken = CheckoutError::from(FlowError::Broken("a step".into()));
        assert!(is_own_fault(&broken, &rough));
        let refused = CheckoutError::from(FlowError::Refused("sold out".into()));
        let late = checkout(AskFailure::DeadlineExceeded);
        assert!(!is_own_fault(&refused, &calm) && !is_own_fault(&late, &calm));
    }
}
