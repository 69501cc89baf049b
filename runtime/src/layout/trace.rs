//! A deserializer that looks over another one's shoulder and notes what is asked of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, VariantAccess, Visitor};

use super::Expected;
use super::watch::{Parts, Watching};

/// The place of the value itself.
pub(super) const ROOT: &str = ".";

/// The place of a field, an element or a variant's content.
pub(super) fn inside(place: &str, field: &str) -> String {
    if place == ROOT {
        field.to_owned()
    } else {
        format!("{place}.{field}")
    }
}

/// Where notes are kept while one value is read.
pub(super) type Notes = RefCell<BTreeMap<Box<str>, Expected>>;
pub(super) type Names = &'static [&'static str];

/// Something that reads, watched, with the place that it reads.
pub(super) struct Traced<'n, T> {
    pub(super) inner: T,
    pub(super) place: String,
    pub(super) notes: &'n Notes,
}

impl<'n, T> Traced<'n, PhantomData<T>> {
    /// A watched seed for the whole value.
    pub(super) fn whole(notes: &'n Notes) -> Self {
        Self {
            inner: PhantomData,
            place: ROOT.to_owned(),
            notes,
        }
    }
}

impl<'n, T> Traced<'n, T> {
    fn note(&self, what: Expected) {
        // The elements of a list are all read alike; the first note stands.
        self.notes
            .borrow_mut()
            .entry(self.place.as_str().into())
            .or_insert(what);
    }

    fn plain(&self, what: &str) {
        self.note(Expected::Plain(what.into()));
    }

    fn fields(&self, names: Names) -> Vec<String> {
        self.note(Expected::Struct(owned(names)));
        names.iter().map(|name| inside(&self.place, name)).collect()
    }

    fn places(&self, count: usize) -> Vec<String> {
        (0..count)
            .map(|place| inside(&self.place, &place.to_string()))
            .collect()
    }

    fn watch<V>(&self, visitor: V, parts: Parts) -> Watching<'n, V> {
        Watching {
            visitor,
            parts,
            notes: self.notes,
        }
    }
}

fn owned(names: Names) -> Vec<Box<str>> {
    names.iter().map(|name| (*name).into()).collect()
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Traced<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        self.inner.deserialize(Traced {
            inner,
            place: self.place,
            notes: self.notes,
        })
    }
}

macro_rules! plain {
    ($($method:ident => $what:literal),+ $(,)?) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
                self.plain($what);
                self.inner.$method(visitor)
            }
        )+
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Traced<'_, D> {
    type Error = D::Error;

    plain! {
        deserialize_any => "anything",
        deserialize_ignored_any => "anything",
        deserialize_identifier => "a name",
        deserialize_bool => "bool",
        deserialize_i8 => "i8",
        deserialize_i16 => "i16",
        deserialize_i32 => "i32",
        deserialize_i64 => "i64",
        deserialize_i128 => "i128",
        deserialize_u8 => "u8",
        deserialize_u16 => "u16",
        deserialize_u32 => "u32",
        deserialize_u64 => "u64",
        deserialize_u128 => "u128",
        deserialize_f32 => "f32",
        deserialize_f64 => "f64",
        deserialize_char => "char",
        deserialize_str => "text",
        deserialize_string => "text",
        deserialize_bytes => "bytes",
        deserialize_byte_buf => "bytes",
        deserialize_unit => "nothing",
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.plain("an option");
        let parts = Parts::One(format!("{}?", self.place));
        let visitor = self.watch(visitor, parts);
        self.inner.deserialize_option(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.plain("nothing");
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        // It is stored as what it holds, and so it is noted.
        let visitor = self.watch(visitor, Parts::One(self.place.clone()));
        self.inner.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.plain("a list");
        let visitor = self.watch(visitor, Parts::Each(format!("{}[]", self.place)));
        self.inner.deserialize_seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.plain(&format!("a tuple of {length}"));
        let visitor = self.watch(visitor, Parts::InOrder(self.places(length)));
        self.inner.deserialize_tuple(length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.plain(&format!("a tuple of {length}"));
        let visitor = self.watch(visitor, Parts::InOrder(self.places(length)));
        self.inner.deserialize_tuple_struct(name, length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.plain("a map");
        let visitor = self.watch(visitor, Parts::Entries(self.place.clone()));
        self.inner.deserialize_map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: Names,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.watch(visitor, Parts::InOrder(self.fields(fields)));
        self.inner.deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: Names,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.note(Expected::Enum(owned(variants)));
        let visitor = self.watch(visitor, Parts::Variants(self.place.clone(), variants));
        self.inner.deserialize_enum(name, variants, visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Traced<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(Traced {
            inner: seed,
            place: self.place,
            notes: self.notes,
        })
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.plain(&format!("a tuple of {length}"));
        let visitor = self.watch(visitor, Parts::InOrder(self.places(length)));
        self.inner.tuple_variant(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: Names,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.watch(visitor, Parts::InOrder(self.fields(fields)));
        self.inner.struct_variant(fields, visitor)
    }
}
