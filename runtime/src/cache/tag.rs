//! What a cached answer depends on.

use std::fmt;
use std::sync::Arc;

use crate::agent::Agent;
use crate::entities::stream_of;

/// Something that a cached answer depends on. An event invalidates the tags of its entity, of its
/// agent, and of its own name.
///
/// ```
/// use mercato_runtime::Tag;
///
/// assert_eq!(Tag::named("rates").to_string(), "rates");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Arc<str>);

impl Tag {
    /// One entity of an agent: every event of it invalidates.
    #[must_use]
    pub fn entity<A: Agent>(key: &str) -> Self {
        Self(stream_of(A::NAME, key))
    }

    /// All entities of an agent: every event of any of them invalidates.
    #[must_use]
    pub fn agent<A: Agent>() -> Self {
        Self::of_agent(A::NAME)
    }

    /// One kind of event of an agent, on whichever entity.
    #[must_use]
    pub fn event<A: Agent>(name: &str) -> Self {
        Self::of_event(A::NAME, name)
    }

    /// A name of one's own, for what no event tells; see
    /// [`Caches::invalidate`](crate::Caches::invalidate).
    #[must_use]
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    pub(super) fn of_stream(stream: &Arc<str>) -> Self {
        Self(stream.clone())
    }

    // Streams have no `!` before their first `/`, so these are no entity's tag.
    pub(super) fn of_agent(agent: &str) -> Self {
        Self(format!("{agent}!").into())
    }

    pub(super) fn of_event(agent: &str, event: &str) -> Self {
        Self(format!("{agent}!{event}").into())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a tag that says nothing of what it is, or two that say the same.
    #[test]
    fn a_tag_is_told_by_what_it_is_of() {
        let stream = Arc::from("order/o-1");
        let tags = [
            Tag::named("rates"),
            Tag::of_stream(&stream),
            Tag::of_agent("order"),
            Tag::of_event("order", "Placed"),
        ];
        let told = tags.map(|tag| tag.to_string());
        assert_eq!(told, ["rates", "order/o-1", "order!", "order!Placed"]);
    }
}
