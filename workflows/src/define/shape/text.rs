//! How a shape is written.

use crate::define::shape::tree::{Kind, Node, Part, Slot};

/// Who reads the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// With the names of types, in the order in which they are declared.
    People,
    /// Only what is seen in the JSON that values are written as.
    Comparison,
}

/// Writes a type.
pub(super) fn write(slot: &Slot, reader: For) -> String {
    let ways: Vec<_> = slot.0.iter().map(|node| one(node, reader)).collect();
    ways.join("|")
}

fn one(node: &Node, reader: For) -> String {
    let inner = |at: usize| write(&node.parts[at].slot, reader);
    let named = |name: &str, rest: String| match reader {
        For::People => format!("{name}{rest}"),
        For::Comparison => rest,
    };
    match node.kind {
        Kind::Leaf(name, _) if !node.parts.is_empty() => {
            name.to_owned() + &braces(listed(&node.parts, ":", reader), reader)
        }
        Kind::Leaf(name, _) if node.refused => format!("{name}(opaque)"),
        Kind::Leaf(name, _) => node.leaf_name(name).to_owned(),
        Kind::Option => format!("?{}", inner(0)),
        Kind::Seq => format!("[{}]", inner(0)),
        Kind::Map if node.parts.len() > 2 => braces(listed(&node.parts[2..], ":", reader), reader),
        Kind::Map => format!("{{{}:{}}}", inner(0), inner(1)),
        Kind::Tuple(_) => tuple(node, reader),
        Kind::TupleStruct(name, _) => named(name, tuple(node, reader)),
        Kind::Newtype(name) if reader == For::People => format!("{name}({})", inner(0)),
        Kind::Newtype(_) => inner(0),
        Kind::Content => format!("({})", inner(0)),
        Kind::Struct(name, _) => {
            let fields = node.parts.iter().filter(|part| !part.refused);
            named(name, braces(listed(fields, ":", reader), reader))
        }
        Kind::Enum(name, _) => named(name, variants(node, reader)),
        Kind::OneOf(_) => variants(node, reader),
        Kind::Reference(name, _) if reader == For::People => format!("^{name}"),
        Kind::Reference(_, levels) => format!("^{levels}"),
    }
}

/// Each part's name with its type, as far as that is known.
fn listed<'a>(
    parts: impl IntoIterator<Item = &'a Part>,
    between: &str,
    reader: For,
) -> Vec<String> {
    let write = |part: &Part| match write(&part.slot, reader) {
        unknown if unknown.is_empty() => part.label.to_owned(),
        known => format!("{}{between}{known}", part.label),
    };
    parts.into_iter().map(write).collect()
}

fn braces(fields: Vec<String>, reader: For) -> String {
    format!("{{{}}}", sorted(fields, reader).join(","))
}

fn variants(node: &Node, reader: For) -> String {
    let variants = sorted(listed(&node.parts, "", reader), reader);
    format!("<{}>", variants.join("|"))
}

/// JSON has no order of fields, so it makes no difference.
fn sorted(mut parts: Vec<String>, reader: For) -> Vec<String> {
    if reader == For::Comparison {
        parts.sort_unstable();
    }
    parts
}

fn tuple(node: &Node, reader: For) -> String {
    let element = |part: &Part| match write(&part.slot, reader) {
        unknown if unknown.is_empty() => "_".to_owned(),
        known => known,
    };
    let elements: Vec<String> = node.parts.iter().map(element).collect();
    match elements.as_slice() {
        [first, .., last] if elements.len() > 3 && elements.iter().all(|e| e == first) => {
            format!("({last};{})", elements.len())
        }
        _ => format!("({})", elements.join(",")),
    }
}
