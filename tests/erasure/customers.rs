//! Two customers, and what they do in the shop.

use std::time::Duration;

use mercato::actors::*;
use mercato::{Caller, Command, FlowId, Handle, PersonId, Principal, Scope};

use crate::erasure::town::sku;

/// What the shop is told of a customer, and must keep nowhere in the open.
pub(crate) struct Customer {
    pub(crate) id: &'static str,
    pub(crate) email: &'static str,
    pub(crate) name: &'static str,
    pub(crate) street: &'static str,
    pub(crate) question: &'static str,
}

pub(crate) const ADA: Customer = Customer {
    id: "c-1",
    email: "ada.byron@analytical.example",
    name: "Augusta Ada Byron",
    street: "12 St James's Square",
    question: "Where is my order? I am Countess Lovelace and my phone is 0207-1815",
};
pub(crate) const BOB: Customer = Customer {
    id: "c-2",
    email: "bob.hobbes@leviathan.example",
    name: "Robert Hobbes",
    street: "3 Malmesbury Lane",
    question: "Where is my order? My neighbour Mrs Cavendish takes parcels",
};

impl Customer {
    pub(crate) fn person(&self) -> PersonId {
        PersonId::new(self.id).expect("a pseudonym")
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller::new(Principal::user(self.id)).within(Duration::from_secs(600))
    }

    pub(crate) fn plain_texts(&self) -> [&'static str; 6] {
        let said = self.question.split_once('?').expect("a question").1;
        let local = self.email.split_once('@').expect("an address").0;
        [
            self.email,
            local,
            self.name,
            self.street,
            said,
            self.question,
        ]
    }
}

/// What a customer gives at the checkout, sealed at the edge.
pub(crate) fn order_of(handle: &Handle, customer: &Customer, order: &str) -> CheckoutRequest {
    let id = CustomerId::new(customer.id).expect("a customer");
    let mut cart = Cart::new(CartId::new(order).expect("a cart"), id.clone());
    let line = CartLine {
        sku: sku(),
        quantity: Quantity::new(2).expect("a quantity"),
        held: None,
    };
    cart.add(line).expect("room");
    let (person, sealer) = (id.person().expect("a pseudonym"), handle.sealer());
    let email = EmailAddress::new(customer.email).expect("an address");
    let (name, street) = (customer.name, customer.street);
    let address = Address::new(name, street, "London", "SW1Y 4JH", Jurisdiction::GB);
    let address = address.expect("an address");
    CheckoutRequest {
        order: OrderId::new(order).expect("an order"),
        cart,
        segment: Segment::Standard,
        email: sealer.seal(&person, &email).expect("it seals"),
        address: Destination::seal(&sealer, &person, &address).expect("it seals"),
        method: PaymentMethod::token("tok"),
        backorder: BackorderChoice::Refused,
    }
}

pub(crate) async fn ask<C: Command>(handle: &Handle, command: C) -> C::Reply {
    let answer = handle.ask(&Caller::system(), command).await;
    answer.unwrap_or_else(|error| panic!("{}: {error}", C::NAME))
}

pub(crate) async fn check_out(handle: &Handle, customer: &Customer, request: CheckoutRequest) {
    let id = FlowId::new(request.order.as_str());
    let receipt = handle.run(&customer.caller(), CHECKOUT, id, request).await;
    receipt.expect("the order is placed");
}

pub(crate) async fn status(handle: &Handle, order: &str) -> OrderView {
    let order = OrderId::new(order).expect("an order");
    ask(handle, OrderStatus { order }).await
}

pub(crate) async fn enquire(
    handle: &Handle,
    customer: &Customer,
) -> Result<SupportAnswer, SupportError> {
    let query = CustomerQuery {
        conversation: chat(customer),
        text: PrivateText::new(customer.question),
        order: OrderId::new("a-1").ok(),
        product: None,
        channel: SupportChannel::Chat,
    };
    let workflow = async |scope: &Scope| answer_query(scope, query).await;
    handle.serve(&customer.caller(), workflow).await
}

pub(crate) fn chat(customer: &Customer) -> ConversationId {
    ConversationId::new(format!("chat-{}", customer.id)).expect("a name")
}
