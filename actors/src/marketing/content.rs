//! The words of a message: templates, and what fills them.
//!
//! Templates are Jinja's, by `minijinja`. A place that nothing fills is an error and never a gap, and
//! it is one when the campaign begins: each name in a template is held against what the campaign's
//! messages will have. Work and size are bounded, for a template is somebody's program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Write};

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};
use serde::{Deserialize, Serialize};

/// The longest subject line, in bytes (RFC 5322 allows 998 a line).
const SUBJECT_BYTES_MAX: usize = 200;
/// The longest text, in bytes, as a template and when it is filled in.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// The longest HTML, in bytes, as a template and when it is filled in.
const HTML_BYTES_MAX: usize = 64 * 1024;
/// How many instructions one part of a template may take.
const FUEL_MAX: u64 = 20_000;
/// How deep a template may nest.
const DEPTH_MAX: usize = 32;

/// A message's words. They may speak of a person, so `Debug` does not show them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The subject line.
    pub subject: Box<str>,
    /// The text.
    pub body: Box<str>,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content(redacted)")
    }
}

/// A message's text as HTML. It may speak of a person, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Html(pub Box<str>);

impl fmt::Debug for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Html(redacted)")
    }
}

/// A message's words, filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// Subject and text.
    pub content: Content,
    /// The text as HTML, where the template has it.
    pub html: Option<Html>,
}

/// Words with places to fill: `{{ customer }}`, `{{ order }}` and `{{ product }}`, in the language of
/// Jinja.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The subject line, at most 200 bytes.
    pub subject: Box<str>,
    /// The text, at most 16 KiB.
    pub body: Box<str>,
    /// The text as HTML for mail, at most 64 KiB. What fills its places is escaped.
    #[serde(default)]
    pub html: Option<Box<str>>,
}

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// The subject line.
    Subject,
    /// The text.
    Body,
    /// The text as HTML.
    Html,
}

impl Part {
    const fn bytes_max(self) -> usize {
        match self {
            Self::Subject => SUBJECT_BYTES_MAX,
            Self::Body => BODY_BYTES_MAX,
            Self::Html => HTML_BYTES_MAX,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subject => "subject",
            Self::Body => "text",
            Self::Html => "html",
        })
    }
}

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A part is empty or too long.
    #[error("the {0} must have 1 to {max} bytes", max = .0.bytes_max())]
    Length(Part),
    /// A part is no template.
    #[error("the {part} cannot be read in line {line}: {problem}; correct it")]
    Syntax {
        /// Which part.
        part: Part,
        /// Where in it, from 1.
        line: u32,
        /// What is wrong there.
        problem: Box<str>,
    },
    /// No such place exists.
    #[error("no field is called {0}; use customer, order or product")]
    Unknown(Box<str>),
    /// The occasion has nothing for this place.
    #[error("this message has no {0}; leave the field out or send it where there is one")]
    Missing(Field),
    /// A part takes too much work, or becomes too long.
    #[error("the {0} takes too much work or becomes longer than {max} bytes; simplify it", max = .0.bytes_max())]
    TooMuch(Part),
    /// A part is well-formed and cannot be filled in.
    #[error("the {part} cannot be filled in: {problem}; correct it")]
    Failed {
        /// Which part.
        part: Part,
        /// What is wrong.
        problem: Box<str>,
    },
}

/// A place in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Field {
    /// The customer's id.
    Customer,
    /// The order that gave occasion to the message.
    Order,
    /// The SKU that the campaign promotes.
    Product,
}

impl Field {
    const ALL: [Self; 3] = [Self::Customer, Self::Order, Self::Product];

    const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Order => "order",
            Self::Product => "product",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What fills the places of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields<'a> {
    /// The customer's id.
    pub customer: &'a str,
    /// The order that gave occasion to it, if one did.
    pub order: Option<&'a str>,
    /// The SKU that the campaign promotes, if it does.
    pub product: Option<&'a str>,
}

impl Fields<'_> {
    /// What stands for a message's fields where it is only looked at.
    fn sample(order: bool, product: bool) -> Self {
        Self {
            customer: "customer",
            order: order.then_some("order"),
            product: product.then_some("product"),
        }
    }

    const fn of(&self, field: Field) -> Option<&str> {
        match field {
            Field::Customer => Some(self.customer),
            Field::Order => self.order,
            Field::Product => self.product,
        }
    }
}

impl Template {
    /// Whether the template can be filled in for messages that have an order, or a product.
    ///
    /// # Errors
    /// When a length is out of bounds, a part is malformed or takes too much, or names a field that
    /// does not exist or that these messages have nothing for.
    pub fn check(&self, has_order: bool, has_product: bool) -> Result<(), TemplateError> {
        for (part, source) in self.parts() {
            if source.is_empty() || source.len() > part.bytes_max() {
                return Err(TemplateError::Length(part));
            }
        }
        self.fill(&Fields::sample(has_order, has_product)).map(drop)
    }

    /// The message's words, each field replaced by its value.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn fill(&self, fields: &Fields<'_>) -> Result<Words, TemplateError> {
        let html = self.html.as_deref();
        Ok(Words {
            content: Content {
                // A line break in a subject would begin a header of the sender's own choice.
                subject: one_line(&fill(Part::Subject, &self.subject, fields)?),
                body: fill(Part::Body, &self.body, fields)?,
            },
            html: html
                .map(|source| fill(Part::Html, source, fields).map(Html))
                .transpose()?,
        })
    }

    fn parts(&self) -> impl Iterator<Item = (Part, &str)> {
        let html = self.html.as_deref().map(|html| (Part::Html, html));
        [(Part::Subject, &*self.subject), (Part::Body, &*self.body)]
            .into_iter()
            .chain(html)
    }
}

fn one_line(text: &str) -> Box<str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").into()
}

