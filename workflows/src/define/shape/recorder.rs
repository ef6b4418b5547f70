//! Writes down what a type asks for, place by place.

use std::any::type_name;

use serde::de::Visitor;

use crate::define::shape::{
    access::Entries,
    pass::{Error, Pass},
    samples::TEXTS,
    tree::{Kind, Node, Part, Slot},
};

/// Places in one type. Who has more is cut off.
const NODES: usize = 5_000;
/// Levels of one type.
const LEVELS: usize = 64;

/// Answers for one place.
pub(super) struct Recorder<'a> {
    pub slot: &'a mut Slot,
    pub pass: &'a Pass,
}

impl<'a> Recorder<'a> {
    /// Writes down that the type asks for this here.
    fn ask(self, kind: Kind) -> Result<(&'a mut Node, &'a Pass), Error> {
        let (nodes, pass) = (&mut self.slot.0, self.pass);
        let at = match nodes.iter().position(|node| node.kind == kind) {
            Some(at) => at,
            None if pass.nodes.get() >= NODES => return Err(Error::Refused),
            None => {
                pass.nodes.set(pass.nodes.get() + 1);
                pass.progress.set(true);
                nodes.push(Node::new(kind));
                nodes.len() - 1
            }
        };
        pass.asked.set(pass.asked.get() + 1);
        let node = &mut nodes[at];
        node.asked = pass.asked.get();
        node.pending = false;
        Ok((node, pass))
    }

    /// Writes down that the type asks for a value that has samples.
    pub fn ask_sample(
        self,
        name: &'static str,
        samples: usize,
    ) -> Result<(&'a mut Node, &'a Pass), Error> {
        let (node, pass) = self.ask(Kind::Leaf(name, samples))?;
        if node.refused {
            return Err(Error::Refused);
        }
        Ok((node, pass))
    }

    /// Which sample to give.
    pub fn sample(self, name: &'static str, samples: usize) -> Result<usize, Error> {
        let (node, _) = self.ask_sample(name, samples)?;
        Ok(node.choice)
    }

    /// Chooses one of the variants that the type has here.
    fn variant(self, kind: Kind) -> Result<(&'a mut Part, &'a Pass), Error> {
        let (node, pass) = self.ask(kind)?;
        choose(node, pass).map(|part| (part, pass))
    }

    pub fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Recorder { slot, pass } = self;
        if let Some(kind @ Kind::OneOf(_)) = slot.0.first().map(|node| node.kind) {
            let (part, _) = Recorder { slot, pass }.variant(kind)?;
            return visitor.visit_borrowed_str(part.label);
        }
        let again = Recorder { slot, pass };
        let sample = again.sample("string", TEXTS.len())?;
        match visitor.visit_borrowed_str(TEXTS[sample].1) {
            Err(Error::Unknown(labels)) => {
                slot.0 = vec![Node::new(Kind::OneOf(labels))];
                Err(Error::Again)
            }
            result => result,
        }
    }

    /// Answers for a value with parts, unless it is a part of itself.
    pub fn within<V, T>(
        self,
        name: &'static str,
        kind: Kind,
        read: impl FnOnce(&mut Node, &Pass) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // The visitor stands for the type: its full name tells types apart that are called the same.
        let visitor = type_name::<V>();
        let pass = self.pass;
        let levels = pass.reading.borrow().len();
        let above = pass
            .reading
            .borrow()
            .iter()
            .rposition(|(v, _)| *v == visitor);
        if let Some(above) = above {
            let name = pass.reading.borrow()[above].1;
            self.ask(Kind::Reference(name, levels - above))?;
            return Err(Error::Refused);
        }
        let (node, pass) = self.ask(kind)?;
        if levels >= LEVELS {
            return Err(Error::Refused);
        }
        pass.reading.borrow_mut().push((visitor, name));
        let result = read(node, pass);
        pass.reading.borrow_mut().pop();
        result
    }
}

/// The variant to show now.
pub(super) fn choose<'a>(node: &'a mut Node, pass: &Pass) -> Result<&'a mut Part, Error> {
    if node.choose(pass.again).ok_or(Error::Refused)? {
        pass.progress.set(true);
    }
    Ok(&mut node.parts[node.choice])
}

/// Gives a map with the entries from `first` on; one that turns out to be missing is added.
///
/// Structs with flattened fields and some enums ask for a map, and then say what they miss in it.
pub(super) fn required<'de, V: Visitor<'de>>(
    node: &mut Node,
    first: usize,
    pass: &Pass,
    visitor: V,
) -> Result<V::Value, Error> {
    let mut entries = Entries::of_struct(&mut node.parts[first..], pass);
    let result = if first > 0 && entries.is_empty() {
        visitor.visit_map(Entries::of_map(&mut node.parts, pass))
    } else {
        visitor.visit_map(&mut entries)
    };
    match result {
        Err(Error::Missing(field)) if node.parts.iter().all(|part| part.label != field) => {
            node.parts.push(Part::named(field));
            Err(Error::Again)
        }
        result => result,
    }
}
