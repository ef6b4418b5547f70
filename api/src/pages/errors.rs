//! The page of errors: every code that a problem can have, and every code with which a file can be refused, with what
//! it means and what to do. Written once, as Markdown for `docs/` and as the page at `/docs/errors`.

use media::{RejectionCode, Warning};

use crate::http::problem::Code;
use crate::v1::codes;

/// What the page of errors says of one code.
struct Entry {
    /// Where links lead to.
    anchor: String,
    code: &'static str,
    /// In short.
    title: String,
    advice: &'static str,
}

const ABOUT: &str = "Every error is `application/problem+json` (RFC 9457). Branch on `code`: codes are never renamed; \
                     texts may change. `type` leads here.";
const ABOUT_REJECTIONS: &str = "A file that is refused for good has the status REJECTED and a `rejection` with one of \
                                these codes. `doc_url` leads here.";
const ABOUT_WARNINGS: &str =
    "A file that is taken may have some of these in its `warnings`. Nothing has to be done.";

/// The page as Markdown.
pub fn markdown() -> String {
    let section = |entries: Vec<Entry>| -> String {
        let entry = |entry: Entry| {
            let Entry {
                anchor,
                code,
                title,
                advice,
            } = entry;
            format!("### <a id=\"{anchor}\"></a>`{code}`\n\n**{title}.** {advice}\n\n")
        };
        entries.into_iter().map(entry).collect()
    };
    let text = format!(
        "# Errors\n\nGenerated from the code by `./just openapi`.\n\n## Problems\n\n{ABOUT}\n\n{}## Refused files\n\n\
         {ABOUT_REJECTIONS}\n\n{}## Warnings\n\n{ABOUT_WARNINGS}\n\n{}",
        section(problems()),
        section(rejections()),
        section(warnings()),
    );
    format!("{}\n", text.trim_end())
}

/// The page as HTML. Its texts are ours and hold nothing to escape but code in backticks.
pub fn html() -> String {
    let section = |entries: Vec<Entry>| -> String {
        let entry = |entry: Entry| {
            let Entry {
                anchor,
                code,
                title,
                advice,
            } = entry;
            format!(
                "<h3 id=\"{anchor}\"><a href=\"#{anchor}\"><code>{code}</code></a></h3>\n<p><strong>{title}.</strong> \
                 {}</p>\n",
                with_code(advice)
            )
        };
        entries.into_iter().map(entry).collect()
    };
    let body = format!(
        "<h1>Errors</h1>\n<p><a href=\"/docs\">API reference</a></p>\n<h2>Problems</h2>\n<p>{}</p>\n{}\
         <h2>Refused files</h2>\n<p>{}</p>\n{}<h2>Warnings</h2>\n<p>{}</p>\n{}",
        with_code(ABOUT),
        section(problems()),
        with_code(ABOUT_REJECTIONS),
        section(rejections()),
        with_code(ABOUT_WARNINGS),
        section(warnings()),
    );
    include_str!("../../../web/errors.html").replace("<!-- errors -->", &body)
}

/// What stands between backticks is code.
fn with_code(text: &str) -> String {
    let part = |(index, part): (usize, &str)| match index % 2 {
        0 => part.to_owned(),
        _ => format!("<code>{part}</code>"),
    };
    text.split('`').enumerate().map(part).collect()
}

fn problems() -> Vec<Entry> {
    let entry = |code: Code| Entry {
        anchor: code.as_str().to_owned(),
        code: code.as_str(),
        title: format!("{} · {}", code.status().as_u16(), code.title()),
        advice: code.advice(),
    };
    Code::ALL.into_iter().map(entry).collect()
}

fn rejections() -> Vec<Entry> {
    let entry = |code: RejectionCode| {
        let (title, advice) = about_rejection(code);
        Entry {
            anchor: codes::rejection_anchor(code),
            code: code.as_str(),
            title: title.to_owned(),
            advice,
        }
    };
    RejectionCode::ALL.into_iter().map(entry).collect()
}

fn warnings() -> Vec<Entry> {
    let entry = |code: Warning| {
        let (title, advice) = about_warning(code);
        Entry {
            anchor: format!("warning-{code}"),
            code: code.as_str(),
            title: title.to_owned(),
            advice,
        }
    };
    Warning::ALL.into_iter().map(entry).collect()
}

/// What it means, and what its owner can do.
const fn about_warning(code: Warning) -> (&'static str, &'static str) {
    match code {
        Warning::ContentTypeDiffers => (
            "The bytes are of another format than declared, of the same kind",
            "What was found in the bytes counts: `content_type` has it. Nothing is made of what was declared.",
        ),
        Warning::Truncated => (
            "The file ends before it should",
            "It was cut off before it was sent, or while it was copied. What is there of it is served; if you have the \
             whole file, send that.",
        ),
        Warning::FirstFrameOnly => (
            "Of an animation, the first frame is shown",
            "It has more frames, or more pixels in all of them, than are taken, or it is a sequence of HEIC. To have it \
             move, make it shorter or smaller, or send it as a film.",
        ),
        Warning::PagesLeftOut => (
            "Some of the pages that should be shown could not be drawn",
            "They are damaged, or take more memory or time than one page may. The pages that are there say their numbers.",
        ),
    }
}

