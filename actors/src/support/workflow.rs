//! SPEC's customer support workflow, box by box.

use std::sync::Arc;

use futures::future::{try_join, try_join_all};
use mercato_runtime::{
    AskError, AskFailure, Command, FlowError, PersonId, Rejection, Scope, SealError,
};

use super::SupportAgent;
use super::action::{Offer, SupportAction, says_yes};
use super::action_commands::{ConfirmAction, OfferAction};
use super::answer::{
    CustomerQuery, Resolution, SupportAnswer, SupportError, lone_order, mentioned_order,
    unavailable,
};
use super::commands::{QUERY_BYTES_MAX, ReceiveQuery, RecordAnswer, SupportRejection, Understood};
use super::intent::Intent;
use super::knowledge::Article;
use super::reads::ShowConversation;
use super::respond::{Reply, Speaker};
use super::text::{PrivateText, terms};
use super::ticket::{Ticket, TicketReason};
use super::ticket_commands::OpenTicket;
use crate::domain::{Money, OrderId, Product, Quantity};
use crate::inventory::{CheckStock, ShippingState, ShippingStatus, StockStatus};
use crate::journeys::{ModificationOptions, OrderChangeError, modification_options};
use crate::order::{OrderLine, OrderRejection, OrderStatus, OrderView};
use crate::pricing::{QuotePrice, Segment};

/// Under so many ids something is asked. Each time that a question comes again uses up a few.
const IDS_MAX: u32 = 32;

/// Answers a question. What is asked and what is answered is open in here and for the asker; the
/// agent gets both sealed.
///
/// # Errors
/// When the question is too long, the asker was erased, the conversation is somebody else's, or an agent cannot be asked.
pub async fn answer_query(
    scope: &Scope,
    query: CustomerQuery,
) -> Result<SupportAnswer, SupportError> {
    let agent = scope.agent::<SupportAgent>()?;
    let person = whose(scope, &query).await?;
    let understood = intent_classification(scope, &agent, &query, &person).await?;
    let desk = Desk {
        scope,
        agent,
        query: &query,
        person,
        understood,
    };
    let reply = match desk.query_type() {
        QueryType::ProductInfo => desk.product_knowledge_query().await?,
        QueryType::OrderStatus => desk.order_status_query().await?,
        QueryType::OrderChange => desk.order_change_query().await?,
        QueryType::TechnicalIssue => desk.technical_support_flow().await?,
        QueryType::GeneralQuestion => desk.faq_knowledge_query().await?,
        QueryType::ForPerson(reason) => desk.escalate_to_human_agent(reason).await?,
        QueryType::ReturnOrRefund => desk.return_query().await?,
        QueryType::OutOfScope => desk.out_of_scope().await?,
        QueryType::Unclear => desk.ask_back("what-is-meant").await?,
        QueryType::Yes(offer) => desk.confirm(offer).await?,
        QueryType::No => desk.speaker().left()?,
    };
    desk.send_response(reply).await
}

/// SPEC's "query type?".
enum QueryType {
    ProductInfo,
    OrderStatus,
    OrderChange,
    TechnicalIssue,
    GeneralQuestion,
    ReturnOrRefund,
    ForPerson(TicketReason),
    OutOfScope,
    Unclear,
    /// To what the shop offered just before.
    Yes(Offer),
    No,
}

/// For whom the conversation is sealed: the shopper who asks, the one whose conversation it is, or
/// somebody unknown, who gets a pseudonym with it.
async fn whose(scope: &Scope, query: &CustomerQuery) -> Result<PersonId, SupportError> {
    if let Some(shopper) = scope.principal().as_user() {
        return Ok(PersonId::new(shopper).map_err(SealError::from)?);
    }
    let conversation = query.conversation.clone();
    let person = match scope.ask(ShowConversation { conversation }).await {
        Ok(conversation) => conversation.person,
        Err(AskError::Rejected(SupportRejection::NoConversation(_))) => None,
        Err(error) => return Err(error.into()),
    };
    match person {
        Some(person) => Ok(person),
        // No customer's id holds a slash.
        None => {
            let guest = PersonId::new(format!("guest/{}", query.conversation));
            Ok(guest.map_err(SealError::from)?)
        }
    }
}

