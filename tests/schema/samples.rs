//! Samples of what a simulated day does not show, or shows with gaps. Every field holds something:
//! an empty list or a `None` says nothing of what it could hold.

use mercato::actors::forecast::{DemandPattern, Method};
use mercato::actors::{
    ActionConfirmed, ActionFinished, ActionOffered, ActionOutcome, Address, Adjustment,
    AdjustmentReason, AuthorisationExpired, AuthorisationRenewed, BackorderCancelled,
    BackorderFilled, BackorderPlaced, BackorderTerms, BackorderTermsSet, BasePriceSet, BasisPoints,
    CancelReason, ChangeAbandoned, ChannelChanged, CompetitorPriceRecorded, Condition,
    ConversationId, Currency, FilledAs, ForecastRevised, Jurisdiction, Lifecycle, LineCancelled,
    Money, MoneyPart, Offer, OrderId, OrderLine, ParcelStatus, ParcelTracked, PaymentId,
    PriceReason, Priority, PrivateText, PromotionId, PromotionPaused, PromotionStarted,
    PurchaseOrderClosed, PurchaseOrderId, PurchaseOrderOutcomeLost, PurchaseOrderRefused, Quantity,
    RefundRecorded, ReservationExpired, ReservationExtended, ReservationId, ReservationShorted,
    ReturnFinding, ReturnInspected, ReturnLapsed, ReturnRefused, ReturnRequested, Segment, Sku,
    StockAdjusted, StockCounted, StockDepleted, StockHold, StockReplenished, StockReturned,
    SupportAction, SupportChannel, TermsAgreed, Ticket, TicketAnswered, TicketBreached,
    TicketOpened, TicketReason, TicketResolved, TrackingScan, TransferDispatched, TransferId,
    TransferReceived, WarehouseId,
};
use mercato::persistence::Position;
use mercato::{CommandId, PersonId, Personal, Principal, Timestamp, Vault, codec};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::Serialize;

use crate::schema::{marketing_samples, price_samples};

pub type Sample = ((String, String), Vec<u8>);

/// By owner and name, with the stored bytes.
pub fn by_hand() -> Vec<Sample> {
    let mut samples = vec![
        // The runtime's own events are private to it; a tuple is stored as a struct is.
        of(
            "flow",
            "UndoGivenUp",
            &("capture", "the gateway refused it"),
        ),
        of(
            "support",
            "TicketOpened",
            &TicketOpened {
                ticket: Ticket {
                    number: 1,
                    reason: TicketReason::Complaint,
                    priority: Priority::Urgent,
                    order: Some(order()),
                    opened_at: at(1),
                    due_at: at(2),
                },
            },
        ),
        of(
            "support",
            "TicketResolved",
            &TicketResolved {
                number: 1,
                at: at(3),
            },
        ),
    ];
    samples.extend(of_support());
    samples.extend(of_stock());
    samples.extend(of_subscriptions());
    samples.extend(of_quarantine());
    samples.extend(of_triggers());
    samples.extend(of_flows());
    samples.extend(of_orders());
    samples.extend(of_prices());
    samples.extend(price_samples::by_hand());
    samples.extend(marketing_samples::by_hand());
    samples
}

fn of_support() -> Vec<Sample> {
    let owner = "support";
    let order = OrderId::new("o1-1").expect("an order");
    let sku = Sku::new("85123A").expect("a sku");
    let quantity = Quantity::new(2).expect("a quantity");
    let action = SupportAction::ReturnGoods {
        order,
        lines: vec![OrderLine { sku, quantity }],
    };
    let outcome = ActionOutcome::ReturnAgreed {
        rma: "o1-1-R1".into(),
        refund: Money::new(1_295, Currency::GBP),
        until: at(9),
    };
    let offer = Offer {
        number: 2,
        action: action.clone(),
        turn: 3,
        until: at(8),
    };
    vec![
        of(
            owner,
            "ChannelChanged",
            &ChannelChanged {
                channel: SupportChannel::Phone,
                at: at(4),
            },
        ),
        of(
            owner,
            "TicketBreached",
            &TicketBreached {
                number: 1,
                priority: Priority::High,
                due_at: at(6),
                at: at(5),
            },
        ),
        of(
            owner,
            "TicketAnswered",
            &TicketAnswered {
                number: 1,
                text: sealed(&PrivateText::new("it works again")),
                at: at(6),
            },
        ),
        of(owner, "ActionOffered", &ActionOffered { offer }),
        of(
            owner,
            "ActionConfirmed",
            &ActionConfirmed {
                conversation: ConversationId::new("chat-1").expect("a name"),
                number: 2,
                action,
                at: at(7),
            },
        ),
        of(
            owner,
            "ActionFinished",
            &ActionFinished {
                number: 2,
                outcome,
                at: at(8),
            },
        ),
    ]
}

