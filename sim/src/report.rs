//! What a simulation found, as tables for people.
//!
//! Nothing in it depends on the machine: in virtual time one seed prints the same bytes each time.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};
use mercato_actors::runtime::persistence::Backup;
use mercato_actors::runtime::{AgentStats, FlowStats};
use mercato_actors::{DeskFigures, GivenBack, LevelReason, PriceReason};

use crate::law::Verdict;
use crate::observer::{Observer, Request};
use crate::options::Mode;
use crate::targets::Target;

/// What a simulation found.
#[derive(Debug)]
pub struct Report {
    /// On which clock it ran.
    pub mode: Mode,
    /// The seed that repeats it.
    pub seed: u64,
    /// How long the shop was open.
    pub open_for: Duration,
    /// Where catalogue and shoppers came from, and what was skipped there and why.
    pub data: String,
    /// How many products the shop had.
    pub products: usize,
    /// The currency of all amounts.
    pub currency: String,
    /// What the outside saw.
    pub observer: Observer,
    /// What each agent did.
    pub agents: Vec<AgentStats>,
    /// What the orchestrator did.
    pub flows: FlowStats,
    /// Injected crashes of shards.
    pub crashes: u64,
    /// The backup that was taken half-way, where one was asked for.
    pub backup: Option<Backup>,
    /// Reactions to events that were set aside.
    pub dead_letters: u64,
    /// The performance targets.
    pub targets: [Target; 5],
    /// Undos that wait for a person.
    pub work_items: usize,
    /// What the books say of the day.
    pub business: Business,
    /// How prices moved.
    pub prices: PriceChanges,
    /// How customers were served.
    pub desk: DeskFigures,
    /// What had to hold.
    pub laws: Vec<Verdict>,
}

/// Counts of what happened in the shop, read from the journal after the day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Business {
    /// Orders placed over the life of the store.
    pub orders: u64,
    /// Orders that were given up before they were placed.
    pub cancelled: u64,
    /// Orders whose money was captured.
    pub captured: u64,
    /// Money captured less money given back, in minor units.
    pub revenue_minor: i64,
    /// Units that left the warehouse.
    pub units_shipped: u64,
    /// Captures of less than an order's total: of a parcel among several, or without a line.
    pub partial_captures: u64,
    /// Changes of placed orders that were accepted.
    pub orders_changed: u64,
    /// Lines of placed orders that waited for stock.
    pub lines_backordered: u64,
    /// Lines that were given up.
    pub lines_cancelled: u64,
    /// Returns that were agreed.
    pub returns_requested: u64,
    /// Returns that were paid back.
    pub returns_refunded: u64,
    /// Reservations that lapsed.
    pub reservations_expired: u64,
    /// Times that stock fell to its reorder point.
    pub low_stock: u64,
    /// Purchase orders raised, and deliveries of them booked.
    pub purchase_orders: (u64, u64),
    /// Purchase orders of which some never came.
    pub purchase_orders_short: u64,
    /// Backorders placed, and filled.
    pub backorders: (u64, u64),
    /// Transfers between warehouses.
    pub transfers: u64,
    /// Times that the books were set right: counts, theft, damage.
    pub adjustments: u64,
    /// Times that a forecast was made anew.
    pub forecasts: u64,
    /// Support tickets opened.
    pub tickets: u64,
    /// Messages that were sent.
    pub mails: u64,
}

/// How prices moved, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceChanges {
    /// Base prices that took effect, by reason.
    pub prices: BTreeMap<PriceReason, u64>,
    /// Strategies adjusted, by reason.
    pub strategies: BTreeMap<PriceReason, u64>,
    /// Moves of demand and market, by reason.
    pub levels: BTreeMap<LevelReason, u64>,
    /// Promotions set up.
    pub promotions: u64,
    /// Uses of coupons taken.
    pub coupons: u64,
    /// Uses of coupons given back, by reason.
    pub given_back: BTreeMap<GivenBack, u64>,
    /// Quotes of whole carts locked.
    pub quotes: u64,
}

