//! The fields of an XMP packet (ISO 16684-1): elements, or attributes of what they describe.

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;
use quick_xml::{XmlVersion, escape};

use super::{CREATORS, Rights, text};

/// Bytes of a packet that are looked at.
const BYTES: usize = 1 << 20;
/// Elements within each other. The reader counts no further than 65,535; no program needs as many as these.
const DEPTH: usize = 256;
/// Bytes of a value that are kept.
const VALUE_BYTES: usize = 16 << 10;

const RDF: &[u8] = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#";

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Creator,
    Credit,
    Copyright,
    UsageTerms,
    WebStatement,
    Licensor,
    LicensorUrl,
}

impl Field {
    fn of(namespace: &ResolveResult<'_>, name: &[u8]) -> Option<Self> {
        let ResolveResult::Bound(Namespace(namespace)) = namespace else {
            return None;
        };
        Some(match (*namespace, name) {
            (b"http://purl.org/dc/elements/1.1/", b"creator") => Self::Creator,
            (b"http://purl.org/dc/elements/1.1/", b"rights") => Self::Copyright,
            (b"http://ns.adobe.com/photoshop/1.0/", b"Credit") => Self::Credit,
            (b"http://ns.adobe.com/xap/1.0/rights/", b"UsageTerms") => Self::UsageTerms,
            (b"http://ns.adobe.com/xap/1.0/rights/", b"WebStatement") => Self::WebStatement,
            (b"http://ns.useplus.org/ldf/xmp/1.0/", b"LicensorName") => Self::Licensor,
            (b"http://ns.useplus.org/ldf/xmp/1.0/", b"LicensorURL") => Self::LicensorUrl,
            _ => return None,
        })
    }
}

/// A field's element that is open.
struct Open {
    field: Field,
    /// How many elements around it are open.
    depth: usize,
    value: String,
}

/// As far as it can be read. Entities but those of XML itself stand for nothing.
pub(super) fn read(packet: &[u8]) -> Rights {
    let mut rights = Rights::default();
    let mut reader = NsReader::from_reader(&packet[..packet.len().min(BYTES)]);
    let (mut depth, mut open): (usize, Option<Open>) = (0, None);
    while depth < DEPTH
        && let Ok((namespace, event)) = reader.read_resolved_event()
    {
        match event {
            Event::Start(start) => {
                let found = Field::of(&namespace, start.local_name().as_ref());
                attributes(&reader, &start, &mut rights);
                if let (None, Some(field)) = (&open, found) {
                    open = Some(Open {
                        field,
                        depth,
                        value: String::new(),
                    });
                }
                depth += 1;
            }
            Event::Empty(start) => attributes(&reader, &start, &mut rights),
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                let is_item = matches!(namespace, ResolveResult::Bound(Namespace(RDF)))
                    && end.local_name().as_ref() == b"li";
                if let Some(this) = &mut open
                    && (is_item || this.depth == depth)
                {
                    rights.take_in(this.field, &std::mem::take(&mut this.value));
                }
                open = open.filter(|this| this.depth < depth);
            }
            Event::Text(text) => push(&mut open, &text.decode().unwrap_or_default()),
            Event::CData(text) => push(&mut open, &text.decode().unwrap_or_default()),
            Event::GeneralRef(reference) => push(&mut open, &meaning(&reference)),
            Event::Eof => break,
            _ => {}
        }
    }
    rights
}

fn attributes(reader: &NsReader<&[u8]>, start: &BytesStart<'_>, rights: &mut Rights) {
    for attribute in start.attributes().flatten() {
        let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
        if let Some(field) = Field::of(&namespace, name.as_ref()) {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            rights.take_in(field, &value.unwrap_or_default());
        }
    }
}

fn push(open: &mut Option<Open>, text: &str) {
    if let Some(open) = open
        && open.value.len() + text.len() <= VALUE_BYTES
    {
        open.value.push_str(text);
    }
}

fn meaning(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(letter)) = reference.resolve_char_ref() {
        return letter.into();
    }
    let name = reference.decode().unwrap_or_default();
    escape::resolve_predefined_entity(&name)
        .unwrap_or_default()
        .to_owned()
}

impl Rights {
    /// The first value of each; of creators all. Of a text in several languages, the first is the one for all others.
    fn take_in(&mut self, field: Field, value: &str) {
        let place = match field {
            Field::Creator => {
                if self.creators.len() < CREATORS {
                    self.creators.extend(text::clean(value));
                }
                return;
            }
            Field::Credit => &mut self.credit,
            Field::Copyright => &mut self.copyright,
            Field::UsageTerms => &mut self.usage_terms,
            Field::WebStatement => &mut self.web_statement,
            Field::Licensor => &mut self.licensor,
            Field::LicensorUrl => &mut self.licensor_url,
        };
        let found = match field {
            Field::WebStatement | Field::LicensorUrl => text::address(value),
            _ => text::clean(value),
        };
        *place = place.take().or(found);
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    fn packet(inside: &str) -> String {
        format!(
            "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \
             xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:d='http://purl.org/dc/elements/1.1/' \
             xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' xmlns:r='http://ns.adobe.com/xap/1.0/rights/' \
             xmlns:plus='http://ns.useplus.org/ldf/xmp/1.0/'>{inside}</rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
        )
    }

    #[test]
    fn fields_are_elements_or_attributes() {
        let rights = read(packet(
            "<rdf:Description photoshop:Credit='A &amp; B' r:WebStatement='https://a.example/l'>\
             <d:creator><rdf:Seq><rdf:li>Anna</rdf:li><rdf:li>B&#233;n &lt;b&gt;</rdf:li></rdf:Seq></d:creator>\
             <d:rights><rdf:Alt><rdf:li xml:lang='x-default'>(c)\n Anna</rdf:li><rdf:li xml:lang='de'>von Anna</rdf:li></rdf:Alt></d:rights>\
             <r:UsageTerms><rdf:Alt><rdf:li xml:lang='x-default'>ask first</rdf:li></rdf:Alt></r:UsageTerms>\
             <plus:Licensor><rdf:Seq><rdf:li plus:LicensorName='Agency' plus:LicensorEmail='x@y.example'>\
             </rdf:li></rdf:Seq></plus:Licensor><plus:LicensorURL>http://b.example</plus:LicensorURL></rdf:Description>",
        ).as_bytes());
        assert_eq!(rights.creators, ["Anna", "Bén <b>"]);
        let fields = [
            rights.credit,
            rights.web_statement,
            rights.copyright,
            rights.usage_terms,
            rights.licensor,
            rights.licensor_url,
        ];
        let expected = [
            "A & B",
            "https://a.example/l",
            "(c) Anna",
            "ask first",
            "Agency",
            "http://b.example",
        ];
        assert_eq!(fields.map(Option::unwrap), expected);
    }

    #[test]
    fn entities_of_its_own_and_strange_packets_say_nothing() {
        let bomb = format!(
            "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>{}",
            packet("<d:rights>&b;</d:rights>")
        );
        let deep = "<d:rights>".repeat(100_000);
        let cut = packet("<rdf:Description><d:rights>never clo");
        let other = packet("<e:rights xmlns:e='http://other.example/'>x</e:rights>");
        for odd in [
            bomb,
            packet(&deep),
            cut[..cut.len() - 60].to_owned(),
            other,
            "\0<<<".to_owned(),
        ] {
            assert_eq!(
                read(odd.as_bytes()),
                super::Rights::default(),
                "{}",
                &odd[..odd.len().min(300)]
            );
        }
    }
}