/// As a shopper's data is stored. The key is drawn from a fixed seed, so that the bytes repeat.
pub fn sealed<T: Serialize>(value: &T) -> Personal<T> {
    let vault = Vault::in_memory().expect("memory");
    let person = PersonId::new("17850").expect("an id");
    let sealed = vault.seal(&person, value, &mut ChaCha8Rng::seed_from_u64(7));
    sealed.expect("a new person")
}

/// The runtime's own events are private to it; a tuple is stored as a struct is.
fn of_subscriptions() -> Vec<Sample> {
    let place = (Position::new(7), 1u32);
    let owner = "subscription";
    vec![
        of(owner, "SubscriptionStarted", &(Some(Position::new(7)),)),
        of(owner, "CursorReset", &(Position::new(3),)),
        of(
            owner,
            "DeadLettered",
            &(place, "order/o1-1", "OrderPlaced", 5u32, "no such shelf"),
        ),
        of(owner, "DeadLettersSettled", &(vec![place], true)),
        of(owner, "SubscriptionRemoved", &()),
    ]
}

/// What triggers set aside is stored as what subscribers do.
fn of_triggers() -> Vec<Sample> {
    let place = (Position::new(7), 1u32);
    let letter = (
        place,
        "order/o1-1",
        "OrderPlaced",
        8u32,
        "the rule panicked",
    );
    vec![
        of("trigger", "DeadLettered", &letter),
        of("trigger", "DeadLettersSettled", &(vec![place], true)),
    ]
}

fn of_quarantine() -> Vec<Sample> {
    let owner = "quarantine";
    let command = CommandId::from_key("o1-1").as_uuid();
    let by = Principal::Operator("ann".into());
    let quarantined = (
        command,
        "ReserveStock",
        1u16,
        "85123A",
        Principal::user("17850"),
        3u32,
        "no such shelf",
        vec![7u8, 9],
    );
    let place = (Position::new(7), 1u32);
    let poisoned = ("85123A", place, "StockReserved", 1u16, "no such shelf");
    vec![
        of(owner, "CommandQuarantined", &quarantined),
        of(
            owner,
            "CommandFailedAgain",
            &(command, 3u32, "no such shelf"),
        ),
        of(owner, "CommandReplayed", &(command, true, by.clone())),
        of(owner, "CommandDropped", &(command, "a test", by.clone())),
        of(owner, "EntityQuarantined", &poisoned),
        of(owner, "EntityReleased", &("85123A", by)),
    ]
}

/// The runtime's own events are private to it; a tuple is stored as a struct is.
fn of_flows() -> Vec<Sample> {
    let owner = "flow";
    let by = Principal::Operator("7".into());
    vec![
        of(owner, "FlowAdopted", &("checkout", "o1-1", 1u16)),
        of(owner, "FlowMigrated", &(2u16, vec![7u8, 9], 7u128)),
        of(
            owner,
            "BranchesDecided",
            &("quotes", vec!["ups"], vec!["dhl"], vec!["dhl", "post"]),
        ),
        of(owner, "FlowCancelRequested", &("ordered twice", &by)),
        of(owner, "FlowRevertRequested", &("its parent failed",)),
        of(
            owner,
            "WorkRetried",
            &(Some("capture"), &by, Some(Timestamp::from_millis(7))),
        ),
        of(
            owner,
            "WorkResolved",
            &(Some("capture"), "captured by hand", &by),
        ),
    ]
}

