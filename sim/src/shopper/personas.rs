//! The personas that come with the crate, as tables.

use super::error::ShopperError;
use super::graph::{Graph, State, Transitions};
use super::persona::{Persona, SupportTopic};
use State::{
    AddToCart, AskSupport, Browse, Checkout, Leave, Return, Search, ViewCart, ViewProduct,
};

// Rows that all personas share. Leaving is mostly a matter of the session's length, so only states
// that end an errand lead out.
const FROM_BROWSE: &Transitions = &[(Browse, 0.25), (Search, 0.15), (ViewProduct, 0.60)];
const FROM_SEARCH: &Transitions = &[(Search, 0.20), (Browse, 0.10), (ViewProduct, 0.70)];
const FROM_ADD: &Transitions = &[
    (ViewCart, 0.40),
    (ViewProduct, 0.30),
    (Browse, 0.20),
    (Search, 0.10),
];
const FROM_CART: &Transitions = &[
    (Checkout, 0.40),
    (ViewProduct, 0.15),
    (Browse, 0.15),
    (Leave, 0.30),
];
const FROM_CHECKOUT: &Transitions = &[(Leave, 0.90), (Browse, 0.06), (AskSupport, 0.04)];
const FROM_SUPPORT: &Transitions = &[
    (Leave, 0.45),
    (AskSupport, 0.15),
    (Browse, 0.25),
    (ViewProduct, 0.15),
];
const FROM_RETURN: &Transitions = &[(Leave, 0.60), (AskSupport, 0.15), (Browse, 0.25)];

/// What sets a persona apart: the numbers of [`Persona::new`], how it enters, and where it goes
/// from a product.
struct Sketch {
    name: &'static str,
    share: f64,
    conversion: f64,
    topics: [f64; SupportTopic::ALL.len()],
    entry: &'static Transitions,
    from_product: &'static Transitions,
}

/// Conversions are set so that, by share, 2.7 % of the sessions end in an order (2 to 3 % is
/// commonly reported), and the ways to the cart so that about 70 % of the carts are left behind.
const SKETCHES: [Sketch; 5] = [
    Sketch {
        name: "window-shopper",
        share: 0.50,
        conversion: 0.005,
        topics: [0.0, 0.5, 0.0, 0.1, 0.4],
        entry: &[(Browse, 0.65), (Search, 0.15), (ViewProduct, 0.20)],
        from_product: &[
            (Browse, 0.40),
            (ViewProduct, 0.43),
            (Search, 0.14),
            (AddToCart, 0.025),
            (AskSupport, 0.005),
        ],
    },
    Sketch {
        name: "hunter",
        share: 0.22,
        conversion: 0.04,
        topics: [0.1, 0.6, 0.1, 0.1, 0.1],
        entry: &[(Search, 0.70), (ViewProduct, 0.25), (Browse, 0.05)],
        from_product: &[
            (Search, 0.45),
            (ViewProduct, 0.33),
            (Browse, 0.15),
            (AddToCart, 0.06),
            (AskSupport, 0.01),
        ],
    },
    Sketch {
        name: "loyal",
        share: 0.14,
        conversion: 0.06,
        topics: [0.5, 0.2, 0.2, 0.0, 0.1],
        entry: &[
            (Browse, 0.55),
            (ViewProduct, 0.30),
            (Search, 0.10),
            (AskSupport, 0.03),
            (Return, 0.02),
        ],
        from_product: &[
            (Browse, 0.35),
            (ViewProduct, 0.36),
            (Search, 0.19),
            (AddToCart, 0.09),
            (AskSupport, 0.01),
        ],
    },
    Sketch {
        name: "wholesaler",
        share: 0.06,
        conversion: 0.12,
        topics: [0.4, 0.3, 0.3, 0.0, 0.0],
        entry: &[
            (Search, 0.55),
            (ViewProduct, 0.35),
            (Browse, 0.05),
            (AskSupport, 0.03),
            (Return, 0.02),
        ],
        from_product: &[
            (Search, 0.40),
            (ViewProduct, 0.33),
            (Browse, 0.10),
            (AddToCart, 0.15),
            (AskSupport, 0.02),
        ],
    },
    Sketch {
        name: "needy",
        share: 0.08,
        conversion: 0.01,
        topics: [0.35, 0.15, 0.20, 0.15, 0.15],
        entry: &[
            (AskSupport, 0.60),
            (Return, 0.12),
            (Browse, 0.15),
            (Search, 0.08),
            (ViewProduct, 0.05),
        ],
        from_product: &[
            (AskSupport, 0.25),
            (Browse, 0.35),
            (ViewProduct, 0.25),
            (Search, 0.13),
            (AddToCart, 0.02),
        ],
    },
];

/// The personas that shoppers are drawn from unless told otherwise.
///
/// # Errors
/// None in practice: the tables are part of the program, and a test builds them.
pub fn default_personas() -> Result<Vec<Persona>, ShopperError> {
    SKETCHES.iter().map(Sketch::build).collect()
}

impl Sketch {
    fn build(&self) -> Result<Persona, ShopperError> {
        let graph = Graph::new(
            self.entry,
            &[
                (Browse, FROM_BROWSE),
                (Search, FROM_SEARCH),
                (ViewProduct, self.from_product),
                (AddToCart, FROM_ADD),
                (ViewCart, FROM_CART),
                (Checkout, FROM_CHECKOUT),
                (AskSupport, FROM_SUPPORT),
                (Return, FROM_RETURN),
            ],
        )?;
        Persona::new(self.name, self.share, self.conversion, self.topics, graph)
    }
}
