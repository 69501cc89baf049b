//! Who a customer is to Marketing.

use std::borrow::Cow;
use std::collections::BTreeSet;

use mercato_runtime::{Command, CommandId, Context, Decided, Decision, Kind, State, Timestamp};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::consent::{Channel, Purpose};
use super::customer::Customer;
use super::customer_commands::customer_key;
use super::reach::Suppression;
use super::rejection::own;
use super::rfm::Quintiles;
use super::segment::CustomerSegment;
use super::zone::TimeZoneName;
use crate::domain::CustomerId;

/// Reads who a customer is to Marketing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomerProfile {
    /// Who.
    pub customer: CustomerId,
    /// Where the fifths of all buyers begin: from [`ShowQuintiles`](super::ShowQuintiles). Without
    /// them the lines between segments run at the fixed places of the settings.
    pub quintiles: Option<Quintiles>,
}

/// A customer as Marketing sees them now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Their segment.
    pub segment: CustomerSegment,
    /// Channels by which they agreed to be written to and can be, with the purposes. Where no address
    /// is known by any channel that they agreed to for a purpose, all of those: a message may wait, and
    /// an address may come before it is due.
    pub agreed: Vec<(Channel, Purpose)>,
    /// Whether they ended all promotional messages.
    pub unsubscribed: bool,
    /// Channels by which nothing is sent to them, and why.
    pub suppressed: Vec<(Channel, Suppression)>,
    /// Whether they are left alone by all campaigns, to compare them with.
    pub held_out: bool,
    /// By which clock they live.
    pub zone: TimeZoneName,
    /// The full hour there at which they most often buy or follow a link, if anything is known of it.
    pub habit_hour: Option<u8>,
}

impl Command for CustomerProfile {
    type Agent = MarketingAgent;
    type Reply = Profile;
    const NAME: &'static str = "CustomerProfile";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        agent: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        own(&self.customer, context.principal)?;
        let customer = state.customer();
        let settings = &agent.settings;
        let zone = customer.zone(&settings.quiet_hours);
        let purchases = customer.purchases.as_ref();
        let quintiles = self.quintiles.as_ref();
        Ok(Decision::reply(Profile {
            segment: (settings.segments).segment(purchases, quintiles, context.now),
            agreed: agreed(customer),
            unsubscribed: customer.unsubscribed_at.is_some(),
            suppressed: customer.suppressed.iter().map(|(c, s)| (*c, *s)).collect(),
            held_out: is_held_out(&self.customer, settings.holdout.get()),
            habit_hour: customer
                .habit_hour()
                .map(|hour| zone.hour(at_hour_of_utc(context.now, hour))),
            zone,
        }))
    }
}

fn agreed(customer: &Customer) -> Vec<(Channel, Purpose)> {
    let consents = customer.consents.keys().copied();
    let mut agreed: Vec<_> = consents
        .filter(|(channel, purpose)| {
            customer.agreed_to(*channel, *purpose) && !customer.suppressed.contains_key(channel)
        })
        .collect();
    // What is chosen without an address is lost, where another channel would have had one.
    let reached = agreed
        .iter()
        .filter(|(channel, _)| customer.has_address(*channel));
    let reached: BTreeSet<Purpose> = reached.map(|(_, purpose)| *purpose).collect();
    agreed
        .retain(|(channel, purpose)| customer.has_address(*channel) || !reached.contains(purpose));
    agreed
}

/// The moment of this day at which it is so many full hours in UTC.
fn at_hour_of_utc(now: Timestamp, hour: u8) -> Timestamp {
    const HOUR_MS: u64 = 60 * 60 * 1_000;
    let midnight = now.as_millis() / (24 * HOUR_MS) * (24 * HOUR_MS);
    Timestamp::from_millis(midnight + u64::from(hour) * HOUR_MS)
}

/// Whether a customer is one of those who are left alone: drawn once and for all, from their name.
fn is_held_out(customer: &CustomerId, share: f64) -> bool {
    let drawn = CommandId::from_key(&format!("marketing/holdout/{customer}"));
    let (high, _) = drawn.as_uuid().as_u64_pair();
    #[allow(clippy::cast_precision_loss)] // a share of the whole range
    let place = high as f64 / u64::MAX as f64;
    place < share
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a holdout of another size than the settings say, and a lot that is drawn anew.
    #[test]
    fn the_holdout_has_the_size_that_was_asked_for() {
        let customers: Vec<_> = (0..20_000)
            .map(|n| CustomerId::new(format!("c-{n}")).unwrap())
            .collect();
        let held = |share| customers.iter().filter(|c| is_held_out(c, share)).count();
        assert!((900..1_100).contains(&held(0.05)), "{}", held(0.05));
        assert_eq!(held(0.05), held(0.05));
        assert_eq!(held(0.0), 0);
    }
}