fn of_stock() -> Vec<Sample> {
    let owner = "inventory";
    let warehouse = WarehouseId::new("north").expect("an id");
    let reservation = ReservationId::new("o1-1").expect("an id");
    let transfer = TransferId::new("t1").expect("an id");
    let order = PurchaseOrderId::new("po1").expect("an id");
    let quantity = Quantity::new(3).expect("a quantity");
    vec![
        of(
            owner,
            "ReservationExpired",
            &ReservationExpired {
                reservation: reservation.clone(),
                quantity,
            },
        ),
        of(
            owner,
            "ReservationExtended",
            &ReservationExtended {
                reservation: reservation.clone(),
                expires_at: at(2),
            },
        ),
        of(
            owner,
            "StockReturned",
            &StockReturned {
                warehouse: warehouse.clone(),
                quantity,
                condition: Condition::Damaged,
            },
        ),
        of(
            owner,
            "StockAdjusted",
            &StockAdjusted {
                warehouse: warehouse.clone(),
                adjustment: Adjustment::Damaged(quantity),
                reason: AdjustmentReason::Spoilage,
                at: at(1),
            },
        ),
        of(
            owner,
            "StockCounted",
            &StockCounted {
                warehouse: warehouse.clone(),
                expected: 12,
                counted: 11,
                at: at(1),
            },
        ),
        of(
            owner,
            "TransferDispatched",
            &TransferDispatched {
                transfer: transfer.clone(),
                from: WarehouseId::main(),
                to: warehouse.clone(),
                quantity,
                at: at(1),
            },
        ),
        of(
            owner,
            "TransferReceived",
            &TransferReceived {
                transfer,
                to: warehouse,
                arrived: 2,
                lost: 1,
                at: at(2),
            },
        ),
        of(
            owner,
            "PurchaseOrderRefused",
            &PurchaseOrderRefused {
                order: order.clone(),
                quantity,
                reason: "sold out".into(),
            },
        ),
        of(
            owner,
            "PurchaseOrderOutcomeLost",
            &PurchaseOrderOutcomeLost {
                order: order.clone(),
            },
        ),
        of(
            owner,
            "PurchaseOrderClosed",
            &PurchaseOrderClosed {
                order,
                missing: quantity,
                at: at(3),
            },
        ),
        of(
            owner,
            "BackorderTermsSet",
            &BackorderTermsSet {
                terms: BackorderTerms::preorder(50, at(3)),
            },
        ),
        of(
            owner,
            "BackorderPlaced",
            &BackorderPlaced {
                reservation: reservation.clone(),
                quantity,
                promised_at: at(3),
                at: at(1),
            },
        ),
        of(
            owner,
            "BackorderFilled",
            &BackorderFilled {
                reservation: reservation.clone(),
                quantity,
                filled_as: FilledAs::Held { expires_at: at(3) },
            },
        ),
        of(
            owner,
            "BackorderCancelled",
            &BackorderCancelled {
                reservation: reservation.clone(),
                quantity,
            },
        ),
        of(
            owner,
            "ReservationShorted",
            &ReservationShorted {
                reservation,
                quantity,
                fills_as: FilledAs::Committed,
                promised_at: at(3),
            },
        ),
        of(owner, "StockDepleted", &StockDepleted { at: at(1) }),
        of(owner, "StockReplenished", &StockReplenished { at: at(2) }),
        of(
            owner,
            "ForecastRevised",
            &ForecastRevised {
                at: at(1),
                pattern: DemandPattern::Erratic,
                method: Some(Method::Imapa),
                per_hour_milli: 1_250,
                until: at(49),
                over_lead_time_milli: 60_000,
                deviation_milli: 17_500,
                safety: 30,
                reorder_point: 90,
                order_up_to: 300,
                held_out_error_milli: Some(700),
                score_milli: Some(-450),
            },
        ),
    ]
}

