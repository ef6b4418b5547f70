//! Gain maps as packets of XMP say it: Adobe's `hdrgm` 1.0, which Ultra HDR and older browsers read, the directory of
//! pictures that goes with it, and Apple's.

use std::fmt::Write as _;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use super::metadata::{Channel, Metadata};

/// Bytes of a packet that are looked at, elements within each other, and values that are kept.
const BYTES: usize = 1 << 20;
const DEPTH: usize = 256;
const VALUES: usize = 256;

/// What is added to light where a packet does not say it.
const OFFSET: f64 = 1.0 / 64.0;
/// The end of what packets say.
const END: &[u8] = b"</rdf:RDF>";

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const ADOBE: &str = "http://ns.adobe.com/hdr-gain-map/1.0/";
const CONTAINER: &str = "http://ns.google.com/photos/1.0/container/";
const ITEM: &str = "http://ns.google.com/photos/1.0/container/item/";
const APPLE: &str = "http://ns.apple.com/HDRGainMap/1.0/";

/// Whose words they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vocabulary {
    Adobe,
    Item,
    Apple,
}

impl Vocabulary {
    fn of(namespace: &ResolveResult<'_>) -> Option<Self> {
        let ResolveResult::Bound(Namespace(namespace)) = namespace else {
            return None;
        };
        [
            (ADOBE, Self::Adobe),
            (ITEM, Self::Item),
            (APPLE, Self::Apple),
        ]
        .into_iter()
        .find_map(|(name, vocabulary)| (name.as_bytes() == *namespace).then_some(vocabulary))
    }
}

/// What a packet says of gain maps, in its order: attributes and elements alike, each value of a list on its own.
#[derive(Default)]
pub(super) struct Packet {
    values: Vec<(Vocabulary, String, String)>,
}

/// A picture of the directory.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) is_gain_map: bool,
    /// Bytes; 0 of the first, which is as long as it is.
    pub(super) length: u64,
}

