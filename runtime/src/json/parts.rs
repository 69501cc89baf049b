//! Values that come in parts: lists, structs, maps.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use serde_json::{Error, Map, Value};

use super::ToJson;

/// The parts of a list, a tuple or a variant that holds one.
pub(super) struct List {
    items: Vec<Value>,
    variant: Option<&'static str>,
}

/// The fields of a struct, or of a variant that holds them.
pub(super) struct Fields {
    fields: Map<String, Value>,
    variant: Option<&'static str>,
}

/// The entries of a map.
#[derive(Default)]
pub(super) struct Entries {
    entries: Vec<(Value, Value)>,
    /// The one whose value comes next.
    key: Value,
}

impl List {
    pub(super) fn of(length: usize, variant: Option<&'static str>) -> Self {
        Self {
            // A length is a hint; what is damaged may claim any.
            items: Vec::with_capacity(length.min(1_024)),
            variant,
        }
    }
}

impl Fields {
    pub(super) fn of(variant: Option<&'static str>) -> Self {
        Self {
            fields: Map::new(),
            variant,
        }
    }
}

/// A variant's content under the variant's name.
pub(super) fn named(variant: Option<&'static str>, content: Value) -> Value {
    match variant {
        Some(name) => Value::Object(Map::from_iter([(name.to_owned(), content)])),
        None => content,
    }
}

macro_rules! lists {
    ($($trait:ident::$method:ident),+ $(,)?) => {
        $(
            impl $trait for List {
                type Ok = Value;
                type Error = Error;

                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                    self.items.push(value.serialize(ToJson)?);
                    Ok(())
                }

                fn end(self) -> Result<Value, Error> {
                    Ok(named(self.variant, Value::Array(self.items)))
                }
            }
        )+
    };
}

lists! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

macro_rules! structs {
    ($($trait:ident),+ $(,)?) => {
        $(
            impl $trait for Fields {
                type Ok = Value;
                type Error = Error;

                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    name: &'static str,
                    value: &T,
                ) -> Result<(), Error> {
                    self.fields.insert(name.to_owned(), value.serialize(ToJson)?);
                    Ok(())
                }

                fn end(self) -> Result<Value, Error> {
                    Ok(named(self.variant, Value::Object(self.fields)))
                }
            }
        )+
    };
}

structs! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for Entries {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = key.serialize(ToJson)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = std::mem::take(&mut self.key);
        self.entries.push((key, value.serialize(ToJson)?));
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        let as_text = |key: &Value| match key {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(key.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        let names: Option<Vec<String>> = self.entries.iter().map(|(key, _)| as_text(key)).collect();
        let values = self.entries.iter().map(|(_, value)| value.clone());
        Ok(match names {
            Some(names) => Value::Object(names.into_iter().zip(values).collect()),
            None => self
                .entries
                .into_iter()
                .map(|(key, value)| Value::Array(vec![key, value]))
                .collect(),
        })
    }
}
