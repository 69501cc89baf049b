//! The words of a message: templates, and what fills them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest subject line, in bytes (RFC 5322 allows 998 a line).
const SUBJECT_BYTES_MAX: usize = 200;
/// The longest text, in bytes.
const BODY_BYTES_MAX: usize = 16 * 1024;

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

/// Words with places to fill: `{customer}`, `{order}` and `{product}`. A brace stands for nothing
/// else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The subject line, at most 200 bytes.
    pub subject: Box<str>,
    /// The text, at most 16 KiB.
    pub body: Box<str>,
}

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// Subject or text is empty or too long.
    #[error(
        "the subject must have 1 to {SUBJECT_BYTES_MAX} bytes and the text 1 to {BODY_BYTES_MAX}"
    )]
    Length,
    /// A brace is not closed.
    #[error("a brace is opened and not closed; close it or leave it out")]
    Unclosed,
    /// No such place exists.
    #[error("no field is called {{{0}}}; use customer, order or product")]
    Unknown(Box<str>),
    /// The occasion has nothing for this place.
    #[error("this message has no {0}; leave the field out or send it where there is one")]
    Missing(Field),
}

/// A place in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Field {
    /// The customer's id.
    Customer,
    /// The order that gave occasion to the message.
    Order,
    /// The SKU that the campaign promotes.
    Product,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Customer => "customer",
            Self::Order => "order",
            Self::Product => "product",
        })
    }
}

impl Template {
    /// Whether the template is well-formed; says nothing of what will fill it.
    ///
    /// # Errors
    /// When a length is out of bounds, a brace is open or a field unknown.
    pub fn check(&self) -> Result<(), TemplateError> {
        let fits = |text: &str, max| !text.is_empty() && text.len() <= max;
        if !fits(&self.subject, SUBJECT_BYTES_MAX) || !fits(&self.body, BODY_BYTES_MAX) {
            return Err(TemplateError::Length);
        }
        self.fill(|_| Some("")).map(drop)
    }

    /// The message's words, each field replaced by what `value` has for it.
    ///
    /// # Errors
    /// When the template is malformed, or `value` has nothing for one of its fields.
    pub fn fill<'a>(
        &self,
        value: impl Fn(Field) -> Option<&'a str>,
    ) -> Result<Content, TemplateError> {
        Ok(Content {
            subject: fill(&self.subject, &value)?,
            body: fill(&self.body, &value)?,
        })
    }
}

fn fill<'a>(
    text: &str,
    value: &impl Fn(Field) -> Option<&'a str>,
) -> Result<Box<str>, TemplateError> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, opened)) = rest.split_once('{') {
        let (name, after) = opened.split_once('}').ok_or(TemplateError::Unclosed)?;
        let field = match name {
            "customer" => Field::Customer,
            "order" => Field::Order,
            "product" => Field::Product,
            unknown => return Err(TemplateError::Unknown(unknown.into())),
        };
        filled.push_str(before);
        filled.push_str(value(field).ok_or(TemplateError::Missing(field))?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(body: &str) -> Template {
        Template {
            subject: "hello".into(),
            body: body.into(),
        }
    }

    fn order_only(field: Field) -> Option<&'static str> {
        (field == Field::Order).then_some("O-7")
    }

    #[test]
    fn fields_are_filled() {
        let content = template("thanks for {order}!").fill(order_only).unwrap();
        assert_eq!(&*content.body, "thanks for O-7!");
    }

    #[test]
    fn a_field_without_value_is_an_error_not_a_gap() {
        let error = template("dear {customer}").fill(order_only).unwrap_err();
        assert_eq!(error, TemplateError::Missing(Field::Customer));
    }

    #[test]
    fn malformed_templates_are_refused_before_they_are_used() {
        assert_eq!(template("a {order").check(), Err(TemplateError::Unclosed));
        assert_eq!(template("").check(), Err(TemplateError::Length));
        assert_eq!(
            template("{name}").check(),
            Err(TemplateError::Unknown("name".into()))
        );
        assert_eq!(
            template(&"x".repeat(BODY_BYTES_MAX + 1)).check(),
            Err(TemplateError::Length)
        );
    }

    #[test]
    fn words_to_a_person_do_not_show_in_debug() {
        let content = template("for ada").fill(|_| None).unwrap();
        assert_eq!(format!("{content:?}"), "Content(redacted)");
    }
}
