//! The fields as a packet of XMP, and a packet within a WebP.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::Rights;

/// Says in a WebP's extended header that there is XMP, and that something shows through (RFC 9649 §2.7.1).
const XMP_FLAG: u8 = 0x04;
const ALPHA_FLAG: u8 = 0x10;

/// Bytes before a WebP's first chunk.
const HEAD: usize = 12;

/// The packet.
pub(super) fn write(rights: &Rights) -> Vec<u8> {
    let mut fields = String::new();
    list(&mut fields, "dc:creator", "Seq", &rights.creators);
    text_of_any_language(&mut fields, "dc:rights", rights.copyright.as_deref());
    text_of_any_language(
        &mut fields,
        "xmpRights:UsageTerms",
        rights.usage_terms.as_deref(),
    );
    for (name, value) in [
        ("photoshop:Credit", &rights.credit),
        ("xmpRights:WebStatement", &rights.web_statement),
    ] {
        if let Some(value) = value {
            let _ = write!(fields, "<{name}>{}</{name}>", escape(value.as_str()));
        }
    }
    let mut licensor = String::new();
    for (name, value) in [
        ("plus:LicensorName", &rights.licensor),
        ("plus:LicensorURL", &rights.licensor_url),
    ] {
        if let Some(value) = value {
            let _ = write!(licensor, "<{name}>{}</{name}>", escape(value.as_str()));
        }
    }
    if !licensor.is_empty() {
        let _ = write!(
            fields,
            "<plus:Licensor><rdf:Seq><rdf:li rdf:parseType=\"Resource\">{licensor}</rdf:li></rdf:Seq></plus:Licensor>"
        );
    }
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:photoshop=\"http://ns.adobe.com/photoshop/1.0/\" \
         xmlns:xmpRights=\"http://ns.adobe.com/xap/1.0/rights/\" \
         xmlns:plus=\"http://ns.useplus.org/ldf/xmp/1.0/\">{fields}</rdf:Description></rdf:RDF></x:xmpmeta>\
         <?xpacket end=\"r\"?>"
    )
    .into_bytes()
}

fn list(fields: &mut String, name: &str, kind: &str, values: &[String]) {
    if values.is_empty() {
        return;
    }
    let _ = write!(fields, "<{name}><rdf:{kind}>");
    for value in values {
        let _ = write!(fields, "<rdf:li>{}</rdf:li>", escape(value.as_str()));
    }
    let _ = write!(fields, "</rdf:{kind}></{name}>");
}

fn text_of_any_language(fields: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        let value = escape(value);
        let _ = write!(
            fields,
            "<{name}><rdf:Alt><rdf:li xml:lang=\"x-default\">{value}</rdf:li></rdf:Alt></{name}>"
        );
    }
}

/// The WebP `file`, whose picture has this width and height, with a packet at its end if there is one.
pub(in crate::image) fn within(
    file: Vec<u8>,
    (width, height): (u32, u32),
    packet: Option<&[u8]>,
) -> Vec<u8> {
    let (Some(packet), Some(kind), Some(chunks)) =
        (packet, file.get(HEAD..HEAD + 4), file.get(HEAD..))
    else {
        return file;
    };
    let mut whole = file[..HEAD].to_vec();
    if kind == b"VP8X" {
        whole.extend(chunks);
        if let Some(flags) = whole.get_mut(HEAD + 8) {
            *flags |= XMP_FLAG;
        }
    } else {
        // Lossless pictures say at their beginning whether they have transparency.
        let has_alpha = kind == b"VP8L" && chunks.get(12).is_some_and(|bits| bits >> 4 & 1 == 1);
        let alpha = if has_alpha { ALPHA_FLAG } else { 0 };
        whole.extend(b"VP8X\x0a\0\0\0");
        whole.extend([XMP_FLAG | alpha, 0, 0, 0]);
        for side in [width, height] {
            whole.extend(&side.saturating_sub(1).to_le_bytes()[..3]);
        }
        whole.extend(chunks);
    }
    whole.extend(b"XMP ");
    whole.extend(u32::try_from(packet.len()).unwrap_or(0).to_le_bytes());
    whole.extend(packet);
    if packet.len() % 2 == 1 {
        whole.push(0);
    }
    let size = u32::try_from(whole.len() - 8).unwrap_or(u32::MAX);
    whole[4..8].copy_from_slice(&size.to_le_bytes());
    whole
}
