//! actors

mod domain;
mod inventory;
mod marketing;
mod ports;
mod pricing;
mod recommendation;

pub use domain::{
    Address, AddressPart, BasisPoints, Cart, CartError, CartId, CartLine, Catalogue,
    CatalogueError, Currency, CurrencyError, CustomerId, EmailAddress, HeldPrice, IdError,
    IdProblem, Jurisdiction, Money, MoneyError, OrderId, PaymentId, PersonError, Product,
    PromotionId, PurchaseOrderId, Quantity, QuantityError, ReservationId, Sku,
};
pub use inventory::{
    Balances, CheckStock, CommitReservation, Committed, Condition, ConfirmReservation, Confirmed,
    ConsiderReorder, Forecast, ForecastDemand, HoldState, InventoryAgent, InventoryEvent,
    InventoryRejection, InventorySettings, LowStockDetected, OpenReservation, OpenReservations,
    ProcurementNotified, PurchaseOrderRaised, PurchaseOrderReceived, ReceivePurchaseOrder,
    ReceiveStock, ReleaseReservation, Released, ReleasedFrom, ReorderAlertGenerated,
    ReorderStatus, Reservation, ReservationCommitted, ReservationConfirmed, ReservationExpired,
    ReservationReleased, ReserveStock, ReturnStock, ShipStock, Shipped, ShippingState,
    ShippingStatus, Stock, StockLevels, StockReceived, StockRecovered, StockReserved,
    StockReturned, StockShipped, StockStatus,
};
pub use ports::{
    Authorisation, AuthoriseRequest, Carrier, CarrierError, DeclineReason, InProcessCarrier,
    InProcessMail, InProcessPayments, LabelEntry, LedgerEntry, LedgerFull, LedgerOptions,
    LedgerSink, Mail, MailEntry, MailError, Message, MovementRequest, PaymentEntry, PaymentError,
    PaymentLedger, PaymentMethod, PaymentMovement, PaymentRecord, Payments, TrackingNumber,
    TrackingNumberError, VoidOutcome,
};
pub use pricing::{
    AdjustStrategy, BasePriceSet, CompetitorPrice, CompetitorPriceRecorded, Lifecycle,
    PausePromotion, PriceInputs, PriceReason, PriceRecommendation, PriceState, PriceStep,
    PricingAgent, PricingEvent, PricingRejection, PricingSettings, Promotion, PromotionPaused,
    PromotionStarted, Quote, QuotePrice, RecordCompetitorPrice, Segment, SetBasePrice,
    StartPromotion, StrategyAdjusted, TraceEntry,
};
pub use recommendation::{
    BasketLearned, BoughtProduct, BusinessRules, Candidate, CandidateContext, Candidates,
    GenerateCandidates, LearnBasket, Model, ProductRestored, ProductSuppressed, ProductViewed,
    ProductsBought, Purchase, RecommendationAgent, RecommendationEvent, RecommendationRejection,
    RecommendationState, RecordPurchase, RecordView, RestoreProduct, Rung, ShopperTaste,
    SuppressProduct, Taste, BrowseRequest, RecommendError, Recommendation, Recommendations, recommend,
};
pub use marketing::{
    Allocation, AssignVariant, Assignment, Campaign, CampaignId, CampaignIdError, CampaignMetrics,
    CampaignPlan, CampaignTriggered, Channel, ConfirmationQueued, Consent, ConsentRecorded,
    ContactRecorded, Content, CountEngagement, DELIVER, DeliverMessage, Delivered, DeliveryError,
    OutgoingMail, SEND_MAIL, deliver, send_mail, CampaignError, CampaignOutcome, CampaignRun, RUN_CAMPAIGN, run_campaign, CountSend, Customer, CustomerProfile,
    CustomerSegment, DecideSend, DropReason, Engagement, EngagementCounted, ExplorationFloor,
    ExplorationFloorError, Field, Finished, FrequencyCap, FrequencyCapError, MarketingAgent,
    MarketingEvent, MarketingRejection, MarketingSettings, MarketingState, MessageDropped,
    MessageEngaged, MessageId, MessageSent, NoteReorder, OptimiseCampaign, Outgoing,
    PausePromotions, PlanError, Profile, PromotionQueued, PromotionStrategy, PromotionsPaused,
    PromotionsResumed, Purchases, Purpose, QueueOrderConfirmation, QueuePromotion, QuietHours,
    QuietHoursError, QuietHoursSet, RecordConsent, RecordContact, RecordDelivery,
    RecordEngagement, Reorder, ReorderNoted, ResumePromotions, RfmThresholds, SendCleared,
    SendCounted, SendDecision, SetQuietHours, ShowPromotions, Template, TemplateError,
    TriggerCampaign, Unsubscribe, Unsubscribed, VariantAssigned, VariantMetrics, VariantPreferred,
};
