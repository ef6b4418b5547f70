//! The listing of open uploads. They are few, so all are read and the page is cut out.

use s3s::dto::{ListMultipartUploadsInput, ListMultipartUploadsOutput, MultipartUpload};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::listing::{Encoding, limit};
use super::{Service, timestamp};
use crate::s3::store::UploadRecord;

impl Service {
    pub(super) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        if input.delimiter.is_some() {
            return Err(s3_error!(
                NotImplemented,
                "uploads are not folded at a delimiter"
            ));
        }
        let max_uploads = limit(input.max_uploads)?;
        let bucket = input.bucket.clone();
        let mut uploads = self.run(move |store| store.uploads(&bucket)).await?;
        let prefix = input.prefix.as_deref().unwrap_or_default();
        // Behind the key marker, or at its key and behind the id marker.
        let key_marker = input.key_marker.as_deref().unwrap_or_default();
        let id_marker = input.upload_id_marker.as_deref();
        uploads.retain(|upload| {
            upload.key.starts_with(prefix)
                && (upload.key.as_str() > key_marker
                    || upload.key == key_marker
                        && id_marker.is_some_and(|id| upload.id.as_str() > id))
        });
        let limit = usize::try_from(max_uploads).unwrap_or_default();
        let is_truncated = uploads.len() > limit;
        uploads.truncate(limit);
        let last = uploads.last().filter(|_| is_truncated).cloned();
        let encoding = Encoding::asked(input.encoding_type.as_ref());
        let listed = |upload: UploadRecord| MultipartUpload {
            key: Some(encoding.text(upload.key)),
            upload_id: Some(upload.id),
            initiated: Some(timestamp(upload.initiated_ms)),
            checksum_algorithm: upload.checksum_algorithm.map(Into::into),
            ..Default::default()
        };
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: input.prefix.clone().map(|text| encoding.text(text)),
            key_marker: input.key_marker.clone(),
            upload_id_marker: input.upload_id_marker.clone(),
            max_uploads: Some(max_uploads),
            is_truncated: Some(is_truncated),
            next_key_marker: last
                .as_ref()
                .map(|upload| encoding.text(upload.key.clone())),
            next_upload_id_marker: last.map(|upload| upload.id),
            uploads: Some(uploads.into_iter().map(listed).collect()),
            encoding_type: input.encoding_type.clone(),
            ..Default::default()
        }))
    }
}
