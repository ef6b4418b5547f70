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
    values: Vec<Value>,
}

struct Value {
    vocabulary: Vocabulary,
    name: String,
    /// The number of the element that has it as an attribute, or in it as an element.
    owner: usize,
    text: String,
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
        // Elements are numbered as they begin; those that are open lie within each other.
        let (mut count, mut open) = (0, Vec::new());
        let mut word: Option<(Vocabulary, String, usize)> = None;
        while open.len() < DEPTH
            && let Ok((namespace, event)) = reader.read_resolved_event()
        {
            match event {
                Event::Start(start) => {
                    let vocabulary = Vocabulary::of(&namespace);
                    count += 1;
                    found.attributes(&reader, &start, count);
                    if let (None, Some(vocabulary)) = (&word, vocabulary) {
                        word = Some((vocabulary, name(start.local_name().as_ref()), open.len()));
                    }
                    open.push(count);
                }
                Event::Empty(start) => {
                    count += 1;
                    found.attributes(&reader, &start, count);
                }
                Event::End(_) => {
                    open.pop();
                    word = word.filter(|&(_, _, outer)| outer < open.len());
                }
                Event::Text(text) => {
                    if let Some((vocabulary, name, outer)) = &word {
                        let owner = outer.checked_sub(1).and_then(|at| open.get(at));
                        let owner = owner.copied().unwrap_or_default();
                        let text = text.decode().unwrap_or_default();
                        found.keep((*vocabulary, name), owner, &text);
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        found
    }

    fn attributes(&mut self, reader: &NsReader<&[u8]>, start: &BytesStart<'_>, owner: usize) {
        for attribute in start.attributes().flatten() {
            let (namespace, local) = reader.resolver().resolve_attribute(attribute.key);
            if let Some(vocabulary) = Vocabulary::of(&namespace) {
                let text = attribute.normalized_value(XmlVersion::Implicit1_0);
                let name = name(local.as_ref());
                self.keep((vocabulary, &name), owner, &text.unwrap_or_default());
            }
        }
    }

    fn keep(&mut self, (vocabulary, name): (Vocabulary, &str), owner: usize, text: &str) {
        let text = text.trim();
        if !text.is_empty() && self.values.len() < VALUES {
            self.values.push(Value {
                vocabulary,
                name: name.to_owned(),
                owner,
                text: text.to_owned(),
            });
        }
    }

    /// The values of a word.
    fn of(&self, vocabulary: Vocabulary, name: &str) -> impl Iterator<Item = &str> {
        let values = self.values.iter();
        let is_it = move |value: &&Value| value.vocabulary == vocabulary && value.name == name;
        values.filter(is_it).map(|value| value.text.as_str())
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

    /// The pictures of the directory, in their order.
    pub(super) fn items(&self) -> Vec<Item> {
        let (mut items, mut last): (Vec<Item>, usize) = (Vec::new(), 0);
        for value in &self.values {
            if value.vocabulary != Vocabulary::Item {
                continue;
            }
            if items.is_empty() || value.owner != last {
                items.push(Item::default());
            }
            last = value.owner;
            if let Some(item) = items.last_mut() {
                match value.name.as_str() {
                    "Semantic" => item.is_gain_map = value.text == "GainMap",
                    "Length" => item.length = value.text.parse().unwrap_or_default(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(inside: &str) -> Packet {
        Packet::read(&packet(inside))
    }

    fn adobe(attributes: &str, elements: &str) -> Option<Metadata> {
        let description = format!(
            "<rdf:Description xmlns:hdrgm='{ADOBE}' hdrgm:Version='1.0' hdrgm:GainMapMax='2' \
             hdrgm:HDRCapacityMax='2' {attributes}>{elements}</rdf:Description>"
        );
        read(&description).metadata()
    }

    #[test]
    fn what_is_written_is_read() {
        let even = Metadata::even(-0.5, 2.25, 2.25).unwrap();
        let mut uneven = even;
        uneven.channels[1].max = 2.0;
        uneven.channels[2].gamma = 0.5;
        uneven.channels[0].base_offset = 0.015_625;
        for metadata in [even, uneven] {
            assert_eq!(Packet::read(&of_map(&metadata)).metadata(), Some(metadata));
        }
        let rights = packet("<rdf:Description about=''>of somebody</rdf:Description>");
        for rights in [None, Some(&rights[..])] {
            let written = of_base(1_234, rights);
            let said = String::from_utf8_lossy(&written).contains("of somebody");
            assert_eq!(said, rights.is_some());
            let items = Packet::read(&written).items();
            let items: Vec<_> = items
                .iter()
                .map(|item| (item.is_gain_map, item.length))
                .collect();
            assert_eq!(items, [(false, 0), (true, 1_234)]);
        }
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        let metadata = adobe("", "").unwrap();
        let usual = Channel {
            min: 0.0,
            max: 2.0,
            gamma: 1.0,
            base_offset: OFFSET,
            alternate_offset: OFFSET,
        };
        assert_eq!(metadata.channels, [usual; 3]);
        assert_eq!(
            (metadata.base_headroom, metadata.alternate_headroom),
            (0.0, 2.0)
        );
    }

    #[test]
    fn items_may_be_in_elements_and_in_any_order() {
        let item = |inside: &str| format!("<c:Item rdf:parseType='Resource'>{inside}</c:Item>");
        let items = [
            item("<i:Mime>image/jpeg</i:Mime><i:Semantic>Primary</i:Semantic>"),
            item(
                "<i:Length>77</i:Length><i:Mime>image/jpeg</i:Mime><i:Semantic>GainMap</i:Semantic>",
            ),
            item(
                "<i:Mime>video/mp4</i:Mime><i:Semantic>MotionPhoto</i:Semantic><i:Length>9</i:Length>",
            ),
        ];
        let packet = read(&format!(
            "<rdf:Description xmlns:c='{CONTAINER}' xmlns:i='{ITEM}'>{}</rdf:Description>",
            items.concat()
        ));
        let items = packet.items();
        let items: Vec<_> = items
            .iter()
            .map(|item| (item.is_gain_map, item.length))
            .collect();
        assert_eq!(items, [(false, 0), (true, 77), (false, 9)]);
    }

    #[test]
    fn broken_numbers_and_strange_packets_say_nothing() {
        for odd in ["nan", "inf", "-inf", "1e999", "two", "99"] {
            assert_eq!(
                adobe(&format!("hdrgm:GainMapMin='{odd}'"), ""),
                None,
                "{odd}"
            );
            assert_eq!(
                adobe(&format!("hdrgm:Gamma='{odd}'"), "").map(|_| ()),
                (odd == "99").then_some(()),
                "{odd}"
            );
            assert_eq!(
                adobe(&format!("hdrgm:HDRCapacityMin='{odd}'"), ""),
                None,
                "{odd}"
            );
        }
        assert_eq!(adobe("hdrgm:BaseRenditionIsHDR='True'", ""), None);
        assert_eq!(adobe("hdrgm:Gamma='0'", ""), None);
        let two =
            "<hdrgm:Gamma><rdf:Seq><rdf:li>1</rdf:li><rdf:li>1</rdf:li></rdf:Seq></hdrgm:Gamma>";
        assert_eq!(adobe("", two), None);
        for odd in [
            packet(&"<d>".repeat(100_000)),
            b"\0<<<".to_vec(),
            Vec::new(),
        ] {
            let packet = Packet::read(&odd);
            assert!(packet.metadata().is_none() && packet.items().is_empty());
            assert!(packet.headroom().is_none() && !packet.is_apples());
        }
    }
}
