//! When to buy more, and how much: the arithmetic, without a shop around it.
//!
//! | room | what | source |
//! |---|---|---|
//! | `service` | the share of cycles without a stock-out that is asked for | |
//! | `safety` | safety stock and reorder point | Silver, Pyke and Thomas, *Inventory and Production Management in Supply Chains*, 4th edition, chapter 6 |
//! | `conformal` | how many deviations a service level takes, by errors that were seen | Vovk, Gammerman and Shafer 2005 |
//! | `economic` | order quantity by cost, and the newsvendor | Harris 1913; Arrow, Harris and Marschak 1951 |
//! | `exact` | the best (r, Q) and (s, S) by cost | Federgruen and Zheng 1992; Zheng and Federgruen 1991 |
//! | `plan` | the policy of one product | |
//!
//! Costs are in any one unit of money, times in any one unit of time: the same throughout a call.

mod conformal;
mod economic;
mod exact;
mod plan;
mod safety;
mod service;

pub use conformal::{Scores, conformal_quantile, pooled_factor};
pub use economic::{NewsvendorPlan, economic_order_quantity, newsvendor};
pub use exact::{OrderUpToPlan, ReorderQuantityPlan, order_up_to, reorder_quantity};
pub(super) use plan::whole_units;
pub use plan::{CostTerms, DemandOutlook, OrderTerms, ReorderPlan, Replenishment, SafetyMethod};
pub use safety::{LeadTime, deviation_over_lead_time, reorder_point, safety_stock};
pub use service::{ServiceLevel, ServiceLevelError};
