//! How far a price list moves prices: on all terms that it speaks of, at all times.

use std::collections::BTreeSet;

use mercato_runtime::Timestamp;

use super::calculate::{BasePrice, get_base_price};
use super::limits::floor;
use super::price_list::PriceList;
use super::state::PriceInputs;
use super::terms::{PricingTerms, SalesChannel, Segment};
use super::{PricingAgent, PricingRejection};
use crate::domain::{Currency, Quantity, Sku};

const SEGMENTS: [Segment; 3] = [Segment::Standard, Segment::Loyal, Segment::Trade];
const CHANNELS: [SalesChannel; 4] = [
    SalesChannel::Web,
    SalesChannel::App,
    SalesChannel::Store,
    SalesChannel::Marketplace,
];

impl PricingAgent {
    /// Refuses a list by which a price, or the floor under it, would move further than one person may
    /// move it. What is compared are prices before rules, strategy and promotions, as it is where a
    /// base price changes.
    pub(super) fn check_list_change(
        &self,
        sku: &Sku,
        inputs: &PriceInputs,
        list: PriceList,
        now: Timestamp,
    ) -> Result<(), PricingRejection> {
        let after = PriceInputs {
            list,
            ..inputs.clone()
        };
        let lists = [&inputs.list, &after.list];
        for terms in terms_of(lists) {
            for at in moments_of(lists, now) {
                // Going back to the base price needs nobody: its changes have their own approval.
                if after.list.resolve(&terms, at).is_none() {
                    continue;
                }
                let price = |inputs| get_base_price(self, sku, inputs, &terms, at);
                let before = match price(inputs) {
                    Ok(before) => before,
                    Err(PricingRejection::NoPriceIn { .. }) => continue,
                    Err(other) => return Err(other),
                };
                self.check_move(&before, &price(&after)?)?;
            }
        }
        Ok(())
    }

    fn check_move(&self, before: &BasePrice, after: &BasePrice) -> Result<(), PricingRejection> {
        let floors = (floor(self, before.cost)?, floor(self, after.cost)?);
        for (before, after) in [(before.unit, after.unit), floors] {
            if self.is_large(before, after)? {
                return Err(PricingRejection::ListChangeTooLarge {
                    before,
                    after,
                    most: self.settings.approval_from,
                });
            }
        }
        Ok(())
    }
}

/// All terms on which the lists may differ. They name at most 128 quantities in currencies together.
fn terms_of(lists: [&PriceList; 2]) -> Vec<PricingTerms> {
    let mut asked: Vec<(Currency, Quantity)> = Vec::new();
    for entry in lists.into_iter().flat_map(PriceList::entries) {
        let key = (entry.unit.currency(), entry.quantity_from);
        if !asked.contains(&key) {
            asked.push(key);
        }
    }
    let asked = asked.iter();
    asked
        .flat_map(|(currency, quantity)| {
            SEGMENTS.into_iter().flat_map(move |segment| {
                CHANNELS.into_iter().map(move |channel| PricingTerms {
                    channel,
                    currency: *currency,
                    segment,
                    quantity: *quantity,
                })
            })
        })
        .collect()
}

/// Now, and whenever a price of either list begins or ends.
fn moments_of(lists: [&PriceList; 2], now: Timestamp) -> BTreeSet<Timestamp> {
    let moments = lists.into_iter().flat_map(PriceList::moments);
    moments
        .filter(|at| *at > now)
        .chain(std::iter::once(now))
        .collect()
}
