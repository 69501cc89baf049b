//! The articles that the project carries itself.

use super::Article;

pub(super) struct CarriedArticle {
    id: &'static str,
    version: u32,
    title: &'static str,
    body: &'static str,
}

impl From<&CarriedArticle> for Article {
    fn from(carried: &CarriedArticle) -> Self {
        Self {
            id: carried.id.into(),
            version: carried.version,
            title: carried.title.into(),
            body: carried.body.into(),
        }
    }
}

/// Raise the version of an article whose text changes: answers cite it.
pub(super) const ARTICLES: [CarriedArticle; 8] = [
    CarriedArticle {
        id: "delivery-times",
        version: 1,
        title: "How long does delivery take, and what does shipping cost?",
        body: "Orders leave our warehouse within two working days. Delivery then takes two to \
               four working days within the country, and up to ten abroad. The shipping cost is \
               shown before you pay.",
    },
    CarriedArticle {
        id: "delivery-abroad",
        version: 1,
        title: "Do you ship to other countries?",
        body: "We ship to every country that you can choose at checkout. Duties abroad are paid \
               by the receiver.",
    },
    CarriedArticle {
        id: "returns",
        version: 1,
        title: "How do I return something, or send it back?",
        body: "You can return any unused product within 30 days of its delivery. Ask for a \
               return label under your order, and send the product back in its packaging.",
    },
    CarriedArticle {
        id: "refunds",
        version: 1,
        title: "When do I get my refund, or my money back?",
        body: "A refund is made to the payment method that you used, within five working days \
               after the return reached us and was inspected. It is never more than was paid.",
    },
    CarriedArticle {
        id: "payment-methods",
        version: 1,
        title: "Which payment methods do you take, and how do I pay?",
        body: "You can pay by card. The amount is reserved when you order and taken when we \
               accept the order.",
    },
    CarriedArticle {
        id: "invoices",
        version: 1,
        title: "Where do I find my invoice, and is VAT shown?",
        body: "The invoice is under your order. It shows the VAT or other tax of your country \
               line by line.",
    },
    CarriedArticle {
        id: "newsletter",
        version: 1,
        title: "How do I unsubscribe from your newsletter and offers?",
        body: "Every offer and newsletter has a link that ends all of them with one click. \
               Messages about your own orders still reach you.",
    },
    CarriedArticle {
        id: "privacy",
        version: 1,
        title: "What data do you keep of me? Your privacy policy",
        body: "We keep what your orders need and what you agreed to. You can ask us to erase \
               your personal data at any time.",
    },
];
