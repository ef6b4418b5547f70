//! A deserializer that has no data: whatever a type asks for, it is given something made up.

use serde::de::{Deserializer, Visitor};

use crate::define::shape::{
    access::{Elements, Entries, Variant},
    pass::Error,
    recorder::{Recorder, choose, required},
    samples::ANYTHING,
    tree::Kind,
};

macro_rules! numbers {
    ($($ask:ident $give:ident $type:ident;)*) => {$(
        fn $ask<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let sample = self.sample(stringify!($type), 2)?;
            // Zero, and one for those who do not take zero.
            visitor.$give($type::from(sample > 0))
        }
    )*};
}

macro_rules! texts {
    ($($ask:ident)*) => {$(
        fn $ask<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.text(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Recorder<'_> {
    type Error = Error;

    numbers! {
        deserialize_i8 visit_i8 i8; deserialize_i16 visit_i16 i16; deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64; deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8; deserialize_u16 visit_u16 u16; deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64; deserialize_u128 visit_u128 u128;
        deserialize_f32 visit_f32 f32; deserialize_f64 visit_f64 f64;
        deserialize_bool visit_bool bool;
    }

    texts! { deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.sample("char", 1)?;
        visitor.visit_char('a')
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.sample("bytes", 1)?;
        visitor.visit_borrowed_bytes(b"")
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.sample("()", 1)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (node, pass) = self.ask_sample("any", ANYTHING)?;
        match node.choice {
            0 => visitor.visit_unit(),
            1 => visitor.visit_bool(false),
            2 => visitor.visit_u64(0),
            3 => visitor.visit_borrowed_str(""),
            4 => required(node, 0, pass, visitor),
            _ => visitor.visit_seq(Elements::new(&mut [], pass)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.within::<V, _>("", Kind::Option, |node, pass| {
            let slot = &mut node.parts[0].slot;
            if slot.closed() {
                return visitor.visit_none();
            }
            visitor.visit_some(Recorder { slot, pass })
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.within::<V, _>(name, Kind::Newtype(name), |node, pass| {
            let slot = &mut node.parts[0].slot;
            visitor.visit_newtype_struct(Recorder { slot, pass })
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.within::<V, _>("", Kind::Seq, |node, pass| {
            let closed = node.parts[0].slot.closed();
            let parts = if closed { &mut [] } else { &mut node.parts[..] };
            visitor.visit_seq(Elements::new(parts, pass))
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.within::<V, _>("", Kind::Tuple(len), |node, pass| {
            visitor.visit_seq(Elements::new(&mut node.parts, pass))
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.within::<V, _>(name, Kind::TupleStruct(name, len), |node, pass| {
            visitor.visit_seq(Elements::new(&mut node.parts, pass))
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.within::<V, _>("", Kind::Map, |node, pass| required(node, 2, pass, visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.within::<V, _>(name, Kind::Struct(name, fields), |node, pass| {
            let mut entries = Entries::of_struct(&mut node.parts, pass);
            match visitor.visit_map(&mut entries) {
                Err(Error::Duplicate) => {
                    entries.leave_out_this();
                    Err(Error::Again)
                }
                result => result,
            }
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.within::<V, _>(name, Kind::Enum(name, variants), |node, pass| {
            let part = choose(node, pass)?;
            visitor.visit_enum(Variant { part, pass })
        })
    }
}
