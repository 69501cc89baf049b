//! What takes a shop long to learn and is the same in every world.

use std::fmt;
use std::sync::{Arc, OnceLock};

use mercato_actors::{Catalogue, Shop};

/// A shop that has read its articles and learnt from its questions. Clones share it, so that a hunt pays
/// for it once.
#[derive(Clone, Default)]
pub struct Lessons(Arc<OnceLock<Shop>>);

impl Lessons {
    /// A shop with this catalogue and the default terms, which knows what it has to know.
    pub(super) fn shop(&self, catalogue: Arc<Catalogue>) -> Shop {
        let learnt = self.0.get_or_init(|| Shop::new(catalogue.clone()));
        Shop {
            catalogue,
            ..learnt.clone()
        }
    }
}

impl fmt::Debug for Lessons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lessons({})", self.0.get().is_some())
    }
}
