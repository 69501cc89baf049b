//! The words of the shop's answers: templates that are filled in with what agents and articles say.
//!
//! What a template fills in is a *fact*. Facts are kept beside the text, so that whoever says the
//! same in other words can be held to them ([`Draft`](super::phrasing::Draft)).

use minijinja::{Environment, Error, UndefinedBehavior, Value};
use serde::Serialize;

/// The templates by name. Each names what it fills in; a name that is not given is an error.
const TEMPLATES: [(&str, &str); 14] = [
    (
        "product",
        "{{ name }} ({{ sku }}).{% if description %} {{ description }}{% endif %} \
         {% if stock == 'available' %}It is in stock{% elif stock == 'low' %}There are only a few \
         left{% else %}It is out of stock at present{% endif %}, and it costs {{ price }} before \
         tax.",
    ),
    (
        "order",
        "Your order {{ order }} with {{ units }} {% if units == 1 %}unit{% else %}units{% endif %} \
         is {{ phase }}.{% if sent == 0 and unsent == 0 %}{% elif sent == 0 %} It waits in our \
         warehouse to be sent.{% elif unsent == 0 %} It has left our warehouse.{% else %} A part \
         of it has left our warehouse; the rest follows.{% endif %}\
         {% for parcel in parcels %}{% if parcel.status %} Parcel {{ parcel.tracking }} is \
         {{ parcel.status }}.{% else %} Its tracking number is {{ parcel.tracking }}.{% endif %}\
         {% endfor %}{% if waiting > 0 %} Of it {{ waiting }} wait for stock; they are sent when \
         they come, and paid then.{% endif %}",
    ),
    (
        "too-late",
        "Your order {{ order }} is {{ phase }} and can no longer be changed. What you received and \
         do not want, you can return.",
    ),
    (
        "changeable",
        "Your order {{ order }} can still be changed: its address in the same country, its lines, \
         or it can be cancelled. Fewer units keep their price; more have the one of today:\
         {% for line in lines %}\n- {{ line.sku }}: {{ line.ordered }} ordered, \
         {{ line.available }} more in stock, price of one now {{ line.difference }} against the \
         order's{% for other in line.alternatives %}\n  - or {{ other.sku }}: \
         {{ other.available }} in stock, {{ other.difference }} a piece against the order's\
         {% endfor %}{% endfor %}",
    ),
    (
        "no-order",
        "I find no order {{ order }} under your account. Please check its number, and that you are \
         signed in with the account that you ordered with.",
    ),
    ("article", "{{ body }}"),
    (
        "sign-in",
        "Please sign in with the account that you ordered with. Then I can look at your order.",
    ),
    (
        "ticket",
        "{% if why == 'complaint' %}I am sorry that we gave you cause to complain.\
         {% elif why == 'technical' %}I am sorry that something does not work.\
         {% elif why == 'unclear' %}I am sorry that I did not understand you.\
         {% elif why == 'asked' %}Of course.\
         {% elif why == 'limit' %}That is more than I may do by myself.\
         {% elif why == 'refused' %}I am sorry that it could not be done.\
         {% else %}I do not know the answer to that.{% endif %} A person will answer you here \
         {% if hours == 0 %}as soon as they can{% else %}within {{ hours }} \
         {% if hours == 1 %}hour{% else %}hours{% endif %}{% endif %}. They can read what \
         we wrote, so you need not repeat it.",
    ),
    (
        "offer",
        "I can {{ action }} for you. Shall I? Please answer with yes or no.",
    ),
    (
        "confirmed",
        "Thank you. I have asked to {{ action }}. Ask me where your order is to see it done.",
    ),
    ("left", "All right, I leave it as it is."),
    (
        "what-is-meant",
        "I am not sure what you mean. I can tell you about a product, about an order, or how we \
         deliver, take payments and take things back. I understand English.",
    ),
    (
        "which-product",
        "Which product do you mean? Please give its name or its number.",
    ),
    (
        "which-order",
        "Which order do you mean? Please write its number, as in: order 1234.",
    ),
];

/// Marks around what a template fills in, while it is rendered. They are for private use in
/// Unicode; where a catalogue or an article holds one, it is left out.
const BEGIN: char = '\u{e000}';
const END: char = '\u{e001}';

/// A filled-in template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) text: String,
    /// What was filled in, in its order.
    pub(super) facts: Vec<Box<str>>,
}

/// The templates, ready to be filled in.
#[derive(Debug, Clone)]
pub(super) struct Phrases {
    environment: Environment<'static>,
}

impl Default for Phrases {
    fn default() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_formatter(|out, _, value: &Value| {
            let value = value.to_string();
            let plain: String = value.chars().filter(|c| !is_mark(*c)).collect();
            write!(out, "{BEGIN}{plain}{END}").map_err(Error::from)
        });
        for (name, template) in TEMPLATES {
            // A test fills each of them in; one that did not parse would be missing here, and its
            // answer an error.
            let _ = environment.add_template(name, template);
        }
        Self { environment }
    }
}

fn is_mark(c: char) -> bool {
    c == BEGIN || c == END
}

impl Phrases {
    pub(super) fn fill(&self, name: &str, facts: impl Serialize) -> Result<Phrase, Error> {
        let template = self.environment.get_template(name)?;
        let marked = template.render(facts)?;
        let mut phrase = Phrase {
            text: String::with_capacity(marked.len()),
            facts: Vec::new(),
        };
        let mut rest = marked.as_str();
        while let Some((before, marked)) = rest.split_once(BEGIN) {
            let (fact, after) = marked.split_once(END).unwrap_or((marked, ""));
            phrase.text.push_str(before);
            phrase.text.push_str(fact);
            if !fact.is_empty() {
                phrase.facts.push(fact.into());
            }
            rest = after;
        }
        phrase.text.push_str(rest);
        Ok(phrase)
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    /// Catches: a template that does not parse, or that asks for a name that nobody gives.
    #[test]
    fn every_template_can_be_filled_in() {
        let phrases = Phrases::default();
        let line = context! {
            sku => "M1", ordered => 1, available => 2, difference => "GBP 0.00",
            alternatives => [context! { sku => "M2", available => 3, difference => "GBP 1.00" }],
        };
        let all = context! {
            name => "red mug", sku => "M1", description => "", stock => "low", price => "GBP 5.00",
            order => "17", units => 1, phase => "placed", sent => 0, unsent => 1, waiting => 2,
            parcels => [context! { tracking => "T1", status => "on its way" }],
            lines => [line], body => "Within 30 days.", why => "complaint", hours => 2,
            action => "cancel order 17",
        };
        for (name, _) in TEMPLATES {
            let phrase = phrases.fill(name, &all).expect(name);
            assert!(
                !phrase.text.is_empty() && !phrase.text.contains("{{"),
                "{name}"
            );
        }
        let facts = phrases.fill("changeable", &all).expect("it fills").facts;
        assert_eq!(&facts[..4], ["17", "M1", "1", "2"].map(Box::from));
        assert!(phrases.fill("order", context! { order => "17" }).is_err());
        assert!(phrases.fill("nothing", &all).is_err());
    }

    /// Catches: marks that reach the customer, and words of a catalogue that forge one.
    #[test]
    fn what_is_filled_in_is_told_apart_and_nothing_of_it_shows() {
        let phrases = Phrases::default();
        let body = format!("Within {BEGIN}30 days{END}, {{{{ order }}}}");
        let phrase = phrases
            .fill("article", context! { body })
            .expect("it fills");
        assert_eq!(phrase.text, "Within 30 days, {{ order }}");
        assert_eq!(phrase.facts, [Box::from(phrase.text.as_str())]);
    }
}
