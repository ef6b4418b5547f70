//! Listings of objects: keys in byte order, folded at a delimiter, a page at a time.

use std::ops::Bound;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use s3s::dto::{
    CommonPrefix, ETag, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{Service, size, timestamp};
use crate::s3::store::{ObjectRecord, Store, StoreError};

/// Entries in one answer (`API_ListObjectsV2`).
const PAGE: i32 = 1000;
/// Keys looked up at once.
const BATCH: usize = 1000;

/// What to list.
struct Query {
    bucket: String,
    prefix: String,
    delimiter: Option<String>,
    start: Bound<String>,
    limit: usize,
}

/// A page of a listing.
#[derive(Default)]
struct Page {
    objects: Vec<ObjectRecord>,
    prefixes: Vec<String>,
    /// First key that did not fit.
    next: Option<String>,
    /// Last key or common prefix on this page.
    last: Option<String>,
}

impl Query {
    /// Gathers entries until the page is full or the bucket ends. A prefix is passed over in one leap.
    fn page(mut self, store: &Store) -> Result<Page, StoreError> {
        let mut page = Page::default();
        loop {
            let start = self.start.as_ref().map(String::as_str);
            let keys = store.keys(&self.bucket, &self.prefix, start, BATCH)?;
            let Some(last_key) = keys.last().cloned() else {
                return Ok(page);
            };
            let mut leap: Option<String> = None;
            for key in keys {
                if leap
                    .as_ref()
                    .is_some_and(|folded| key.starts_with(folded.as_str()))
                {
                    continue;
                }
                let folded = self.folded(&key);
                if page.objects.len() + page.prefixes.len() == self.limit {
                    page.next = Some(key);
                    return Ok(page);
                }
                page.last = Some(folded.clone().unwrap_or_else(|| key.clone()));
                match &folded {
                    Some(prefix) => page.prefixes.push(prefix.clone()),
                    // Deleted since the names were read: then it is not listed.
                    None => page.objects.extend(store.look(&self.bucket, &key)?),
                }
                leap = folded.or(leap);
            }
            self.start = match leap.filter(|folded| last_key.starts_with(folded.as_str())) {
                Some(folded) => match successor(&folded) {
                    Some(after) => Bound::Included(after),
                    None => return Ok(page),
                },
                None => Bound::Excluded(last_key),
            };
        }
    }

    /// The common prefix that stands for this key, if any.
    fn folded(&self, key: &str) -> Option<String> {
        let delimiter = self.delimiter.as_deref()?;
        let rest = &key[self.prefix.len()..];
        let end = rest.find(delimiter)? + delimiter.len();
        Some(key[..self.prefix.len() + end].to_owned())
    }
}

/// The smallest text above all that begin with `prefix`.
fn successor(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // Surrogates are no characters: the step over them is the one place where +1 fails.
        let next = if last == '\u{D7FF}' {
            Some('\u{E000}')
        } else {
            char::from_u32(u32::from(last) + 1)
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// XML cannot carry every key, so clients may ask for URL encoding.
pub(super) struct Encoding(bool);

impl Encoding {
    pub(super) fn asked(encoding: Option<&EncodingType>) -> Self {
        Self(encoding.is_some_and(|encoding| encoding.as_str() == EncodingType::URL))
    }

    pub(super) fn text(&self, text: String) -> String {
        if self.0 { url_encoded(&text) } else { text }
    }

    fn objects(&self, objects: Vec<ObjectRecord>) -> Vec<Object> {
        let listed = |object: ObjectRecord| Object {
            key: Some(self.text(object.key)),
            e_tag: Some(ETag::Strong(object.etag)),
            size: Some(size(object.size_bytes)),
            last_modified: Some(timestamp(object.modified_ms)),
            ..Default::default()
        };
        objects.into_iter().map(listed).collect()
    }

    fn prefixes(&self, prefixes: Vec<String>) -> Vec<CommonPrefix> {
        let listed = |prefix| CommonPrefix {
            prefix: Some(self.text(prefix)),
        };
        prefixes.into_iter().map(listed).collect()
    }
}

fn url_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail");
        }
        encoded
    })
}

