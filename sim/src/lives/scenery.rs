//! A scene in a few lines: agents, one script for all who use them, and laws for the end.

use std::cell::RefCell;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use mercato_actors::runtime::RuntimeBuilder;

use super::scene::{End, Law, Scene, Site};
use super::stage::Stage;
use crate::law::Verdict;

/// A [`Scene`] made of closures, for one world.
pub struct Scenery<O, U> {
    open: O,
    users: U,
    agents: &'static [&'static str],
    laws: RefCell<Vec<Box<dyn Law>>>,
}

impl<O, U> Scenery<O, U>
where
    O: Fn(RuntimeBuilder) -> RuntimeBuilder,
    U: AsyncFn(&Stage),
{
    /// Agents, as `open` adds them to each life, and the script of those who use them.
    pub fn new(open: O, users: U) -> Self {
        Self {
            open,
            users,
            agents: &[],
            laws: RefCell::default(),
        }
    }

    /// The same, with agents whose shards are crashed.
    #[must_use]
    pub fn crashing(mut self, agents: &'static [&'static str]) -> Self {
        self.agents = agents;
        self
    }

    /// The same, with one more law, judged at the end.
    #[must_use]
    pub fn law<F>(self, name: &'static str, judge: F) -> Self
    where
        F: AsyncFnMut(&End<'_>, &mut Verdict) + Send + 'static,
    {
        let law = <dyn Law>::at_the_end(name, judge);
        self.laws.borrow_mut().push(law);
        self
    }
}

impl<O, U> Scene for Scenery<O, U>
where
    O: Fn(RuntimeBuilder) -> RuntimeBuilder,
    U: AsyncFn(&Stage),
{
    fn open(&self, builder: RuntimeBuilder, _: &Site) -> Result<RuntimeBuilder, String> {
        Ok((self.open)(builder))
    }

    fn outside<'a>(&'a self, stage: &'a Stage) -> LocalBoxFuture<'a, ()> {
        (self.users)(stage).boxed_local()
    }

    fn laws(&self) -> Vec<Box<dyn Law>> {
        self.laws.take()
    }

    fn agents(&self) -> &[&'static str] {
        self.agents
    }
}