impl Report {
    /// Whether every law held.
    #[must_use]
    pub fn laws_hold(&self) -> bool {
        self.laws.iter().all(Verdict::holds)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            Mode::Virtual => "virtual time",
            Mode::Live => "live",
        };
        writeln!(f, "Mercato simulation, {mode}, seed {}", self.seed)?;
        writeln!(f, "\n{}", self.data.trim_end())?;
        writeln!(f, "\nThe day\n{}", self.day())?;
        writeln!(f, "\nPrices\n{}", self.prices())?;
        writeln!(f, "\nCustomer support\n{}", self.desk())?;
        writeln!(
            f,
            "\nRequests (latency in ms, from the moment the shopper asked)\n{}",
            self.requests()
        )?;
        for (request, seen) in &self.observer.requests {
            if let Some(reason) = &seen.first_failure {
                writeln!(f, "first failure of {}: {reason}", request.label())?;
            }
        }
        writeln!(f, "\nAgents\n{}", self.agents())?;
        writeln!(f, "\nFlows\n{}", self.flows())?;
        writeln!(
            f,
            "\nTargets (times of 99 in 100; see the README for what virtual time leaves out)\n{}",
            self.targets()
        )?;
        if let Some(backup) = &self.backup {
            writeln!(
                f,
                "\nBackup taken half-way: {} appends in {} bytes, verified",
                backup.records, backup.bytes
            )?;
        }
        writeln!(f, "\nLaws\n{}", self.laws())?;
        for law in self.laws.iter().filter(|law| !law.holds()) {
            for case in &law.cases {
                writeln!(f, "broken: {}: {case}", law.name)?;
            }
        }
        let verdict = if self.laws_hold() {
            "every law held"
        } else {
            "A LAW WAS BROKEN"
        };
        writeln!(f, "\n{verdict}")
    }
}

impl Report {
    fn day(&self) -> Table {
        let seen = &self.observer;
        let business = &self.business;
        let minutes = self.open_for.as_secs_f64() / 60.0;
        let mut table = table(&["what", "value"]);
        let rows: [(&str, String); 24] = [
            ("open for", format!("{minutes:.1} min")),
            ("products", self.products.to_string()),
            (
                "visits / turned away",
                format!("{} / {}", seen.visits, seen.turned_away),
            ),
            ("visits with a cart", seen.carts.to_string()),
            ("visits with an order", seen.buyers.to_string()),
            ("conversion", percent(seen.buyers, seen.visits)),
            (
                "orders acknowledged today",
                seen.acknowledged_now.to_string(),
            ),
            ("orders in the store", business.orders.to_string()),
            ("orders given up", business.cancelled.to_string()),
            ("orders paid", business.captured.to_string()),
            ("revenue", money(business.revenue_minor, &self.currency)),
            ("units shipped", business.units_shipped.to_string()),
            ("partial captures", business.partial_captures.to_string()),
            ("order changes", business.orders_changed.to_string()),
            (
                "lines backordered / cancelled",
                format!(
                    "{} / {}",
                    business.lines_backordered, business.lines_cancelled
                ),
            ),
            (
                "returns agreed / refunded",
                format!(
                    "{} / {}",
                    business.returns_requested, business.returns_refunded
                ),
            ),
            (
                "reservations expired",
                business.reservations_expired.to_string(),
            ),
            ("low-stock alerts", business.low_stock.to_string()),
            (
                "purchase orders raised / deliveries / short",
                format!(
                    "{} / {} / {}",
                    business.purchase_orders.0,
                    business.purchase_orders.1,
                    business.purchase_orders_short
                ),
            ),
            (
                "backorders placed / filled",
                format!("{} / {}", business.backorders.0, business.backorders.1),
            ),
            ("stock transfers", business.transfers.to_string()),
            ("stock adjustments", business.adjustments.to_string()),
            ("forecasts revised", business.forecasts.to_string()),
            (
                "support tickets / mails sent",
                format!("{} / {}", business.tickets, business.mails),
            ),
        ];
        for (what, value) in rows {
            table.add_row([what.to_owned(), value]);
        }
        table
    }

    fn prices(&self) -> Table {
        let (prices, seen) = (&self.prices, &self.observer);
        let mut table = table(&["prices", "count"]);
        let by_reason = |what: &str, reason: &dyn fmt::Debug, count: &u64| {
            [format!("{what}: {reason:?}"), count.to_string()]
        };
        let changed = prices.prices.iter();
        table.add_rows(changed.map(|(why, n)| by_reason("base price", why, n)));
        let adjusted = prices.strategies.iter();
        table.add_rows(adjusted.map(|(why, n)| by_reason("strategy", why, n)));
        let moved = prices.levels.iter();
        table.add_rows(moved.map(|(why, n)| by_reason("level", why, n)));
        let count = |what: &str, count: u64| [what.to_owned(), count.to_string()];
        table.add_row(count("promotions started", prices.promotions));
        table.add_row(count(
            "promotions refused by limits",
            seen.promotions_refused,
        ));
        table.add_row(count("coupon uses taken", prices.coupons));
        let given_back = prices.given_back.iter();
        table.add_rows(given_back.map(|(why, n)| by_reason("coupon uses given back", why, n)));
        table.add_row(count("coupons refused", seen.coupons_refused));
        table.add_row(count("quotes locked", prices.quotes));
        table
    }

