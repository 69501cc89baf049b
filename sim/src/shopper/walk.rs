//! One session: the steps of a shopper from arriving to leaving.

use std::sync::Arc;

use rand::Rng;

use super::graph::State;
use super::persona::{Persona, SupportTopic};
use super::session::SessionModel;

/// What a shopper asks of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Show recommendations or a category.
    Browse,
    /// Search.
    Search,
    /// Show one product.
    ViewProduct,
    /// Put something into the cart.
    AddToCart,
    /// Show the cart. Comes only after [`Action::AddToCart`].
    ViewCart,
    /// Order and pay. Comes at most once, right after [`Action::ViewCart`].
    Checkout,
    /// Ask customer support.
    AskSupport(SupportTopic),
    /// Send something back from an earlier order, if there is one.
    Return,
}

/// One step of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What the shopper does.
    pub action: Action,
    /// How long the shopper thinks before, in ms; 0 for the first step.
    pub think_ms: u64,
}

/// A session, step by step; it ends when the shopper leaves.
///
/// Whether the shopper buys is drawn first, by the persona's conversion, and so is the number of
/// clicks. The graph says where to go until the clicks are used up. Then a visitor leaves, and a
/// buyer takes the shortest way to an order. A visitor whom the graph sends to the checkout leaves
/// the cart behind. So conversion and session length are what they are stated to be, whatever the
/// graph, and a session never exceeds [`SessionFigures::steps_max`](super::SessionFigures).
#[derive(Debug)]
pub struct Walk<R> {
    persona: Arc<Persona>,
    model: SessionModel,
    rng: R,
    at: Option<State>,
    steps_left: u32,
    will_buy: bool,
    cart_filled: bool,
}

impl<R: Rng> Walk<R> {
    /// A session of a shopper of this persona, drawn from its own generator.
    pub fn new(persona: Arc<Persona>, model: SessionModel, mut rng: R) -> Self {
        let will_buy = rng.random_bool(persona.conversion());
        let steps_left = model.patience(&mut rng);
        Self {
            persona,
            model,
            rng,
            at: None,
            steps_left,
            will_buy,
            cart_filled: false,
        }
    }

    fn choose(&mut self) -> State {
        let graph = self.persona.graph();
        let drawn = match self.at {
            None => graph.enter(&mut self.rng),
            Some(from) => graph.follow(from, &mut self.rng),
        };
        let stays = match drawn {
            State::Leave => false,
            State::Checkout => self.will_buy,
            _ => true,
        };
        if stays && self.steps_left > 0 {
            drawn
        } else if self.will_buy {
            self.shortest_way_to_order()
        } else {
            State::Leave
        }
    }

    fn shortest_way_to_order(&self) -> State {
        match self.at {
            Some(State::ViewCart) => State::Checkout,
            _ if self.cart_filled => State::ViewCart,
            Some(State::ViewProduct) => State::AddToCart,
            _ => State::ViewProduct,
        }
    }
}

impl<R: Rng> Iterator for Walk<R> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.at == Some(State::Leave) {
            return None;
        }
        let think_ms = if self.at.is_none() {
            0
        } else {
            self.model.think_ms(&mut self.rng)
        };
        let next = self.choose();
        self.at = Some(next);
        self.steps_left = self.steps_left.saturating_sub(1);
        let action = match next {
            State::Leave => return None,
            State::Browse => Action::Browse,
            State::Search => Action::Search,
            State::ViewProduct => Action::ViewProduct,
            State::AddToCart => {
                self.cart_filled = true;
                Action::AddToCart
            }
            State::ViewCart => Action::ViewCart,
            State::Checkout => {
                self.will_buy = false;
                Action::Checkout
            }
            State::AskSupport => Action::AskSupport(self.persona.topic(&mut self.rng)),
            State::Return => Action::Return,
        };
        Some(Step { action, think_ms })
    }
}