fn fill(part: Part, source: &str, fields: &Fields<'_>) -> Result<Box<str>, TemplateError> {
    let environment = environment(part);
    let template =
        environment
            .template_from_str(source)
            .map_err(|error| TemplateError::Syntax {
                part,
                line: error
                    .line()
                    .and_then(|l| u32::try_from(l).ok())
                    .unwrap_or(1),
                problem: error.to_string().into(),
            })?;
    // Also the names in branches that are not taken: another message would take them.
    let names: BTreeSet<String> = template.undeclared_variables(false).into_iter().collect();
    let known: BTreeSet<&str> = environment.globals().map(|(name, _)| name).collect();
    for name in names.iter().filter(|name| !known.contains(name.as_str())) {
        let field = Field::ALL.into_iter().find(|field| field.name() == name);
        let field = field.ok_or_else(|| TemplateError::Unknown(name.as_str().into()))?;
        if fields.of(field).is_none() {
            return Err(TemplateError::Missing(field));
        }
    }
    let values: BTreeMap<&str, &str> = Field::ALL
        .into_iter()
        .filter_map(|field| Some((field.name(), fields.of(field)?)))
        .collect();
    let mut page = Page::of(part);
    match template.render_captured_to(values, &mut page) {
        _ if page.full => Err(TemplateError::TooMuch(part)),
        Ok(_) => String::from_utf8(page.bytes)
            .map(Into::into)
            .map_err(|error| TemplateError::Failed {
                part,
                problem: error.to_string().into(),
            }),
        Err(error) if error.kind() == ErrorKind::OutOfFuel => Err(TemplateError::TooMuch(part)),
        Err(error) => Err(TemplateError::Failed {
            part,
            problem: error.to_string().into(),
        }),
    }
}

fn environment(part: Part) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL_MAX));
    environment.set_recursion_limit(DEPTH_MAX);
    let escape = match part {
        Part::Subject | Part::Body => AutoEscape::None,
        Part::Html => AutoEscape::Html,
    };
    environment.set_auto_escape_callback(move |_| escape);
    environment
}

/// What a template is written on: of a certain size.
struct Page {
    bytes: Vec<u8>,
    bytes_max: usize,
    full: bool,
}

impl Page {
    fn of(part: Part) -> Self {
        Self {
            bytes: Vec::new(),
            bytes_max: part.bytes_max(),
            full: false,
        }
    }
}

impl Write for Page {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > self.bytes_max {
            self.full = true;
            return Err(io::Error::other("the page is full"));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(body: &str) -> Template {
        Template {
            subject: "hello".into(),
            body: body.into(),
            html: None,
        }
    }

    const ORDER_ONLY: Fields<'_> = Fields {
        customer: "C-1",
        order: Some("O-7"),
        product: None,
    };

    #[test]
    fn fields_are_filled() {
        let words = template("thanks for {{ order }}!")
            .fill(&ORDER_ONLY)
            .unwrap();
        assert_eq!(&*words.content.body, "thanks for O-7!");
    }

    /// Catches: a field in a branch that the sample does not take, found only when a mail is half
    /// written.
    #[test]
    fn a_field_without_value_is_an_error_not_a_gap() {
        let missing = Err(TemplateError::Missing(Field::Product));
        assert_eq!(template("buy {{ product }}").check(true, false), missing);
        let hidden = template("{% if order == 'x' %}{{ product }}{% endif %}");
        assert_eq!(hidden.check(true, false), missing);
        assert_eq!(hidden.check(true, true), Ok(()));
    }

    #[test]
    fn malformed_templates_are_refused_before_they_are_used() {
        let unclosed = template("one\ntwo {{ order").check(true, true);
        assert!(
            matches!(
                &unclosed,
                Err(TemplateError::Syntax {
                    part: Part::Body,
                    line: 2,
                    ..
                })
            ),
            "{unclosed:?}"
        );
        let unknown = Err(TemplateError::Unknown("name".into()));
        assert_eq!(template("dear {{ name }}").check(true, true), unknown);
        let length = Err(TemplateError::Length(Part::Body));
        assert_eq!(template("").check(true, true), length);
        let long = "x".repeat(BODY_BYTES_MAX + 1);
        assert_eq!(template(&long).check(true, true), length);
    }

    /// Catches: a template that keeps a shard busy for ever, or fills its memory.
    #[test]
    fn work_and_size_are_bounded() {
        let refused = Err(TemplateError::TooMuch(Part::Body));
        let busy = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
        assert_eq!(template(busy).check(true, true), refused);
        let large = "{{ 'x' * 20000 }}";
        assert_eq!(template(large).check(true, true), refused);
    }

    /// Catches: markup that a value smuggles into mail, and entities in plain text.
    #[test]
    fn values_are_escaped_in_html_and_nowhere_else() {
        let fields = Fields {
            customer: "<b>&",
            ..ORDER_ONLY
        };
        let template = Template {
            html: Some("<p>{{ customer }}</p>".into()),
            ..template("{{ customer }}")
        };
        let words = template.fill(&fields).unwrap();
        assert_eq!(&*words.content.body, "<b>&");
        assert_eq!(&*words.html.unwrap().0, "<p>&lt;b&gt;&amp;</p>");
    }

    #[test]
    fn a_subject_is_one_line() {
        let template = Template {
            subject: "one\r\nBcc: {{ order }}".into(),
            ..template("x")
        };
        let words = template.fill(&ORDER_ONLY).unwrap();
        assert_eq!(&*words.content.subject, "one Bcc: O-7");
    }

    #[test]
    fn words_to_a_person_do_not_show_in_debug() {
        let words = template("for ada").fill(&ORDER_ONLY).unwrap();
        assert!(!format!("{words:?}").contains("ada"));
    }
}
