//! How flows are added to a runtime.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::Flow;
use super::error::FlowFailure;
use super::flow_type::FlowType;
use super::migration::{FlowProgress, Migration};
use crate::builder::RuntimeBuilder;
use crate::runtime::RuntimeError;

impl RuntimeBuilder {
    /// Registers a flow's function. Several versions of one flow stand side by side: see
    /// [`FlowType`].
    #[must_use]
    pub fn flow<I, O, E, F, Fut>(mut self, flow: FlowType<I, O, E>, function: F) -> Self
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize + DeserializeOwned + Send + 'static,
        E: FlowFailure,
        F: Fn(Flow, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, E>> + Send + 'static,
    {
        self.check_name("flow", flow.name);
        if !self.definitions.add(flow, function) {
            let (name, version) = (flow.name, flow.version);
            let problem = RuntimeError::FlowVersionTaken { name, version };
            self.problem.get_or_insert(problem);
        }
        self
    }

    /// Moves the instances of one version of a flow to a later one, with the input that the function
    /// makes of theirs. It is asked when an instance is taken up, as after a start; where it gives
    /// `None`, the instance goes on as it is.
    ///
    /// What an instance has done stands, under the names of its steps: the later version is run from
    /// its start, and must come to where the instance is by steps of the same names with the same
    /// commands. [`FlowProgress`] says how far that is.
    #[must_use]
    pub fn flow_migration<I, J, O, E, P, X>(
        mut self,
        from: FlowType<I, O, E>,
        to: FlowType<J, P, X>,
        function: impl Fn(I, &FlowProgress<'_>) -> Option<J> + Send + Sync + 'static,
    ) -> Self
    where
        I: DeserializeOwned + 'static,
        J: Serialize + 'static,
    {
        let (name, version) = (from.name, from.version);
        let migration = Migration::new(to.version, function);
        let is_free = self.definitions.add_migration(name, version, migration);
        if !is_free || from.name != to.name {
            let problem = RuntimeError::BadMigration {
                name,
                from: version,
                to: to.version,
            };
            self.problem.get_or_insert(problem);
        }
        self
    }
}
