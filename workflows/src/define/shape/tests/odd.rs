//! Serde's attributes, and types with code of their own.

use std::{collections::HashMap, net::IpAddr, num::NonZeroU32};

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use uuid::Uuid;

use crate::define::shape::{
    of,
    tests::{Order, reads},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "read by serde only")]
struct Attributes {
    #[serde(default)]
    first_name: String,
    #[serde(alias = "zip", alias = "plz")]
    post_code: u32,
    #[serde(skip)]
    cache: Option<Uuid>,
    last: NonZeroU32,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read by serde only")]
struct Flattened {
    id: Uuid,
    #[serde(flatten)]
    inner: Inner,
    #[serde(flatten)]
    rest: HashMap<String, Value>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read by serde only")]
struct Inner {
    width: u32,
    name: String,
}

#[derive(Deserialize)]
#[serde(tag = "kind")]
#[expect(dead_code, reason = "read by serde only")]
enum Internal {
    A { x: u32 },
    B,
}

#[derive(Deserialize)]
#[serde(tag = "kind", content = "of")]
#[expect(dead_code, reason = "read by serde only")]
enum Adjacent {
    A(Uuid),
    B { y: IpAddr },
    C,
}

#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "read by serde only")]
enum Untagged {
    Number(u64),
    Text(String),
    Whole { order: Order },
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read by serde only")]
struct Tagged {
    internal: Internal,
    adjacent: Adjacent,
    untagged: Untagged,
    after: String,
}

#[test]
fn serdes_attributes() {
    reads::<Attributes>("Attributes{firstName:string,plz:u32,last:u32}");
    reads::<Flattened>("{id:string(uuid),width:any,name:any}");
    reads::<Adjacent>("Adjacent{kind:Adjacent<A|B|C>,of:string(uuid)|any{y:string(ip)}}");
    reads::<Internal>("any{kind:<A|B>}");
    // What comes after a value that nothing made up fits is seen all the same.
    reads::<Tagged>(
        "Tagged{internal:any{kind:<A|B>},\
         adjacent:Adjacent{kind:Adjacent<A|B|C>,of:string(uuid)|any{y:string(ip)}},\
         untagged:any,after:string}",
    );
}

/// A text that nobody would guess.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Strange;
impl TryFrom<String> for Strange {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        (text == "strange").then_some(Self).ok_or("not strange")
    }
}

/// Two numbers of which the second must be the greater.
#[derive(Deserialize)]
#[serde(try_from = "(u32, u32)")]
struct Range;
impl TryFrom<(u32, u32)> for Range {
    type Error = &'static str;
    fn try_from((from, to): (u32, u32)) -> Result<Self, Self::Error> {
        (from < to).then_some(Self).ok_or("empty")
    }
}

struct Panics;
impl<'de> Deserialize<'de> for Panics {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("on purpose")
    }
}

struct Lenient;
impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let _ = Order::deserialize(from);
        Ok(Self)
    }
}

#[derive(Deserialize)]
enum Never {}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read by serde only")]
struct Odd {
    strange: Strange,
    range: Range,
    strange_too: Vec<Strange>,
    never: Option<Never>,
    lenient: Lenient,
}

#[test]
fn types_with_a_will_of_their_own() {
    reads::<Strange>("string(opaque)");
    reads::<Odd>(
        "Odd{strange:string(opaque),range:(u32,u32),strange_too:[string(opaque)],never:?Never<>,\
         lenient:Order{id:string,lines,note}}",
    );
    assert!(of::<Panics>().text.starts_with("opaque("));
    assert_eq!(of::<Never>().text, "Never<>");
}

/// Ten doublings: a thousand leaves and more, which no type of a route has.
macro_rules! doubled {
    ($($name:ident $of:ty;)*) => {$(
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "read by serde only")]
        struct $name { a: $of, b: $of, c: $of }
    )*};
}
doubled! { D1 u8; D2 D1; D3 D2; D4 D3; D5 D4; D6 D5; D7 D6; D8 D7; D9 D8; D10 D9; }

#[test]
fn huge_types_are_cut_off() {
    assert!(of::<D10>().text.len() < 100_000);
}
