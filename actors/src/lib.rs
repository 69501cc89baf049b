//! The shop: six agents, the journeys between them, and the ports through which they reach the
//! outside.
//!
//! [`Shop`] puts it all into a runtime. Each agent is a module with its state, its events, and its
//! commands, which decide purely; `journeys` holds the durable flows between agents and the one
//! table of what starts them; `ports` holds the outside as traits, each with an in-process default;
//! `domain` holds the words that all of them share.

mod at_rest;
mod domain;
mod inventory;
mod journeys;
mod marketing;
mod order;
#[cfg(feature = "planted-bugs")]
mod planted;
mod ports;
mod pricing;
mod recommendation;
mod shop;
mod shop_config;
mod support;
mod views;

pub use at_rest::flows_at_rest;
pub use domain::{
    Address, AddressPart, BasisPoints, Cart, CartError, CartHold, CartId, CartLine, Catalogue,
    CatalogueError, CompetitorId, CouponCode, Currency, CurrencyError, CustomerId, Destination,
    EmailAddress, HeldPrice, IdError, IdProblem, Jurisdiction, Money, MoneyError, OrderId,
    PaymentId, PersonError, PriceChangeId, Product, PromotionId, PurchaseOrderId, Quantity,
    QuantityError, QuoteId, ReservationId, RuleId, SessionId, Sku, SupplierId, TransferId,
    WarehouseId,
};
pub use inventory::{
    AdjustStock, Adjusted, Adjustment, AdjustmentReason, Backorder, BackorderCancelled,
    BackorderFilled, BackorderPlaced, BackorderStock, BackorderTerms, BackorderTermsSet, Balances,
    CheckStock, ClosePurchaseOrder, CommitReservation, Committed, Condition, ConfirmReservation,
    Confirmed, ConsiderReorder, CountStock, DispatchTransfer, FilledAs, Forecast, ForecastDemand,
    ForecastRevised, HandOverReservation, HoldState, InventoryAgent, InventoryAlert,
    InventoryEvent, InventoryRejection, InventorySettings, LowStockDetected, MeasuredError,
    OpenReservation, OpenReservations, ProcurementNotified, ProcurementOutcome, PurchaseOrder,
    PurchaseOrderAccepted, PurchaseOrderClosed, PurchaseOrderOutcomeLost, PurchaseOrderRaised,
    PurchaseOrderReceived, PurchaseOrderRefused, PurchaseState, ReceivePurchaseOrder, ReceiveStock,
    ReceiveStockAt, ReceiveTransfer, RecordProcurement, ReleaseCartHold, ReleaseReservation,
    Released, ReleasedFrom, ReorderAlertGenerated, ReorderStatus, ReportStock, Reservation,
    ReservationCommitted, ReservationConfirmed, ReservationExpired, ReservationExtended,
    ReservationReleased, ReservationShorted, ReservationSourced, ReserveStock, ReturnStock,
    ReviseForecast, SetBackorderTerms, Shelf, ShipStock, Shipped, ShippingState, ShippingStatus,
    Source, SourceReservation, Sourcing, Stock, StockAdjusted, StockCounted, StockDepleted,
    StockLevels, StockReceived, StockRecovered, StockReplenished, StockReport, StockReserved,
    StockReturned, StockShipped, StockStatus, SupplierPerformance, SweepHolds, TransferDispatched,
    TransferReceived, Waiting, Warehouse, Warehouses, WarehousesError, forecast, replenish,
};
pub use journeys::{
    AUTHORISE, Alternative, BackorderChoice, BackorderedLine, CAPTURE, CHECKOUT, CREATE_LABEL,
    CartPricingError, ChangeReceipt, CheckoutError, CheckoutReceipt, CheckoutRequest, Difference,
    DifferenceKind, FULFIL, FulfilError, FulfilRequest, Fulfilled, Inspection, InventoryReport,
    LOOK_UP, LOOK_UP_PURCHASE, LOW_STOCK, LabelRequest, LineOption, LowStockError, LowStockOutcome,
    LowStockRequest, MARKET_SKUS_MAX, MarketWatch, MarketWatchError, MarketWatched,
    ModificationOptions, OBSERVE_MARKET, ORDER_CHANGE, OrderChangeError, OrderChangeRequest,
    PLACE_PURCHASE, PURCHASE, PricedCart, PricedCartLine, PurchaseError, PurchaseOutcome,
    RECEIVE_RETURN, RECONCILE, REFUND, RELEASE, RELEASE_STOCK, RENEW_PAYMENT, RETURN,
    ReconcileError, ReconcileRequest, Reconciliation, ReleaseError, ReleaseRequest, RenewError,
    RenewRequest, Renewed, ReturnError, ReturnOutcome, ReturnRequest, ReturnedParcel, ReviseError,
    STATEMENT, ShippingLabelError, StatementRequest, VOID, WATCH_MARKET, add_to_cart,
    calculate_total, change_order, checkout, fulfil, inventory_report, lock_cart, low_stock,
    modification_options, purchase, receive_return, reconcile, register_journeys, register_market,
    register_purchases, release, release_stock, remove_from_cart, renew_payment, return_goods,
    shipping_label, watch_market,
};
pub use marketing::{
    Allocation, AssignVariant, Assignment, BuyerNoted, Campaign, CampaignError, CampaignId,
    CampaignIdError, CampaignMetrics, CampaignOutcome, CampaignPlan, CampaignReport, CampaignRun,
    CampaignTriggered, Channel, ChannelAddress, ChannelAddressError, ChannelSuppressed,
    ComplaintOpened, ComplaintSettled, ConfirmationQueued, Consent, ConsentRecorded,
    ContactRecorded, Content, CountEngagement, CountOutcome, CountSend, Customer, CustomerLapsed,
    CustomerProfile, CustomerSegment, DELIVER, DecideSend, DeliverMessage, Delivered,
    DeliveryError, DeliveryOutcome, DropReason, Engagement, EngagementCounted, ExplorationFloor,
    ExplorationFloorError, Exposure, Field, Fields, Finished, FollowUp, FrequencyCap,
    FrequencyCapError, HeldOut, HoldOut, HoldoutMetrics, HoldoutShare, HoldoutShareError, Html,
    MarketingAgent, MarketingEvent, MarketingRejection, MarketingSettings, MarketingState,
    MessageBounced, MessageDropped, MessageEngaged, MessageId, MessageSent, NOTE_COMPLAINT,
    NotALink, NoteBuyer, NoteComplaint, NoteLapse, NoteReorder, Objective, Occasion,
    OptimiseCampaign, OutcomeCounted, Outgoing, OutgoingMail, OutgoingText, Part, PausePromotions,
    PlanError, Population, Profile, PromotionQueued, PromotionStrategy, PromotionsPaused,
    PromotionsResumed, PurchaseAttributed, PurchaseNoted, Purchases, Purpose,
    QueueOrderConfirmation, QueuePromotion, QuietHours, QuietHoursError, QuietHoursSet, Quintiles,
    RUN_CAMPAIGN, ReachRecorded, RecordBounce, RecordConsent, RecordContact, RecordDelivery,
    RecordEngagement, RecordReach, RecordSpamReport, Reorder, ReorderNoted, ResumePromotions,
    RfmScore, RfmThresholds, SEND_MAIL, SEND_PUSH, SEND_SMS, SEND_SOCIAL, SendCleared, SendCounted,
    SendDecision, SendTo, SetQuietHours, SetZone, ShowPromotions, ShowQuintiles, SpamReported,
    SuppressChannel, Suppression, SuppressionLifted, SuppressionReason, Template, TemplateError,
    TicketChange, TimeZoneName, TimeZoneNameError, Timing, TriggerCampaign, TriggeredCampaign,
    Unsubscribe, UnsubscribeUrl, UnsubscribeUrlError, Unsubscribed, VariantAssigned,
    VariantMetrics, VariantPreferred, WayOut, WayOutError, WaysOut, Words, ZoneSet, deliver,
    follow_link, marketing_triggers, note_complaint, optimise, register_marketing, run_campaign,
    send_mail, send_text,
};
pub use mercato_config as config;
pub use mercato_runtime as runtime;
pub use order::{
    AbandonChange, AbandonCheckout, AgreeTerms, AllocateStock, AuthorisationExpired,
    AuthorisationRenewed, BeginChange, BeginFulfilment, Begun, CancelLine, CancelOrder,
    CancelReason, Cancelled, CapturePlan, ChangeAbandoned, ChangeBegun, ChangeOrder,
    CheckModificationEligibility, Eligibility, ExpireAuthorisation, ExpireUnpaid, Fulfilment,
    FulfilmentBegun, InspectReturn, LabelRecorded, LapseReturn, LineCancelled, LineUnits,
    MoneyPart, OrderAgent, OrderCancelled, OrderChangePrice, OrderChanged, OrderDetails,
    OrderEvent, OrderLine, OrderMoney, OrderPayment, OrderPhase, OrderPlaced, OrderPriced,
    OrderProblem, OrderReceived, OrderRejection, OrderRevised, OrderSettings, OrderState,
    OrderStatus, OrderView, Parcel, ParcelDispatched, ParcelTracked, PaymentAuthorised,
    PaymentCaptured, PaymentDeclined, PaymentNoticeOutcome, PaymentOutcome, PaymentOutcomeLost,
    PendingUnits, PlaceOrder, PlanParcels, PlannedMovement, PlannedParcel, PriceOrder,
    PriceOrderChange, PriceTerms, PricedLine, PricedOrder, ReceiveOrder, RecordAuthorisation,
    RecordCapture, RecordDispatch, RecordLabel, RecordPaymentNotice, RecordRefund, RecordRenewal,
    RecordTracking, RefundRecorded, RefuseReturn, RequestReturn, ReturnAuthorisation,
    ReturnFinding, ReturnInspected, ReturnLapsed, ReturnRefused, ReturnRequested, ReviseOrder,
    Revised, ShippingTariff, ShippingTax, ShowCapture, ShowFulfilment, ShowPayments, ShowRefund,
    StockAllocated, StockHold, Surcharge, TariffError, TariffProblem, TaxCategory, TaxRates,
    TaxRounding, TaxTable, TaxTableError, TermsAgreed, Transition, WeightBand, Weights, Zone,
    ZoneTariff,
};
#[cfg(feature = "planted-bugs")]
pub use planted::PlantedBug;
pub use ports::{
    Authorisation, AuthoriseRequest, Carrier, CarrierError, CompetitorFeed, CompetitorFeedError,
    CompetitorObservation, Consignment, DeclineReason, InProcessCarrier, InProcessCompetitors,
    InProcessMail, InProcessMessenger, InProcessPayments, InProcessProcurement, LabelEntry,
    LabelError, LanguageModel, LanguageModelError, LedgerEntry, LedgerFull, LedgerOptions,
    LedgerSink, Mail, MailEntry, MailError, Message, MessageStream, Messenger, MessengerError,
    Messengers, MovementRequest, OBSERVATIONS_MAX, ObservedProduct, ParcelStatus, PaymentEntry,
    PaymentError, PaymentLedger, PaymentMethod, PaymentMovement, PaymentNotice, PaymentNoticeKind,
    PaymentRecord, Payments, Procurement, ProcurementError, PurchaseAccepted, PurchaseDelivery,
    PurchaseEntry, PurchaseLookup, PurchaseRecord, PurchaseRequest, ShippingLabel, StatementLine,
    SupplierHabits, TextEntry, TextMessage, TrackingNumber, TrackingNumberError, TrackingScan,
    VoidOutcome,
};
pub use pricing::{
    AcceptQuote, ActivatePriceChange, AdjustStrategy, ApprovePriceChange, BasePriceSet,
    CancelQuote, CartQuote, CartQuoteState, ChangePrice, CheckCoupon, ClaimCoupon, CompetitorPrice,
    CompetitorPriceRecorded, CompetitorPrices, CompetitorPricesRecorded, ConfirmQuote, Coupon,
    CouponClaimed, CouponHold, CouponIssued, CouponReleased, CouponTerms, CouponUse,
    CouponWithdrawn, DemandPeriodClosed, DropPriceChange, Elasticity, ElasticityPrior, GivenBack,
    HeldCoupon, IgnoredBecause, InvalidRules, IssueCoupon, IssueQuote, LapseClaims, LevelHeld,
    LevelReason, Lifecycle, LineQuote, ListPrice, LookAtShelf, MarketSeen, NotApplied, ObserveSale,
    PausePromotion, PriceActivated, PriceChangeApproved, PriceChangeDropped, PriceChangeProposed,
    PriceChangeScheduled, PriceChangeStage, PriceChangeTerms, PriceExplanation, PriceHistory,
    PriceInputs, PriceLevelMoved, PriceLimit, PriceList, PriceListProblem, PriceListSet,
    PriceReason, PriceRecommendation, PriceState, PriceStep, PriceVersion, PricedBasket,
    PricingAgent, PricingEvent, PricingRejection, PricingSettings, PricingState, PricingTerms,
    PriorPrice, Promotion, PromotionPaused, PromotionPlanned, PromotionStarted, PromotionTerms,
    Quote, QuoteAccepted, QuoteCancelled, QuoteIssued, QuoteLine, QuotePrice, QuoteReleased,
    QuoteSold, QuoteStage, QuotedLine, RecordCompetitorPrices, Reduction, ReleaseCoupon,
    ReleaseQuote, Reprice, Repriced, RollBackPrice, Rule, RuleBook, RuleCondition, RuleEffect,
    RuleProblem, SaleObserved, SalesChannel, Segment, SetPriceList, ShelfPrice, ShelfPriceShown,
    ShowElasticity, ShowPriceVersions, ShowQuote, ShowShelfPrice, ShownPrice, Stacking,
    StartPromotion, StrategyAdjusted, TakeOverCoupon, TraceEntry, TraceNote, WhyThisPrice,
    WithdrawCoupon, price_basket, pricing_triggers,
};
pub use recommendation::{
    BasketLearned, BoughtProduct, BrowseRequest, BusinessRules, Candidate, CandidateContext,
    Candidates, ClickLearned, Clicks, Device, Exposures, GenerateCandidates, LearnBasket,
    LearnClick, LogExposure, Model, NewProduct, NextItem, NextItemLimits, NextItemSize,
    NextProduct, NextProducts, PopularProducts, ProductRestored, ProductSuppressed, ProductViewed,
    ProductsBought, ProductsShown, Purchase, RecommendError, Recommendation, RecommendationAgent,
    RecommendationEvent, RecommendationRejection, RecommendationState, Recommendations,
    RecordPurchase, RecordView, RestoreProduct, Rung, SessionNumber, ShopperTaste, Showcase,
    ShownProduct, Situation, SuppressProduct, Taste, Visitor, recommend, recommendation_triggers,
};
pub use shop::{AGENTS, PORTS, Ports, Shop, ShopAgents};
pub use shop_config::{ShopConfig, ShopTerms, Watching};
pub use support::learn as intents;
pub use support::{
    ActionConfirmed, ActionError, ActionFinished, ActionOffered, ActionOutcome, ActionRequest,
    AnswerRecorded, AnswerTicket, Article, Articles, ChannelChanged, CheckServiceLevel, Citation,
    Classification, ConfirmAction, Conversation, ConversationId, ConversationIdError,
    CustomerQuery, DeskFigures, DeskMeasures, DeskWatch, Draft, Intent, IntentClassifier,
    IntentFile, IntentFileError, IntentModelError, KnowledgeBase, KnowledgeError, Offer,
    OfferAction, OpenTicket, PHRASE_ANSWER, PHRASE_SENTENCE, PhrasingError, Priority, PrivateText,
    QueryReceived, ReceiveQuery, RecordAction, RecordAnswer, RecordedAnswer, Redactor, Resolution,
    ResolveTicket, SUPPORT_ACTION, ServiceLevels, ShowConversation, ShowTicket, SupportAction,
    SupportAgent, SupportAnswer, SupportChannel, SupportError, SupportEvent, SupportRejection,
    SupportSettings, TakenAction, Ticket, TicketAnswered, TicketBreached, TicketFile, TicketOpened,
    TicketReason, TicketResolved, Turn, Understood, answer_query, carried_questions, phrase_answer,
    phrase_sentence, register_language, register_support, say_otherwise, support_action,
};
pub use views::views;