pub(super) fn limit(max_keys: Option<i32>) -> S3Result<i32> {
    match max_keys.unwrap_or(PAGE) {
        negative if negative < 0 => Err(s3_error!(InvalidArgument, "max-keys is negative")),
        asked => Ok(asked.min(PAGE)),
    }
}

impl Service {
    pub(super) async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let max_keys = limit(input.max_keys)?;
        let start = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => Bound::Included(position(token)?),
            (None, Some(key)) => Bound::Excluded(key.clone()),
            (None, None) => Bound::Unbounded,
        };
        let page = self.page(
            &input.bucket,
            input.prefix.as_ref(),
            input.delimiter.as_ref(),
            start,
            max_keys,
        );
        let page = page.await?;
        let encoding = Encoding::asked(input.encoding_type.as_ref());
        let count = page.objects.len() + page.prefixes.len();
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix.map(|text| encoding.text(text)),
            delimiter: input.delimiter.map(|text| encoding.text(text)),
            start_after: input.start_after.map(|text| encoding.text(text)),
            continuation_token: input.continuation_token,
            max_keys: Some(max_keys),
            key_count: i32::try_from(count).ok(),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|key| BASE64_URL_SAFE_NO_PAD.encode(key)),
            contents: Some(encoding.objects(page.objects)),
            common_prefixes: Some(encoding.prefixes(page.prefixes)),
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }

    pub(super) async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = request.input;
        let max_keys = limit(input.max_keys)?;
        let start = match (&input.marker, &input.delimiter) {
            // A marker may be a common prefix of the last page, which is not to come again.
            (Some(marker), Some(delimiter)) if marker.ends_with(delimiter.as_str()) => {
                successor(marker).map_or_else(|| Bound::Excluded(marker.clone()), Bound::Included)
            }
            (Some(marker), _) => Bound::Excluded(marker.clone()),
            (None, _) => Bound::Unbounded,
        };
        let page = self.page(
            &input.bucket,
            input.prefix.as_ref(),
            input.delimiter.as_ref(),
            start,
            max_keys,
        );
        let page = page.await?;
        let encoding = Encoding::asked(input.encoding_type.as_ref());
        let next_marker = page.last.filter(|_| page.next.is_some());
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: input.prefix.map(|text| encoding.text(text)),
            delimiter: input.delimiter.map(|text| encoding.text(text)),
            marker: input.marker.map(|text| encoding.text(text)),
            max_keys: Some(max_keys),
            is_truncated: Some(page.next.is_some()),
            next_marker: next_marker.map(|text| encoding.text(text)),
            contents: Some(encoding.objects(page.objects)),
            common_prefixes: Some(encoding.prefixes(page.prefixes)),
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }

    async fn page(
        &self,
        bucket: &str,
        prefix: Option<&String>,
        delimiter: Option<&String>,
        start: Bound<String>,
        max_keys: i32,
    ) -> S3Result<Page> {
        let query = Query {
            bucket: bucket.to_owned(),
            prefix: prefix.cloned().unwrap_or_default(),
            delimiter: delimiter.cloned().filter(|delimiter| !delimiter.is_empty()),
            start,
            limit: usize::try_from(max_keys).unwrap_or_default(),
        };
        if query.limit == 0 {
            self.run(move |store| store.require_bucket(&query.bucket))
                .await?;
            return Ok(Page::default());
        }
        self.run(move |store| query.page(store)).await
    }
}

fn position(token: &str) -> S3Result<String> {
    let key = BASE64_URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|key| String::from_utf8(key).ok());
    key.ok_or_else(|| s3_error!(InvalidArgument, "unknown continuation token"))
}