/// What it means, and what its owner can do.
#[expect(
    clippy::too_many_lines,
    reason = "a table, which the compiler holds complete"
)]
const fn about_rejection(code: RejectionCode) -> (&'static str, &'static str) {
    use RejectionCode as R;
    match code {
        R::UploadAborted => (
            "The client gave the upload up",
            "Nothing is wrong. Upload the file again if it is wanted after all.",
        ),
        R::UploadExpired => (
            "The upload was not completed in time",
            "Upload the file again; `expires_at` of an upload says how long there is.",
        ),
        R::UploadChanged => (
            "What is in storage is not what was there when the upload was completed",
            "Somebody sent other bytes to a signed address afterwards. Upload the file again, and keep the addresses \
             secret.",
        ),
        R::SizeMismatch => (
            "The bytes are not as many as declared",
            "Upload the file again with the size it has. It may have changed while it was sent.",
        ),
        R::ChecksumMismatch => (
            "The bytes do not have the declared SHA-256",
            "They were damaged on the way, or the file changed. Upload it again.",
        ),
        R::FileTooLarge => (
            "The file has more bytes than are taken",
            "`limit` says how many are. Upload a smaller one.",
        ),
        R::Infected => (
            "The scanner found malware",
            "Do not open the file. It was deleted here.",
        ),
        R::NotScannable => (
            "The scanner could not look at all of it",
            "So it cannot be called clean: archives in it may be nested too deep, or encrypted. Upload a plain one.",
        ),
        R::UnsupportedType => (
            "It is of a format that is not taken",
            "What counts is the bytes, not the name. Convert pictures to JPEG, PNG, WebP or GIF, films to MP4, \
             sound to MP3, M4A or FLAC, \
             and documents to PDF.",
        ),
        R::TypeMismatch => (
            "The bytes are of another format than declared",
            "Declare the format that it has as `content_type`, or `application/octet-stream`.",
        ),
        R::Malformed => (
            "The contents cannot be read",
            "The file is damaged or cut off. Open it in a program and save it anew.",
        ),
        R::TooManyPixels => (
            "It has more pixels than are taken",
            "`limit` says how many are. Make the picture smaller.",
        ),
        R::TooManyFrames => (
            "The animation has more frames, or more pixels in all of them, than are taken",
            "`limit` says how many are. Shorten it. Only where the operator wants no picture that is shown in part.",
        ),
        R::TooExpensive => (
            "Decoding it took more memory or time than is allowed",
            "Save it anew in a plain form of its format, or make it smaller.",
        ),
        R::Encrypted => (
            "It is protected by a password or against copying (DRM)",
            "Upload a copy without protection, if you may make one.",
        ),
        R::TooLong => (
            "It plays for longer than is taken",
            "`limit` says how long it may be. Cut it into parts.",
        ),
        R::TooSmall => (
            "Its pictures are smaller than can be used",
            "`limit` says how many pixels the shorter side needs.",
        ),
        R::TooManyTracks => (
            "It has more tracks than are taken",
            "`limit` says how many. Save it with fewer languages and attachments.",
        ),
        R::TooHighFrameRate => (
            "It has more pictures in a second than are taken",
            "`limit` says how many. Save it with a lower frame rate.",
        ),
        R::TooHighBitrate => (
            "It has more bits in a second than are taken",
            "`limit` says how many. Save it with a lower bitrate.",
        ),
        R::DurationMismatch => (
            "Its header says another length than its contents have",
            "It was cut off, or its header is wrong. Upload it again, or save it anew.",
        ),
        R::BrokenTimestamps => (
            "The times in it jump, or run backwards",
            "Open it in a program and save it anew.",
        ),
        R::NoSound => (
            "There is nothing to play in it",
            "It is a container without a track of pictures or sound that could be played.",
        ),
        R::Empty => (
            "There is nothing in it",
            "Not a single sample of sound is in the file, or not a page: the recording failed, or nothing was written.",
        ),
        R::TooManyChannels => (
            "It has more channels of sound than are taken",
            "`limit` says how many. Mix it down.",
        ),
        R::TooHighSampleRate => (
            "It has more samples of sound in a second than are taken",
            "`limit` says how many. Save it with a lower sample rate.",
        ),
        R::XfaOnly => (
            "It is a form that only some programs show",
            "Its pages are made by a program from a template (dynamic XFA), and what lies in the file says no more than \
             that. Open it in such a program and print it to a PDF.",
        ),
        R::OfficeDocument => (
            "It is a document of an office program",
            "Word, Excel, PowerPoint, OpenDocument and RTF files are not taken here, where there is no LibreOffice to open \
             them. Save or export it as PDF.",
        ),
    }
}
