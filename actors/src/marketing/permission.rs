//! Whether a promotional message may be sent at a moment.

use std::time::Duration;

use mercato_runtime::Timestamp;

use super::customer::{Customer, DropReason, Promotional};
use super::ids::MessageId;
use super::settings::MarketingSettings;

/// For how long a clearance holds at most. A process may end between the clearance and the gateway,
/// and be back in the middle of the night: what was cleared before is then looked at anew.
pub(super) const CLEARANCE_MAX: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    /// Now, if it is handed over by then.
    Until(Timestamp),
    NotBefore(Timestamp),
    Never(DropReason),
}

/// What the flow found out of the product that a message promotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OfProduct {
    pub(super) paused: bool,
    pub(super) out_of_stock: bool,
}

impl Customer {
    /// Whether a message may be sent now: first what forbids it for good, then quiet hours and cap. One
    /// that was cleared before, and whose delivery is tried once more, is held to all of it again; only
    /// its own place under the cap does not count against it.
    pub(super) fn permission(
        &self,
        message: &MessageId,
        wanted: &Promotional,
        product: OfProduct,
        settings: &MarketingSettings,
        now: Timestamp,
    ) -> Permission {
        if let Some(reason) = self.forbids(wanted, product, settings, now) {
            return Permission::Never(reason);
        }
        let quiet = self.quiet_hours(&settings.quiet_hours);
        let sends = self.sends_beside(message, now);
        let held_until = quiet.end(now).max(settings.cap.reopens(&sends, now));
        match held_until {
            Some(until) if until >= wanted.expires_at => Permission::Never(DropReason::Expired),
            Some(until) => Permission::NotBefore(until),
            None => {
                let longest = now.plus(CLEARANCE_MAX).min(wanted.expires_at);
                let begins = quiet.begins(now);
                Permission::Until(begins.map_or(longest, |begins| longest.min(begins)))
            }
        }
    }

    fn forbids(
        &self,
        wanted: &Promotional,
        product: OfProduct,
        settings: &MarketingSettings,
        now: Timestamp,
    ) -> Option<DropReason> {
        let just_bought = |promoted| {
            let mut bought = self.bought.iter();
            bought.any(|(sku, at)| sku == promoted && now.since(*at) < settings.just_bought)
        };
        let reasons = [
            (
                !self.agreed_to(wanted.channel, wanted.purpose),
                DropReason::NoConsent,
            ),
            (
                self.suppressed.contains_key(&wanted.channel),
                DropReason::Suppressed,
            ),
            (now >= wanted.expires_at, DropReason::Expired),
            (!self.complaints.is_empty(), DropReason::OpenComplaint),
            (product.paused, DropReason::PromotionPaused),
            (product.out_of_stock, DropReason::OutOfStock),
            (
                wanted.promotes.as_ref().is_some_and(just_bought),
                DropReason::JustBought,
            ),
        ];
        let mut found = reasons.into_iter().filter(|(holds, _)| *holds);
        found.next().map(|(_, reason)| reason)
    }
}