async fn intent_classification(
    scope: &Scope,
    agent: &SupportAgent,
    query: &CustomerQuery,
    person: &PersonId,
) -> Result<Understood, SupportError> {
    let text = query.text.as_str();
    if text.len() > QUERY_BYTES_MAX {
        return Err(SupportError::Refused(SupportRejection::QueryTooLong));
    }
    let receive = ReceiveQuery {
        conversation: query.conversation.clone(),
        text: scope.seal(person, &query.text)?,
        taken_for: agent.classify(text),
        names_only: agent.only_names(text),
        channel: query.channel,
    };
    Ok(scope.ask(receive).await?)
}

/// One question on its way through the workflow.
struct Desk<'a> {
    scope: &'a Scope,
    agent: Arc<SupportAgent>,
    query: &'a CustomerQuery,
    person: PersonId,
    understood: Understood,
}

impl Desk<'_> {
    fn query_type(&self) -> QueryType {
        let understood = &self.understood;
        if let Some(offer) = &understood.offer {
            match says_yes(&terms(self.query.text.as_str())) {
                Some(true) => return QueryType::Yes(offer.clone()),
                Some(false) => return QueryType::No,
                None => {}
            }
        }
        let taken_for = understood.taken_for;
        match taken_for.intent {
            None => QueryType::OutOfScope,
            Some(_) if taken_for.confidence < self.agent.settings().confidence_min => {
                QueryType::Unclear
            }
            Some(intent) => match intent {
                Intent::ProductInfo => QueryType::ProductInfo,
                Intent::OrderStatus => QueryType::OrderStatus,
                Intent::OrderChange => QueryType::OrderChange,
                Intent::TechnicalIssue => QueryType::TechnicalIssue,
                Intent::GeneralQuestion => QueryType::GeneralQuestion,
                Intent::ReturnOrRefund => QueryType::ReturnOrRefund,
                Intent::Person => QueryType::ForPerson(TicketReason::PersonAsked),
                Intent::Complaint => QueryType::ForPerson(TicketReason::Complaint),
            },
        }
    }

    fn speaker(&self) -> Speaker<'_> {
        Speaker(self.agent.phrases())
    }

    async fn product_knowledge_query(&self) -> Result<Reply, SupportError> {
        match self.retrieve_product_details().await? {
            Some((product, stock, price)) => self
                .speaker()
                .format_product_response(&product, stock, price),
            None => self.ask_back("which-product").await,
        }
    }

    async fn retrieve_product_details(
        &self,
    ) -> Result<Option<(Product, StockStatus, Money)>, SupportError> {
        let page = self.query.product.as_ref();
        let found = self.agent.find_products(self.query.text.as_str(), page);
        let Some(product) = found.into_iter().next().cloned() else {
            return Ok(None);
        };
        let stock = async {
            let sku = product.sku.clone();
            let levels = self.scope.ask(CheckStock { sku }).await;
            levels.map_err(|error| unavailable(&error))
        };
        let price = async {
            let quote = QuotePrice {
                sku: product.sku.clone(),
                segment: Segment::Standard,
                held: None,
            };
            let quote = self.scope.ask(quote).await;
            quote.map_err(|error| unavailable(&error))
        };
        let (levels, quote) = try_join(stock, price).await?;
        Ok(Some((product, levels.status, quote.unit)))
    }

    async fn order_status_query(&self) -> Result<Reply, SupportError> {
        let order = match self.identify_order() {
            Ok(order) => order,
            Err(missing) => return self.without_order(missing).await,
        };
        match self.query_order_database(&order).await? {
            Some(view) => {
                let parcels = self.check_shipping_status(&view).await?;
                self.speaker().format_order_response(&view, &parcels)
            }
            None => self.speaker().format_order_not_found(&order),
        }
    }

    /// Order data is for the signed-in shopper only, so that comes first.
    fn identify_order(&self) -> Result<OrderId, Missing> {
        if self.scope.principal().as_user().is_none() {
            return Err(Missing::Identity);
        }
        let text = self.query.text.as_str();
        // A number by itself is one of an order only where nothing else is said.
        let alone = || match self.agent.only_names(text) {
            true => lone_order(text),
            false => None,
        };
        mentioned_order(text)
            .or_else(|| self.query.order.clone())
            .or_else(alone)
            .ok_or(Missing::OrderNumber)
    }

    async fn without_order(&self, missing: Missing) -> Result<Reply, SupportError> {
        match missing {
            Missing::Identity => self.speaker().sign_in(),
            Missing::OrderNumber => self.ask_back("which-order").await,
        }
    }

    /// `None` for an order that does not exist, and for somebody else's.
    async fn query_order_database(
        &self,
        order: &OrderId,
    ) -> Result<Option<OrderView>, SupportError> {
        let order = order.clone();
        match self.scope.ask(OrderStatus { order }).await {
            Ok(view) => Ok(Some(view)),
            Err(AskError::Rejected(OrderRejection::NotFound(_))) => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    async fn check_shipping_status(
        &self,
        order: &OrderView,
    ) -> Result<Vec<ShippingState>, SupportError> {
        let packed = order.parcels.iter().flat_map(|parcel| &parcel.contents);
        let held = order.holds.iter().chain(packed).map(async |hold| {
            let status = ShippingStatus {
                sku: hold.sku.clone(),
                reservation: hold.reservation.clone(),
            };
            let state = self.scope.ask(status).await;
            state.map_err(|error| unavailable(&error))
        });
        try_join_all(held).await
    }

    async fn order_change_query(&self) -> Result<Reply, SupportError> {
        let order = match self.identify_order() {
            Ok(order) => order,
            Err(missing) => return self.without_order(missing).await,
        };
        let Some(view) = self.query_order_database(&order).await? else {
            return self.speaker().format_order_not_found(&order);
        };
        let options = modification_options(self.scope, order.clone()).await;
        let options = options.map_err(|error| match error {
            OrderChangeError::Step(FlowError::Failed(failure)) => {
                SupportError::Unavailable(failure)
            }
            other => SupportError::Unavailable(AskFailure::Invalid {
                reason: other.to_string(),
            }),
        })?;
        match (&options, self.cancellation(&view)) {
            (ModificationOptions::Changeable { .. }, Some(action)) => self.offer(action).await,
            _ => self.speaker().format_change_response(&order, &options),
        }
    }

    /// What of an order the customer wants to be rid of: all of it, or the one product of several
    /// that they name. Order itself says whether that may still be.
    fn cancellation(&self, view: &OrderView) -> Option<SupportAction> {
        const RID_OF: [&str; 6] = [
            "cancel",
            "cancelled",
            "cancelling",
            "canceling",
            "remove",
            "withdraw",
        ];
        let text = self.query.text.as_str();
        let said = terms(text)
            .iter()
            .any(|term| RID_OF.contains(&term.as_str()));
        if !said {
            return None;
        }
        let order = view.order.clone();
        let named = self.agent.find_products(text, None).into_iter();
        let mut named = named.filter(|named| view.lines.iter().any(|line| line.sku == named.sku));
        Some(match named.next() {
            Some(product) if view.lines.len() > 1 => SupportAction::CancelLine {
                order,
                sku: product.sku.clone(),
            },
            _ => SupportAction::CancelOrder { order },
        })
    }

    /// Who names an order wants to send it back; who does not wants to know how that goes.
    async fn return_query(&self) -> Result<Reply, SupportError> {
        if mentioned_order(self.query.text.as_str()).is_none() {
            return self.faq_knowledge_query().await;
        }
        let order = match self.identify_order() {
            Ok(order) => order,
            Err(missing) => return self.without_order(missing).await,
        };
        let Some(view) = self.query_order_database(&order).await? else {
            return self.speaker().format_order_not_found(&order);
        };
        let lines = returnable(&view);
        if lines.is_empty() {
            return self.faq_knowledge_query().await;
        }
        let most = i64::from(self.agent.settings().return_minor_max);
        if view.total.is_none_or(|total| total.minor() > most) {
            return self.escalate_to_human_agent(TicketReason::OverLimit).await;
        }
        self.offer(SupportAction::ReturnGoods { order, lines })
            .await
    }

    /// Offers to do something; nothing is done before the customer says yes.
    async fn offer(&self, action: SupportAction) -> Result<Reply, SupportError> {
        let offer = OfferAction {
            conversation: self.query.conversation.clone(),
            action,
        };
        match self.take_down(By::Asker, offer).await {
            Ok(offer) => self.speaker().offer(&offer.action),
            Err(AskError::Rejected(SupportRejection::TooManyActions { .. })) => {
                self.escalate_to_human_agent(TicketReason::OverLimit).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn confirm(&self, offer: Offer) -> Result<Reply, SupportError> {
        let confirm = ConfirmAction {
            conversation: self.query.conversation.clone(),
            number: offer.number,
        };
        match self.scope.ask(confirm).await {
            Ok(action) => self.speaker().confirmed(&action),
            Err(AskError::Rejected(SupportRejection::TooManyActions { .. })) => {
                self.escalate_to_human_agent(TicketReason::OverLimit).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn technical_support_flow(&self) -> Result<Reply, SupportError> {
        self.escalate_to_human_agent(TicketReason::TechnicalIssue)
            .await
    }

    async fn escalate_to_human_agent(&self, reason: TicketReason) -> Result<Reply, SupportError> {
        let ticket = self.create_support_ticket(reason).await?;
        let within = ticket.due_at.since(self.scope.now());
        self.speaker().ticket(ticket, within)
    }

    async fn create_support_ticket(&self, reason: TicketReason) -> Result<Ticket, SupportError> {
        let open = OpenTicket {
            conversation: self.query.conversation.clone(),
            reason,
            order: self.query.order.clone(),
        };
        Ok(self.take_down(By::Asker, open).await?)
    }

    /// No article, no claim: what the knowledge base does not hold goes to a person.
    async fn faq_knowledge_query(&self) -> Result<Reply, SupportError> {
        match self.search_knowledge_base().await {
            Some(article) => self.speaker().format_faq_response(article),
            None => self.escalate_to_human_agent(TicketReason::NoArticle).await,
        }
    }

    async fn search_knowledge_base(&self) -> Option<&Article> {
        self.agent.best_article(self.scope, &self.query.text).await
    }

    /// Asks back, at most twice in a row; then a person takes over.
    async fn ask_back(&self, question: &str) -> Result<Reply, SupportError> {
        if self.understood.clarifications_left == 0 {
            return self
                .escalate_to_human_agent(TicketReason::NotUnderstood)
                .await;
        }
        self.speaker().clarification(question)
    }

    /// What the shop is for. Who is told so twice and goes on gets a person: the model may be wrong.
    async fn out_of_scope(&self) -> Result<Reply, SupportError> {
        match self.understood.clarifications_left {
            0 => {
                self.escalate_to_human_agent(TicketReason::NotUnderstood)
                    .await
            }
            _ => self.speaker().out_of_scope(),
        }
    }

    /// Has the conversation take something down. A question that comes again, as after a crash, is
    /// answered by how things stand by then. So it may take down something else where it did this before,
    /// or something more, and then asks on under the ids that it has not used. The conversation itself
    /// keeps its first answer to a question, has one ticket that waits, and counts its latest offer.
    async fn take_down<C: Command + Clone>(
        &self,
        by: By,
        command: C,
    ) -> Result<C::Reply, AskError<Rejection<C>>> {
        let mut left = IDS_MAX;
        loop {
            left -= 1;
            let taken = match by {
                By::Asker => self.scope.ask(command.clone()).await,
                By::Shop => self.scope.ask_as_system(command.clone()).await,
            };
            match taken {
                Err(AskError::Failed(AskFailure::IdReused)) if left > 0 => {}
                taken => return taken,
            }
        }
    }

    async fn send_response(&self, reply: Reply) -> Result<SupportAnswer, SupportError> {
        let text = PrivateText::new(reply.text);
        let record = RecordAnswer {
            conversation: self.query.conversation.clone(),
            turn: self.understood.turn,
            text: self.scope.seal(&self.person, &text)?,
            citations: reply.citations.clone(),
            clarification: matches!(
                reply.resolution,
                Resolution::Clarifying | Resolution::OutOfScope
            ),
        };
        // The answer is the shop's, whoever asked.
        self.take_down(By::Shop, record).await?;
        Ok(SupportAnswer {
            turn: self.understood.turn,
            intent: self.understood.taken_for.intent,
            resolution: reply.resolution,
            text,
            facts: reply.facts,
            citations: reply.citations,
        })
    }
}

/// On whose behalf a conversation takes something down.
enum By {
    Asker,
    Shop,
}

/// What is missing before an order can be looked at.
enum Missing {
    Identity,
    OrderNumber,
}

/// What has left of an order, and can come back as far as Order's rules let it.
fn returnable(view: &OrderView) -> Vec<OrderLine> {
    let sent = view.units.iter().filter(|line| line.sent > 0);
    sent.filter_map(|line| {
        Some(OrderLine {
            sku: line.sku.clone(),
            quantity: Quantity::new(line.sent).ok()?,
        })
    })
    .collect()
}
