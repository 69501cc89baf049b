//! The visitor's side of a watched read: it hands on each part with a watcher around it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use super::trace::{Names, Notes, Traced, inside};

/// The places of what a visitor is about to meet.
pub(super) enum Parts {
    One(String),
    Each(String),
    InOrder(Vec<String>),
    Entries(String),
    Variants(String, Names),
}

impl Parts {
    fn place(&self, number: usize) -> String {
        match self {
            Self::One(place) | Self::Each(place) => place.clone(),
            Self::InOrder(places) => places.get(number).cloned().unwrap_or_default(),
            Self::Entries(place) if number.is_multiple_of(2) => format!("{place}[key]"),
            Self::Entries(place) => format!("{place}[value]"),
            Self::Variants(place, names) => match names.get(number) {
                Some(name) => inside(place, name),
                None => place.clone(),
            },
        }
    }
}

/// A visitor that hands on whatever it meets with a watcher around it.
pub(super) struct Watching<'n, V> {
    pub(super) visitor: V,
    pub(super) parts: Parts,
    pub(super) notes: &'n Notes,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Watching<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Traced {
            inner,
            place: self.parts.place(0),
            notes: self.notes,
        })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(Traced {
            inner,
            place: self.parts.place(0),
            notes: self.notes,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.visitor
            .visit_seq(Steps::over(access, self.parts, self.notes))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.visitor
            .visit_map(Steps::over(access, self.parts, self.notes))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.visitor
            .visit_enum(Steps::over(access, self.parts, self.notes))
    }
}

/// What gives one part after the other.
struct Steps<'n, A> {
    access: A,
    parts: Parts,
    number: usize,
    notes: &'n Notes,
}

impl<'n, A> Steps<'n, A> {
    fn over(access: A, parts: Parts, notes: &'n Notes) -> Self {
        Self {
            access,
            parts,
            number: 0,
            notes,
        }
    }

    fn seed<S>(&mut self, inner: S) -> Traced<'n, S> {
        let place = self.parts.place(self.number);
        self.number += 1;
        Traced {
            inner,
            place,
            notes: self.notes,
        }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Steps<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let seed = self.seed(seed);
        self.access.next_element_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.access.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Steps<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let seed = self.seed(seed);
        self.access.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.seed(seed);
        self.access.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.access.size_hint()
    }
}

impl<'de, 'n, A: EnumAccess<'de>> EnumAccess<'de> for Steps<'n, A> {
    type Error = A::Error;
    type Variant = Traced<'n, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        // The stored format names a variant by its number. It is read first, to know the place.
        let (number, inner) = self.access.variant_seed(PhantomData::<u32>)?;
        let variant = seed.deserialize(IntoDeserializer::<A::Error>::into_deserializer(number))?;
        let place = self
            .parts
            .place(usize::try_from(number).unwrap_or(usize::MAX));
        let notes = self.notes;
        let inner = Traced {
            inner,
            place,
            notes,
        };
        Ok((variant, inner))
    }
}