impl Packet {
    /// As far as it can be read.
    pub(super) fn read(packet: &[u8]) -> Self {
        let mut found = Self::default();
        let mut reader = NsReader::from_reader(&packet[..packet.len().min(BYTES)]);
        let mut depth = 0;
        let mut open: Option<(Vocabulary, String, usize)> = None;
        while depth < DEPTH
            && let Ok((namespace, event)) = reader.read_resolved_event()
        {
            match event {
                Event::Start(start) => {
                    let vocabulary = Vocabulary::of(&namespace);
                    found.attributes(&reader, &start);
                    if let (None, Some(vocabulary)) = (&open, vocabulary) {
                        open = Some((vocabulary, name(start.local_name().as_ref()), depth));
                    }
                    depth += 1;
                }
                Event::Empty(start) => found.attributes(&reader, &start),
                Event::End(_) => {
                    depth = depth.saturating_sub(1);
                    open = open.filter(|&(_, _, outer)| outer < depth);
                }
                Event::Text(text) => {
                    if let Some((vocabulary, name, _)) = &open {
                        found.keep(*vocabulary, name, &text.decode().unwrap_or_default());
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        found
    }

    fn attributes(&mut self, reader: &NsReader<&[u8]>, start: &BytesStart<'_>) {
        for attribute in start.attributes().flatten() {
            let (namespace, local) = reader.resolver().resolve_attribute(attribute.key);
            if let Some(vocabulary) = Vocabulary::of(&namespace) {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                self.keep(
                    vocabulary,
                    &name(local.as_ref()),
                    &value.unwrap_or_default(),
                );
            }
        }
    }

    fn keep(&mut self, vocabulary: Vocabulary, name: &str, value: &str) {
        let value = value.trim();
        if !value.is_empty() && self.values.len() < VALUES {
            self.values
                .push((vocabulary, name.to_owned(), value.to_owned()));
        }
    }

    /// The values of a word.
    fn of(&self, vocabulary: Vocabulary, name: &str) -> impl Iterator<Item = &str> {
        let values = self.values.iter();
        let values = values.filter(move |(of, word, _)| (*of, word.as_str()) == (vocabulary, name));
        values.map(|(_, _, value)| value.as_str())
    }

    /// Of the picture that is a gain map. Nothing if a number is broken, or the base is the brighter picture.
    pub(super) fn metadata(&self) -> Option<Metadata> {
        let text = |name| self.of(Vocabulary::Adobe, name);
        text("Version")
            .next()
            .filter(|version| version.starts_with("1."))?;
        if text("BaseRenditionIsHDR").any(|value| value.eq_ignore_ascii_case("true")) {
            return None;
        }
        // One value stands for all colours; none for the one that is usual.
        let values = |name, usual: Option<f64>| -> Option<[f64; 3]> {
            let said: Option<Vec<f64>> = text(name).map(|value| value.parse().ok()).collect();
            match *said? {
                [] => usual.map(|usual| [usual; 3]),
                [all] => Some([all; 3]),
                [red, green, blue] => Some([red, green, blue]),
                _ => None,
            }
        };
        let (min, max) = (
            values("GainMapMin", Some(0.0))?,
            values("GainMapMax", None)?,
        );
        let gamma = values("Gamma", Some(1.0))?;
        let base = values("OffsetSDR", Some(OFFSET))?;
        let alternate = values("OffsetHDR", Some(OFFSET))?;
        let channels = [0, 1, 2].map(|color| Channel {
            min: min[color],
            max: max[color],
            gamma: gamma[color],
            base_offset: base[color],
            alternate_offset: alternate[color],
        });
        let metadata = Metadata {
            channels,
            base_headroom: values("HDRCapacityMin", Some(0.0))?[0],
            alternate_headroom: values("HDRCapacityMax", None)?[0],
        };
        metadata.sane()
    }

    /// Whether it is of a gain map by Apple's programs.
    pub(super) fn is_apples(&self) -> bool {
        self.of(Vocabulary::Apple, "HDRGainMapVersion")
            .next()
            .is_some()
    }

    /// How much brighter than diffuse white Apple's map makes it, at most.
    pub(super) fn headroom(&self) -> Option<f64> {
        self.of(Vocabulary::Apple, "HDRGainMapHeadroom")
            .next()?
            .parse()
            .ok()
    }

    /// The pictures of the directory, in their order. A word that comes again begins the next.
    pub(super) fn items(&self) -> Vec<Item> {
        let (mut items, mut words): (Vec<Item>, Vec<&str>) = (Vec::new(), Vec::new());
        for (vocabulary, name, value) in &self.values {
            if *vocabulary != Vocabulary::Item {
                continue;
            }
            if items.is_empty() || words.contains(&name.as_str()) {
                items.push(Item::default());
                words.clear();
            }
            words.push(name);
            if let Some(item) = items.last_mut() {
                match name.as_str() {
                    "Semantic" => item.is_gain_map = value == "GainMap",
                    "Length" => item.length = value.parse().unwrap_or_default(),
                    _ => {}
                }
            }
        }
        items
    }
}

fn name(local: &[u8]) -> String {
    String::from_utf8_lossy(&local[..local.len().min(64)]).into_owned()
}

/// The packet of the base: that a gain map of so many bytes follows. What `rights` says is said, too.
pub(super) fn of_base(map_bytes: usize, rights: Option<&[u8]>) -> Vec<u8> {
    let item = |rest: &str| {
        format!(
            "<rdf:li rdf:parseType=\"Resource\"><Container:Item Item:Mime=\"image/jpeg\" {rest}/></rdf:li>"
        )
    };
    let (first, second) = (
        item("Item:Semantic=\"Primary\""),
        item(&format!(
            "Item:Semantic=\"GainMap\" Item:Length=\"{map_bytes}\""
        )),
    );
    let description = format!(
        "<rdf:Description rdf:about=\"\" xmlns:Container=\"{CONTAINER}\" xmlns:Item=\"{ITEM}\" xmlns:hdrgm=\"{ADOBE}\" \
         hdrgm:Version=\"1.0\"><Container:Directory><rdf:Seq>{first}{second}</rdf:Seq></Container:Directory></rdf:Description>"
    );
    let end = |packet: &[u8]| packet.windows(END.len()).rposition(|bytes| bytes == END);
    match rights.and_then(|packet| Some(packet.split_at(end(packet)?))) {
        Some((before, after)) => [before, description.as_bytes(), after].concat(),
        None => packet(&description),
    }
}

/// The packet of the gain map. What is the same for all colours is in attributes: some readers know no other place.
pub(super) fn of_map(metadata: &Metadata) -> Vec<u8> {
    let (mut attributes, mut elements) = (String::new(), String::new());
    let mut put = |name: &str, of: &dyn Fn(&Channel) -> f64| {
        let [red, green, blue] = metadata.channels.each_ref().map(of);
        let _ = if metadata.is_even() {
            write!(attributes, " hdrgm:{name}=\"{red:.6}\"")
        } else {
            let values = [red, green, blue].map(|value| format!("<rdf:li>{value:.6}</rdf:li>"));
            let values = values.concat();
            write!(
                elements,
                "<hdrgm:{name}><rdf:Seq>{values}</rdf:Seq></hdrgm:{name}>"
            )
        };
    };
    put("GainMapMin", &|channel| channel.min);
    put("GainMapMax", &|channel| channel.max);
    put("Gamma", &|channel| channel.gamma);
    put("OffsetSDR", &|channel| channel.base_offset);
    put("OffsetHDR", &|channel| channel.alternate_offset);
    let (from, to) = (metadata.base_headroom, metadata.alternate_headroom);
    packet(&format!(
        "<rdf:Description rdf:about=\"\" xmlns:hdrgm=\"{ADOBE}\" hdrgm:Version=\"1.0\" hdrgm:HDRCapacityMin=\"{from:.6}\" \
         hdrgm:HDRCapacityMax=\"{to:.6}\" hdrgm:BaseRenditionIsHDR=\"False\"{attributes}>{elements}</rdf:Description>"
    ))
}

fn packet(descriptions: &str) -> Vec<u8> {
    format!(
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"{RDF}\">{descriptions}</rdf:RDF></x:xmpmeta>"
    )
    .into_bytes()
}
