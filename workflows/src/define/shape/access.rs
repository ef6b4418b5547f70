//! The parts of a made-up value, handed out one by one.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::BorrowedStrDeserializer,
};

use crate::define::shape::{
    pass::{Error, Pass},
    recorder::Recorder,
    tree::{Kind, Part},
};

/// Elements of a sequence or of a tuple.
pub(super) struct Elements<'a> {
    parts: std::slice::IterMut<'a, Part>,
    pass: &'a Pass,
}

impl<'a> Elements<'a> {
    pub fn new(parts: &'a mut [Part], pass: &'a Pass) -> Self {
        let parts = parts.iter_mut();
        Self { parts, pass }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let (next, pass) = (self.parts.next(), self.pass);
        next.map(|Part { slot, .. }| seed.deserialize(Recorder { slot, pass }))
            .transpose()
    }
}

/// Fields of a struct or entries of a map.
pub(super) struct Entries<'a> {
    parts: &'a mut [Part],
    /// The parts to hand out. Those that cannot be given come last, after all others were seen.
    order: Vec<usize>,
    at: usize,
    pass: &'a Pass,
}

impl<'a> Entries<'a> {
    pub fn of_struct(parts: &'a mut [Part], pass: &'a Pass) -> Self {
        let mut order: Vec<usize> = (0..parts.len()).filter(|at| !parts[*at].refused).collect();
        order.sort_by_key(|at| parts[*at].slot.blocked());
        Self {
            parts,
            order,
            at: 0,
            pass,
        }
    }

    /// One entry of any key.
    pub fn of_map(parts: &'a mut [Part], pass: &'a Pass) -> Self {
        let closed = parts.iter().any(|part| part.slot.closed());
        let order = if closed { Vec::new() } else { vec![1] };
        Self {
            parts,
            order,
            at: 0,
            pass,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Does not hand out the field again whose name was read last.
    pub fn leave_out_this(&mut self) {
        if let Some(at) = self.order.get(self.at) {
            self.parts[*at].refused = true;
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(at) = self.order.get(self.at) else {
            return Ok(None);
        };
        let label = self.parts[*at].label;
        if label.is_empty() {
            let (slot, pass) = (&mut self.parts[0].slot, self.pass);
            return seed.deserialize(Recorder { slot, pass }).map(Some);
        }
        seed.deserialize(BorrowedStrDeserializer::new(label))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let at = *self.order.get(self.at).ok_or(Error::Refused)?;
        self.at += 1;
        let (slot, pass) = (&mut self.parts[at].slot, self.pass);
        seed.deserialize(Recorder { slot, pass })
    }
}

/// The chosen variant of an enum.
pub(super) struct Variant<'a> {
    pub part: &'a mut Part,
    pub pass: &'a Pass,
}

impl<'a> Variant<'a> {
    fn content(self) -> Recorder<'a> {
        let (slot, pass) = (&mut self.part.slot, self.pass);
        Recorder { slot, pass }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = BorrowedStrDeserializer::new(self.part.label);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        // A type of its own, so that it is never taken for a part of itself.
        self.content()
            .within::<(Variant<'_>, T), _>("", Kind::Content, |node, pass| {
                let slot = &mut node.parts[0].slot;
                seed.deserialize(Recorder { slot, pass })
            })
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.content().deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.content().deserialize_struct("", fields, visitor)
    }
}
