//! The shop as a scene: six agents, gateways that fail, shoppers who ask again, and the shop's laws.
//!
//! Its worlds are small and made to need what a recovery restores: few products, little stock,
//! deliveries that are booked while everything breaks, and prices that do not hold for long.

mod clerk;
mod gateways;
mod laws;
mod lessons;
mod memory;
mod plan;
mod postman;
mod road;
mod shopper;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{LocalBoxFuture, join, join_all};
use mercato_actors::runtime::persistence::JournalOptions;
use mercato_actors::runtime::{Caller, PolicyBook, RuntimeBuilder};
use mercato_actors::{
    AGENTS, BasisPoints, Catalogue, CheckStock, Currency, Money, Product, Shop, ShopConfig, Sku,
    SupplierHabits,
};

use crate::error::SimulationError;
use crate::lives::{Law, Scene, Site, Stage};
use crate::outside::Outside;

use laws::ShopLaws;
pub use lessons::Lessons;
use memory::ShopMemory;
use plan::HUNG_AFTER;
pub use plan::{Rush, ShopPlan};

/// For how long the shop holds what is in a cart.
const CART_HELD: Duration = Duration::from_secs(20 * 60);
/// How long a timer that is due may take to be seen to.
const SETTLING: Duration = Duration::from_secs(30);

/// The shop of one world.
pub struct ShopScene {
    plan: ShopPlan,
    config: ShopConfig,
    catalogue: Arc<Catalogue>,
    skus: Vec<Sku>,
    lessons: Lessons,
    outside: Outside,
    memory: ShopMemory,
}

impl ShopScene {
    /// A shop as the plan says, with an outside that has seen nothing yet.
    ///
    /// # Errors
    /// When the plan makes no shop.
    pub fn new(plan: ShopPlan, lessons: &Lessons) -> Result<Self, SimulationError> {
        let products = (1..=plan.products).map(|n| product(n, &plan));
        let products: Vec<Product> = products.collect::<Result<_, _>>()?;
        let skus = products.iter().map(|product| product.sku.clone()).collect();
        let catalogue = Catalogue::new(products)
            .map_err(|error| SimulationError::Catalogue(error.to_string()))?;
        let supplier = SupplierHabits {
            lead_time: plan.lead_time,
            deviation: plan.lead_time / 6,
            splits: BasisPoints::new(1_500),
            falls_short: BasisPoints::new(700),
            overdelivers: BasisPoints::new(300),
            seed: plan.seed,
        };
        Ok(Self {
            config: plan.config(),
            catalogue: Arc::new(catalogue),
            skus,
            lessons: lessons.clone(),
            outside: Outside::new(None, supplier)?,
            memory: ShopMemory::default(),
            plan,
        })
    }

    fn shop(&self) -> Shop {
        let mut shop = self
            .config
            .furnish(self.lessons.shop(self.catalogue.clone()));
        if let Some(follow_up) = &mut shop.follow_up {
            follow_up.plan.delay = self.plan.follow_up_after;
        }
        #[cfg(feature = "planted-bugs")]
        {
            shop.planted = self.plan.planted;
        }
        shop
    }

    fn sku(&self, number: usize) -> Option<&Sku> {
        self.skus.get(number)
    }
}

fn product(number: u32, plan: &ShopPlan) -> Result<Product, SimulationError> {
    let sku = Sku::new(format!("P{number}"));
    let sku = sku.map_err(|error| SimulationError::Catalogue(error.to_string()))?;
    let spread = plan
        .seed
        .wrapping_mul(31)
        .wrapping_add(u64::from(number) * 977)
        % 4_000;
    let price = 200 + i64::try_from(spread).unwrap_or(0);
    Ok(Product {
        name: format!("Thing {number}").into(),
        description: format!("A thing of kind {number}").into(),
        category: if number.is_multiple_of(2) {
            "even"
        } else {
            "odd"
        }
        .into(),
        base_price: Money::new(price, Currency::GBP),
        cost: Money::new(price * 6 / 10, Currency::GBP),
        sku,
    })
}

impl Scene for ShopScene {
    fn open(&self, builder: RuntimeBuilder, site: &Site) -> Result<RuntimeBuilder, String> {
        let ports = gateways::ports(self, site).ok_or("no latencies can be drawn")?;
        let policies = PolicyBook::new(self.config.policies.clone());
        let policies = policies.map_err(|error| error.to_string())?;
        let builder = self.config.limit(builder).policies(Arc::new(policies));
        #[cfg(feature = "planted-bugs")]
        let builder = builder.planted(self.plan.planted.and_then(|bug| bug.of_runtime()));
        Ok(self.shop().open(builder, &ports))
    }

    fn open_for_questions(
        &self,
        builder: RuntimeBuilder,
        _: &Site,
    ) -> Result<RuntimeBuilder, String> {
        Ok(self.shop().open_for_questions(self.config.limit(builder)))
    }

    fn outside<'a>(&'a self, stage: &'a Stage) -> LocalBoxFuture<'a, ()> {
        async move {
            clerk::open_shelves(self, stage).await;
            let visits =
                (0..self.plan.shoppers).map(|n| shopper::visit(self, stage, n).boxed_local());
            let visits = join_all(visits);
            let staff = join(
                clerk::take_deliveries(self, stage),
                clerk::change_prices(self, stage),
            );
            tokio::select! {
                biased;
                _ = join(visits, staff) => {}
                () = postman::walk(self, stage) => {}
            }
            postman::deliver(self, stage).await;
        }
        .boxed_local()
    }

    fn laws(&self) -> Vec<Box<dyn Law>> {
        vec![Box::new(ShopLaws::of(self))]
    }

    fn agents(&self) -> &[&'static str] {
        &AGENTS
    }

    fn hung_after(&self) -> Option<Duration> {
        Some(HUNG_AFTER)
    }

    /// An order is sent when it can be changed no more, and what a cart holds lapses: until then nothing may
    /// happen.
    fn rests_at_most(&self) -> Duration {
        self.plan.change_for.max(CART_HELD) + SETTLING
    }

    fn journal(&self) -> JournalOptions {
        self.config.journal.clone()
    }

    fn press<'a>(&'a self, stage: &'a Stage) -> LocalBoxFuture<'a, ()> {
        /// More than wait in a mailbox of a small world.
        const AT_ONCE: usize = 300;
        async move {
            let Some(sku) = self.skus.first() else {
                return;
            };
            let caller = Caller::system().fail_fast();
            let asks = (0..AT_ONCE).map(|_| {
                let look = CheckStock { sku: sku.clone() };
                stage.handle.ask(&caller, look)
            });
            // Some are refused: that is what a bound is for.
            join_all(asks).await;
        }
        .boxed_local()
    }
}
