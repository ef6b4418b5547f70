//! What has been seen of a type so far, and what is still to be seen.

use crate::define::shape::samples::TEXTS;

/// A place in a type. Where the type asks differently from pass to pass, as for the content of an
/// adjacently tagged enum, there is a node for each way.
#[derive(Default)]
pub(super) struct Slot(pub Vec<Node>);

/// What the type asked for at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value without parts, and how many samples of it there are.
    Leaf(&'static str, usize),
    Option,
    Seq,
    Map,
    Tuple(usize),
    TupleStruct(&'static str, usize),
    Newtype(&'static str),
    /// Content of a variant that has one value.
    Content,
    Struct(&'static str, &'static [&'static str]),
    Enum(&'static str, &'static [&'static str]),
    /// A text that has to be one of these: the tag of an internally tagged enum.
    OneOf(&'static [&'static str]),
    /// A type that is being read already, so many levels up.
    Reference(&'static str, usize),
}

pub(super) struct Node {
    pub kind: Kind,
    /// Fields, elements or variants; key and value of a map; entries that a map has to have.
    pub parts: Vec<Part>,
    /// The number of the last question at this place.
    pub asked: usize,
    /// The sample to give, or the variant.
    pub choice: usize,
    /// Another sample is to be tried.
    pub pending: bool,
    /// Nothing it could be given is accepted.
    pub refused: bool,
}

#[derive(Default)]
pub(super) struct Part {
    pub label: &'static str,
    pub slot: Slot,
    /// Of a variant: it has been chosen once.
    pub tried: bool,
    /// Of a variant: not accepted. Of a field: another name of one that was given already.
    pub refused: bool,
}

/// What became of the value that a failed pass is blamed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// It has another sample.
    MovedOn,
    /// It has none any more.
    GivenUp,
    /// It had none before.
    Nothing,
}

impl Slot {
    /// Nothing in it can be given, as far as is known.
    pub fn blocked(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(Node::blocked)
    }

    /// Something in it is still to be seen.
    fn open(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(Node::open)
    }

    /// Better left out: it cannot be given, and all of it has been seen.
    pub fn closed(&self) -> bool {
        self.blocked() && !self.open()
    }

    /// Blames the value that was asked for last.
    pub fn blame(&mut self, asked: usize) -> Blame {
        for node in &mut self.0 {
            let blame = node.blame(asked);
            if blame != Blame::Nothing {
                return blame;
            }
        }
        Blame::Nothing
    }
}

impl Part {
    pub fn named(label: &'static str) -> Self {
        Self {
            label,
            ..Self::default()
        }
    }

    /// Something in the content of this variant is still to be seen.
    fn open_variant(&self) -> bool {
        !self.refused && self.slot.0.iter().any(Node::open)
    }
}

impl Node {
    pub fn new(kind: Kind) -> Self {
        let unnamed = |count| (0..count).map(|_| Part::default()).collect();
        let parts = match kind {
            Kind::Leaf(..) | Kind::Reference(..) => Vec::new(),
            Kind::Option | Kind::Seq | Kind::Newtype(_) | Kind::Content => unnamed(1),
            Kind::Map => unnamed(2),
            Kind::Tuple(count) | Kind::TupleStruct(_, count) => unnamed(count),
            Kind::Struct(_, labels) | Kind::Enum(_, labels) | Kind::OneOf(labels) => {
                labels.iter().copied().map(Part::named).collect()
            }
        };
        Self {
            kind,
            parts,
            asked: 0,
            choice: 0,
            pending: false,
            refused: matches!(kind, Kind::Reference(..)),
        }
    }

    /// Chooses the variant to show now, unless the last one is to be shown `again`. `true`: it is new.
    pub fn choose(&mut self, again: bool) -> Option<bool> {
        if !(again && self.parts.get(self.choice)?.tried) {
            self.choice = self.next_variant()?;
        }
        let part = self.parts.get_mut(self.choice)?;
        Some(!std::mem::replace(&mut part.tried, true))
    }

    /// One not seen yet, else one of which something is not seen yet, else one that works.
    fn next_variant(&self) -> Option<usize> {
        let count = self.parts.len();
        let from_here = || (1..=count).map(|step| (self.choice + step) % count);
        let usable = |part: &Part| !part.refused && !part.slot.blocked();
        (0..count)
            .find(|at| !self.parts[*at].tried)
            .or_else(|| from_here().find(|at| self.parts[*at].open_variant()))
            .or_else(|| from_here().find(|at| usable(&self.parts[*at])))
            .or((count > 0).then_some(0))
    }

    fn blocked(&self) -> bool {
        let mut parts = self.parts.iter();
        self.refused
            || match self.kind {
                Kind::Option | Kind::Seq | Kind::Map | Kind::Leaf(..) | Kind::Reference(..) => {
                    false
                }
                Kind::Enum(..) | Kind::OneOf(_) => {
                    parts.all(|part| part.refused || part.slot.blocked())
                }
                _ => parts.any(|part| part.slot.blocked()),
            }
    }

    fn open(&self) -> bool {
        if self.refused {
            return false;
        }
        let mut parts = self.parts.iter();
        match self.kind {
            Kind::Leaf(..) => self.pending || parts.any(|part| part.slot.open()),
            Kind::Enum(..) | Kind::OneOf(_) => parts.any(|part| !part.tried || part.open_variant()),
            Kind::Struct(..) => parts.any(|part| !part.refused && part.slot.open()),
            // What comes behind a part that cannot be given is never reached.
            _ => parts
                .take_while(|part| !part.slot.closed())
                .any(|part| part.slot.open()),
        }
    }

    fn blame(&mut self, asked: usize) -> Blame {
        if self.asked != asked {
            let parts = self.parts.iter_mut().map(|part| part.slot.blame(asked));
            let mut blames = parts.filter(|blame| *blame != Blame::Nothing);
            return blames.next().unwrap_or(Blame::Nothing);
        }
        match self.kind {
            _ if self.refused => return Blame::Nothing,
            Kind::Leaf(_, samples) => {
                self.choice += 1;
                self.pending = self.choice < samples;
                self.refused = !self.pending;
            }
            Kind::Enum(..) | Kind::OneOf(_) => match self.parts.get_mut(self.choice) {
                Some(part) if !part.refused => part.refused = true,
                _ => self.refused = true,
            },
            _ => self.refused = true,
        }
        if self.pending {
            Blame::MovedOn
        } else {
            Blame::GivenUp
        }
    }

    /// The name of a leaf's type, as far as the sample that it accepted shows it.
    pub fn leaf_name(&self, name: &'static str) -> &'static str {
        let texts = (name == "string").then(|| TEXTS.get(self.choice)).flatten();
        texts.map_or(name, |(name, _)| *name)
    }
}
