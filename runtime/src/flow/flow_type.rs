//! The name, version and types of a flow.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// Unless it is said otherwise, this part of a flow's budget is kept back for undoing.
const KEPT_PART: u32 = 5;

/// The name, version and types of a flow; the function is registered under it with
/// [`RuntimeBuilder::flow`](crate::RuntimeBuilder::flow).
///
/// # When the function changes
///
/// An instance that is on its way is run again from its start after a crash, and must take the same
/// path. So a function that takes another path is another version. Both stand side by side: an
/// instance ends on the version that it began as, and new ones are started as the new one.
///
/// ```
/// # use mercato_runtime::{Flow, FlowError, FlowType, RuntimeBuilder};
/// const SHIP_V1: FlowType<u32, u32, FlowError> = FlowType::new("ship", 1);
/// const SHIP: FlowType<u32, u32, FlowError> = FlowType::new("ship", 2);
///
/// async fn ship_v1(_: Flow, order: u32) -> Result<u32, FlowError> { Ok(order) }
/// async fn ship(_: Flow, order: u32) -> Result<u32, FlowError> { Ok(order) }
///
/// fn with_shipping(builder: RuntimeBuilder) -> RuntimeBuilder {
///     builder.flow(SHIP, ship).flow(SHIP_V1, ship_v1)
/// }
/// # let _ = with_shipping;
/// ```
///
/// Where the two differ in one place only, one function can be registered as both, and branch on
/// [`Flow::version`](crate::Flow::version). Instances that wait for long, or whose old path is wrong,
/// are moved with [`RuntimeBuilder::flow_migration`](crate::RuntimeBuilder::flow_migration). An
/// instance of a version that nobody registered is not lost: it stands on the work list, and goes on
/// when its function is registered again.
pub struct FlowType<I, O, E> {
    pub(crate) name: &'static str,
    pub(crate) version: u16,
    budget: Option<Duration>,
    kept: Option<Duration>,
    pub(crate) by_the_service: bool,
    types: PhantomData<fn(I) -> Result<O, E>>,
}

impl<I, O, E> FlowType<I, O, E> {
    /// A flow type. Raise the version when the function takes another path than before.
    #[must_use]
    pub const fn new(name: &'static str, version: u16) -> Self {
        Self {
            name,
            version,
            budget: None,
            kept: None,
            by_the_service: false,
            types: PhantomData,
        }
    }

    /// The same with a limit on how long an instance may take from its start, undoing included: a
    /// fifth of it, or what [`keeping`](Self::keeping) says, is kept back for that. A step beyond the
    /// rest fails with [`AskFailure::DeadlineExceeded`](crate::AskFailure::DeadlineExceeded). Without
    /// a limit a flow may take as long as it takes.
    #[must_use]
    pub const fn within(self, budget: Duration) -> Self {
        Self {
            budget: Some(budget),
            ..self
        }
    }

    /// The same with this much of the budget kept back for undoing. An undo that fails is tried for
    /// as long as that lasts, and eight times in any case; then it goes to the work list.
    #[must_use]
    pub const fn keeping(self, kept: Duration) -> Self {
        Self {
            kept: Some(kept),
            ..self
        }
    }

    /// The same for those who run the service, other programs, and the runtime itself: where a
    /// [`Principal::User`](crate::Principal::User) starts it or asks for its end, that is refused and
    /// nothing recorded. A flow that a user started may still run it as its child.
    #[must_use]
    pub const fn by_the_service(self) -> Self {
        Self {
            by_the_service: true,
            ..self
        }
    }

    /// The flow's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The version of its function.
    #[must_use]
    pub const fn version(&self) -> u16 {
        self.version
    }

    /// How long it may take steps.
    pub(crate) fn forward(&self) -> Option<Duration> {
        self.budget.map(|budget| budget.saturating_sub(self.kept()))
    }

    /// How long it may undo.
    pub(crate) fn kept(&self) -> Duration {
        let budget = self.budget.unwrap_or_default();
        self.kept.unwrap_or(budget / KEPT_PART).min(budget)
    }
}

impl<I, O, E> Clone for FlowType<I, O, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, O, E> Copy for FlowType<I, O, E> {}

impl<I, O, E> fmt::Debug for FlowType<I, O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: FlowType<(), (), ()> = FlowType::new("plain", 7);

    /// Catches: a flow that is another one, or that anybody may start, because more was said of it.
    #[test]
    fn what_is_said_of_a_flow_leaves_the_rest_as_it_is() {
        let second = Duration::from_secs(1);
        let said = PLAIN.by_the_service().within(second).keeping(second);
        assert_eq!((said.name(), said.version()), ("plain", 7));
        assert_eq!((PLAIN.by_the_service, said.by_the_service), (false, true));
    }

    /// Catches: a budget of which nothing is left for undoing, and one that is spent twice.
    #[test]
    fn a_part_of_the_budget_is_kept_back() {
        let ten = PLAIN.within(Duration::from_secs(10));
        assert_eq!((PLAIN.forward(), PLAIN.kept()), (None, Duration::ZERO));
        assert_eq!(ten.forward(), Some(Duration::from_secs(8)));
        assert_eq!(ten.kept(), Duration::from_secs(2));
        let greedy = ten.keeping(Duration::from_secs(30));
        assert_eq!(greedy.forward(), Some(Duration::ZERO));
        assert_eq!(greedy.kept(), Duration::from_secs(10));
    }
}
