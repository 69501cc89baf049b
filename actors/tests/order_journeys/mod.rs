//! The journeys between the agents, on a whole shop in virtual time.

// Helpers stand outside the test functions, where clippy takes no test for one.
mod changes_are_all_or_nothing;
mod checkouts_are_all_or_nothing;
mod crashes_lose_and_double_nothing;
mod discovery_leads_to_a_purchase;
mod enquiries_are_answered;
mod fulfilments_are_tried_again;
mod gateway;
mod low_stock_is_dealt_with;
mod money_is_reconciled;
mod one_cart_is_checked_out_twice;
mod orders_are_their_customers;
mod refunds_wait_for_a_person;
mod renewals_are_tried_again;
mod returns_are_inspected_by_the_shop;
mod stock_is_waited_for;
mod support_acts_within_limits;
mod tax_in_prices_is_no_margin;
mod the_last_unit_is_sold_once;
mod town;

use std::time::Duration;

use mercato_actors::*;
use mercato_runtime::{
    AskFailure, Caller, CommandId, FlowId, PersonId, Principal, RunError, Scope,
};
use town::{Basket, HOUR, Town, gbp, order, sku};