    fn desk(&self) -> Table {
        let desk = &self.desk;
        let share = |share: Option<f64>| {
            share.map_or_else(|| "-".into(), |share| format!("{:.2} %", share * 100.0))
        };
        let (sum_ms, longest_ms) = desk.answer_ms;
        let mean_ms = sum_ms.checked_div(desk.answers).unwrap_or_default();
        let (confirmed, refused) = desk.actions;
        let mut table = table(&["customer support", "value"]);
        let rows = [
            (
                "conversations / questions",
                format!("{} / {}", desk.conversations, desk.questions),
            ),
            (
                "contained: no person had to take over",
                share(desk.containment()),
            ),
            (
                "taken up again soon after an answer",
                share(desk.recontact()),
            ),
            (
                "time to answer, mean / longest",
                format!("{mean_ms} ms / {longest_ms} ms"),
            ),
            (
                "answers that asked back / that cite",
                format!("{} / {}", desk.asked_back, desk.cited),
            ),
            (
                "actions confirmed / refused",
                format!("{confirmed} / {refused}"),
            ),
            ("tickets not answered in time", desk.breaches.to_string()),
        ];
        for (what, value) in rows {
            table.add_row([what.to_owned(), value]);
        }
        for (reason, count) in &desk.tickets {
            table.add_row([format!("tickets: {reason}"), count.to_string()]);
        }
        table
    }

    fn requests(&self) -> Table {
        let mut table = table(&[
            "request", "count", "refused", "failed", "p50", "p90", "p99", "max",
        ]);
        for (request, seen) in &self.observer.requests {
            let ms = |us: u64| format!("{:.1}", Duration::from_micros(us).as_secs_f64() * 1_000.0);
            table.add_row([
                Request::label(*request).to_owned(),
                seen.latency_us.len().to_string(),
                seen.refused.to_string(),
                seen.failed.to_string(),
                ms(seen.latency_us.value_at_quantile(0.5)),
                ms(seen.latency_us.value_at_quantile(0.9)),
                ms(seen.latency_us.value_at_quantile(0.99)),
                ms(seen.latency_us.max()),
            ]);
        }
        table
    }

    fn agents(&self) -> Table {
        let mut table = table(&[
            "agent",
            "answered",
            "refused",
            "repeated",
            "failed",
            "shed",
            "quarantined",
            "restarts",
        ]);
        for agent in &self.agents {
            table.add_row([
                agent.agent.to_owned(),
                agent.handled.to_string(),
                agent.rejected.to_string(),
                agent.repeated.to_string(),
                agent.failed.to_string(),
                agent.shed.to_string(),
                agent.quarantined.to_string(),
                agent.restarts.to_string(),
            ]);
        }
        table
    }

    fn flows(&self) -> Table {
        let flows = &self.flows;
        let mut table = table(&[
            "started",
            "resumed",
            "completed",
            "failed",
            "undos",
            "work list",
            "unfinished",
            "crashes injected",
            "dead letters",
        ]);
        table.add_row([
            flows.started.to_string(),
            flows.resumed.to_string(),
            flows.completed.to_string(),
            flows.failed.to_string(),
            flows.undone.to_string(),
            self.work_items.to_string(),
            flows.in_flight.to_string(),
            self.crashes.to_string(),
            self.dead_letters.to_string(),
        ]);
        table
    }

    fn targets(&self) -> Table {
        let mut table = table(&["target", "wanted", "measured", "values", "met"]);
        for row in &self.targets {
            let met = match row.met {
                Some(true) => "yes",
                Some(false) => "NO",
                None => "not measured",
            };
            table.add_row([
                row.name.to_owned(),
                row.target.to_owned(),
                row.measured.clone().unwrap_or_else(|| "-".to_owned()),
                row.values.to_string(),
                met.to_owned(),
            ]);
        }
        table
    }

    fn laws(&self) -> Table {
        let mut table = table(&["law", "cases", "broken", "held"]);
        for law in &self.laws {
            let held = match (law.holds(), law.checked) {
                (false, _) => "NO",
                (true, 0) => "not shown",
                (true, _) => "yes",
            };
            table.add_row([
                law.name.to_owned(),
                law.checked.to_string(),
                law.broken.to_string(),
                held.to_owned(),
            ]);
        }
        table
    }
}

/// A table whose columns after the first are numbers.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(header.to_vec());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".into();
    }
    // Counts far below 2^52: exact as floats.
    #[allow(clippy::cast_precision_loss)]
    let share = part as f64 / whole as f64;
    format!("{:.2} %", share * 100.0)
}

fn money(minor: i64, currency: &str) -> String {
    format!("{currency} {}.{:02}", minor / 100, (minor % 100).abs())
}
