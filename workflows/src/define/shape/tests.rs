//! Each type is written as it is read.

mod odd;

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::define::{
    shape::{fnv1a, of},
    step::{Joined, Missing},
};

#[track_caller]
fn reads<T: serde::de::DeserializeOwned>(expected: &str) {
    assert_eq!(of::<T>().text, expected);
}

/// The fingerprints of both are the same, though people read other names.
#[track_caller]
fn alike<A: serde::de::DeserializeOwned, B: serde::de::DeserializeOwned>() {
    let (a, b) = (of::<A>(), of::<B>());
    assert_eq!(a.fingerprint(), b.fingerprint(), "{} / {}", a.text, b.text);
}

#[track_caller]
fn different<A: serde::de::DeserializeOwned, B: serde::de::DeserializeOwned>() {
    let (a, b) = (of::<A>(), of::<B>());
    assert_ne!(a.fingerprint(), b.fingerprint(), "{} / {}", a.text, b.text);
}

#[test]
fn values_without_parts() {
    reads::<()>("()");
    reads::<bool>("bool");
    reads::<(i8, i16, i32, i64, i128)>("(i8,i16,i32,i64,i128)");
    reads::<(u8, u16, u32, u64, u128)>("(u8,u16,u32,u64,u128)");
    reads::<(f32, f64, char)>("(f32,f64,char)");
    reads::<String>("string");
    reads::<std::borrow::Cow<'static, str>>("string");
    reads::<NonZeroU32>("u32");
    reads::<Value>("any");
}

#[test]
fn texts_that_are_parsed_are_told_apart_by_what_they_accept() {
    reads::<Uuid>("string(uuid)");
    reads::<DateTime<Utc>>("string(time)");
    reads::<NaiveDate>("string(date)");
    reads::<IpAddr>("string(ip)");
    reads::<SocketAddr>("string(socket)");
    different::<String, Uuid>();
}

#[test]
fn values_of_values() {
    reads::<Vec<Option<u32>>>("[?u32]");
    reads::<HashMap<String, u64>>("{string:u64}");
    reads::<BTreeMap<Uuid, Vec<bool>>>("{string(uuid):[bool]}");
    reads::<(u8, String)>("(u8,string)");
    reads::<[u8; 32]>("(u8;32)");
    reads::<Box<[String]>>("[string]");
    reads::<Duration>("Duration{secs:u64,nanos:u32}");
    reads::<Result<u8, String>>("Result<Ok(u8)|Err(string)>");
    reads::<serde_json::Map<String, Value>>("{string:any}");
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read by serde only")]
struct Order {
    id: Uuid,
    lines: Vec<Line>,
    note: Option<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read by serde only")]
struct Line {
    sku: Sku,
    count: u32,
    at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Sku(#[expect(dead_code, reason = "read by serde only")] String);

#[derive(Deserialize)]
struct Point(
    #[expect(dead_code, reason = "read by serde only")] f64,
    #[expect(dead_code, reason = "read by serde only")] f64,
);

#[derive(Deserialize)]
struct Nothing;

#[test]
fn structs() {
    reads::<Order>(
        "Order{id:string(uuid),lines:[Line{sku:Sku(string),count:u32,at:string(time)}],note:?string}",
    );
    reads::<(Point, Nothing)>("(Point(f64,f64),())");
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read by serde only")]
enum Event {
    Started,
    Paid(u64),
    Moved(Point, i32),
    Sent { to: Uuid, by: Carrier },
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Carrier {
    OnFoot,
    ByShip(#[expect(dead_code, reason = "read by serde only")] String),
}

#[test]
fn every_variant_of_every_enum() {
    reads::<Event>(
        "Event<Started|Paid(u64)|Moved(Point(f64,f64),i32)\
         |Sent{to:string(uuid),by:Carrier<on-foot|by-ship(string)>}>",
    );
    reads::<Vec<(Carrier, Carrier)>>(
        "[(Carrier<on-foot|by-ship(string)>,Carrier<on-foot|by-ship(string)>)]",
    );
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read by serde only")]
struct Tree {
    left: Option<Box<Tree>>,
    children: Vec<Tree>,
    parent: Option<Box<Parent>>,
    weight: u64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read by serde only")]
struct Parent {
    tree: Tree,
    at: DateTime<Utc>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read by serde only")]
enum Expression {
    Number(i64),
    Sum(Box<Expression>, Box<Expression>),
    Negated(Box<Expression>),
    Call { name: String, with: Vec<Expression> },
}

#[derive(Deserialize)]
struct Nest(#[expect(dead_code, reason = "read by serde only")] Vec<Nest>);

#[test]
fn types_that_contain_themselves() {
    reads::<Tree>(
        "Tree{left:?^Tree,children:[^Tree],parent:?Parent{tree:^Tree,at:string(time)},weight:u64}",
    );
    reads::<Expression>(
        "Expression<Number(i64)|Sum(^Expression,_)|Negated(^Expression)\
         |Call{name:string,with:[^Expression]}>",
    );
    reads::<Nest>("Nest([^Nest])");
    // The same type twice, but not in itself.
    reads::<Joined<Joined<u8, u8>, Joined<u8, Result<u8, Missing>>>>(
        "Joined{carry:Joined{carry:u8,children:[u8]},\
         children:[Joined{carry:u8,children:[Result<Ok(u8)|Err(Missing{error:string})>]}]}",
    );
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read by serde only")]
struct Purchase {
    note: Option<String>,
    lines: Vec<Row>,
    id: Uuid,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read by serde only")]
struct Row {
    count: u32,
    sku: String,
    at: DateTime<Utc>,
}

#[test]
fn only_what_is_seen_in_json_makes_a_difference() {
    alike::<Order, Purchase>();
    alike::<Sku, String>();
    different::<Line, Sku>();
    different::<Vec<u8>, Vec<Result<u8, Missing>>>();
    different::<Event, Carrier>();
}

#[test]
fn fingerprints_never_change() {
    assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
    assert_eq!(of::<Order>().fingerprint(), "1-ccb3254dd52d94ab");
}