fn of_orders() -> Vec<Sample> {
    let country = Jurisdiction::new("DE").expect("a country");
    let address = Address::new("A. Name", "1 Some Street", "Some City", "12345", country);
    let lines = vec![OrderLine {
        sku: sku(),
        quantity: Quantity::new(2).expect("a quantity"),
    }];
    vec![
        of(
            "order",
            "OrderChanged",
            // Where it goes: the country is clear, the rest is sealed.
            &((country, sealed(&address.expect("an address"))),),
        ),
        of(
            "order",
            "ReturnRequested",
            &ReturnRequested {
                lines,
                refund: pounds(1_250),
            },
        ),
        of("order", "ReturnRefused", &ReturnRefused),
        of(
            "order",
            "RefundRecorded",
            &RefundRecorded {
                amount: pounds(1_250),
                parts: vec![part()],
            },
        ),
        of(
            "order",
            "LineCancelled",
            &LineCancelled {
                order: order(),
                sku: sku(),
                quantity: Quantity::new(2).expect("a quantity"),
                reason: CancelReason::BackorderExpired,
                freed: vec![StockHold {
                    sku: sku(),
                    reservation: ReservationId::new("o1-1.b2").expect("an id"),
                    quantity: Quantity::new(2).expect("a quantity"),
                }],
            },
        ),
        of(
            "order",
            "ParcelTracked",
            &ParcelTracked {
                parcel: 2,
                scan: TrackingScan {
                    at: at(5),
                    status: ParcelStatus::OutForDelivery,
                },
            },
        ),
        of("order", "ChangeAbandoned", &ChangeAbandoned),
        of(
            "order",
            "AuthorisationExpired",
            &AuthorisationExpired {
                order: order(),
                payment: part().payment,
            },
        ),
        of(
            "order",
            "AuthorisationRenewed",
            &AuthorisationRenewed { payment: part() },
        ),
        of("order", "ReturnLapsed", &ReturnLapsed),
        of(
            "order",
            "TermsAgreed",
            &TermsAgreed {
                segment: Segment::Trade,
            },
        ),
        of(
            "order",
            "ReturnInspected",
            &ReturnInspected {
                findings: vec![ReturnFinding {
                    sku: sku(),
                    resaleable: 1,
                    damaged: 1,
                }],
                refund: pounds(1_250),
            },
        ),
    ]
}

fn part() -> MoneyPart {
    MoneyPart {
        payment: PaymentId::new("o1-1.p1").expect("an id"),
        amount: pounds(1_250),
    }
}

fn of_prices() -> Vec<Sample> {
    let promotion = PromotionId::new("spring").expect("an id");
    vec![
        of(
            "pricing",
            "BasePriceSet",
            &BasePriceSet {
                base: pounds(450),
                cost: pounds(200),
                lifecycle: Lifecycle::Clearance,
                reason: PriceReason::Market,
            },
        ),
        of(
            "pricing",
            "PromotionStarted",
            &PromotionStarted {
                promotion: promotion.clone(),
                off: BasisPoints::new(1_500),
                starts: at(2),
                ends: at(3),
                at: at(1),
            },
        ),
        of(
            "pricing",
            "CompetitorPriceRecorded",
            &CompetitorPriceRecorded {
                unit: pounds(430),
                seen_at: at(1),
            },
        ),
        of(
            "pricing",
            "PromotionPaused",
            &PromotionPaused {
                promotion,
                reason: PriceReason::LowStock,
            },
        ),
    ]
}

pub fn of(owner: &str, name: &str, event: &impl Serialize) -> Sample {
    let bytes = codec::encode(event).expect("bytes");
    ((owner.to_owned(), name.to_owned()), bytes)
}

pub fn sku() -> Sku {
    Sku::new("85123A").expect("a sku")
}

pub fn order() -> OrderId {
    OrderId::new("o1-1").expect("an id")
}

pub fn pounds(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

/// A moment on some day.
pub fn at(hour: u64) -> Timestamp {
    Timestamp::from_millis(1_322_697_600_000 + hour * 3_600_000)
}
