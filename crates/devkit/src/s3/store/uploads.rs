//! Multipart uploads: parts are data files of the version that the object will have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use s3s::crypto::{Checksum as _, Md5};

use super::objects::Precondition;
use super::records::Segment;
use super::{
    Checksums, Headers, ObjectRecord, PartRecord, Received, Store, StoreError, UploadRecord, files,
    layout, now_ms,
};

/// Smallest part but the last, in bytes (*Amazon S3 multipart upload limits*).
const MIN_PART_BYTES: u64 = 5 << 20;

/// A part as the client names it on completion.
#[derive(Debug)]
pub(in crate::s3) struct ClaimedPart {
    pub(in crate::s3) number: u16,
    /// Without quotes.
    pub(in crate::s3) etag: String,
    pub(in crate::s3) checksums: Checksums,
}

impl Store {
    pub(in crate::s3) fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        headers: Headers,
        checksum_algorithm: Option<String>,
    ) -> Result<String, StoreError> {
        let _bucket = self.bucket(bucket)?;
        let id = layout::new_version();
        let record = UploadRecord {
            id: id.clone(),
            key: key.to_owned(),
            initiated_ms: now_ms(),
            headers,
            checksum_algorithm,
        };
        let file = self.layout.uploads(bucket).join(&id).join("upload.json");
        files::write_record(&self.layout.tmp(), &file, &record, self.sync_writes)?;
        Ok(id)
    }

    /// The upload, if it is open and for this key.
    pub(in crate::s3) fn upload(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
    ) -> Result<UploadRecord, StoreError> {
        let _bucket = self.bucket(bucket)?;
        self.open_upload(bucket, key, id).map(|(_, upload)| upload)
    }

    fn open_upload(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
    ) -> Result<(PathBuf, UploadRecord), StoreError> {
        let folder = self
            .layout
            .upload(bucket, id)
            .ok_or(StoreError::NoSuchUpload)?;
        let upload: Option<UploadRecord> = files::read_record(&folder.join("upload.json"))?;
        let upload = upload
            .filter(|upload| upload.key == key)
            .ok_or(StoreError::NoSuchUpload)?;
        Ok((folder, upload))
    }

    /// Adds a part, or replaces the one of that number.
    pub(in crate::s3) fn put_part(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
        number: u16,
        received: Received,
    ) -> Result<PartRecord, StoreError> {
        let _bucket = self.bucket(bucket)?;
        let _upload = self.upload_locks.write(bucket, id);
        let (folder, _) = self.open_upload(bucket, key, id)?;
        let record_file = folder.join(format!("{number}.json"));
        let replaced: Option<PartRecord> = files::read_record(&record_file)?;
        let Received {
            file: temp,
            size_bytes,
            md5: etag,
            checksums,
        } = received;
        let part = PartRecord {
            number,
            file: format!("{number}-{}", layout::new_version()),
            size_bytes,
            etag,
            modified_ms: now_ms(),
            checksums,
        };
        temp.move_to(&self.layout.data(id).join(&part.file), self.sync_writes)?;
        files::write_record(&self.layout.tmp(), &record_file, &part, self.sync_writes)?;
        if let Some(replaced) = replaced {
            files::remove_file(&self.layout.data(id).join(replaced.file))?;
        }
        Ok(part)
    }

    /// The parts received so far, by number.
    pub(in crate::s3) fn parts(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
    ) -> Result<BTreeMap<u16, PartRecord>, StoreError> {
        let _bucket = self.bucket(bucket)?;
        let _upload = self.upload_locks.read(bucket, id);
        let (folder, _) = self.open_upload(bucket, key, id)?;
        read_parts(&folder)
    }

    /// Open uploads, by key and then by id, which is by age.
    pub(in crate::s3) fn uploads(&self, bucket: &str) -> Result<Vec<UploadRecord>, StoreError> {
        let _bucket = self.bucket(bucket)?;
        let mut uploads: Vec<UploadRecord> = Vec::new();
        for folder in files::entries(&self.layout.uploads(bucket))? {
            uploads.extend(files::read_record::<UploadRecord>(
                &folder.join("upload.json"),
            )?);
        }
        uploads.sort_unstable_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
        Ok(uploads)
    }

    /// Joins the claimed parts into the object. Refused claims leave the upload as it was; a second call with the same
    /// id finds the object made by the first.
    pub(in crate::s3) fn complete(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
        claimed: &[ClaimedPart],
        check: impl FnOnce(&[&PartRecord]) -> Result<Checksums, StoreError>,
        precondition: Precondition<'_>,
    ) -> Result<ObjectRecord, StoreError> {
        let _bucket = self.bucket(bucket)?;
        let _upload = self.upload_locks.write(bucket, id);
        let _key = self.key_locks.write(bucket, key);
        if let Some(done) = self
            .look(bucket, key)?
            .filter(|object| object.version == id)
        {
            self.close_upload(bucket, id)?;
            return Ok(done);
        }
        let (folder, upload) = self.open_upload(bucket, key, id)?;
        let parts = read_parts(&folder)?;
        let chosen = choose(&parts, claimed)?;
        let checksums = check(&chosen)?;
        let record = ObjectRecord {
            key: upload.key,
            version: upload.id,
            size_bytes: chosen.iter().map(|part| part.size_bytes).sum(),
            etag: multipart_etag(&chosen),
            modified_ms: now_ms(),
            headers: upload.headers,
            checksums,
            segments: chosen
                .iter()
                .map(|part| Segment {
                    file: part.file.clone(),
                    size_bytes: part.size_bytes,
                })
                .collect(),
        };
        self.commit(bucket, &record, precondition)?;
        self.close_upload(bucket, id)?;
        let used: BTreeSet<u16> = claimed.iter().map(|part| part.number).collect();
        for unused in parts.values().filter(|part| !used.contains(&part.number)) {
            files::remove_file(&self.layout.data(id).join(&unused.file))?;
        }
        Ok(record)
    }

    /// Drops the upload and its parts.
    pub(in crate::s3) fn abort(&self, bucket: &str, key: &str, id: &str) -> Result<(), StoreError> {
        let _bucket = self.bucket(bucket)?;
        let _upload = self.upload_locks.write(bucket, id);
        self.open_upload(bucket, key, id)?;
        self.close_upload(bucket, id)?;
        self.pins.retire(id)?;
        Ok(())
    }

    /// Closes uploads that a crash left open although their object was there: its data must not get new parts.
    pub(super) fn close_completed_uploads(&self) -> Result<(), StoreError> {
        for bucket in self.list_buckets()? {
            for upload in self.uploads(&bucket.name)? {
                let object = self.look(&bucket.name, &upload.key)?;
                if object.is_some_and(|object| object.version == upload.id) {
                    self.close_upload(&bucket.name, &upload.id)?;
                }
            }
        }
        Ok(())
    }

    fn close_upload(&self, bucket: &str, id: &str) -> Result<(), StoreError> {
        if let Some(folder) = self.layout.upload(bucket, id) {
            // First the record that makes it an upload, so that a crash half way leaves none.
            files::remove_file(&folder.join("upload.json"))?;
            files::remove_folder(&folder)?;
        }
        Ok(())
    }
}

fn read_parts(folder: &Path) -> Result<BTreeMap<u16, PartRecord>, StoreError> {
    let mut parts = BTreeMap::new();
    for path in fs::read_dir(folder)? {
        let path = path?.path();
        if path.file_name().is_some_and(|name| name != "upload.json")
            && let Some(part) = files::read_record::<PartRecord>(&path)?
        {
            parts.insert(part.number, part);
        }
    }
    Ok(parts)
}

/// The claimed parts, if they are all here as claimed, in order, and large enough.
fn choose<'a>(
    parts: &'a BTreeMap<u16, PartRecord>,
    claimed: &[ClaimedPart],
) -> Result<Vec<&'a PartRecord>, StoreError> {
    if claimed.is_empty() {
        return Err(StoreError::InvalidPart);
    }
    if !claimed.is_sorted_by(|a, b| a.number < b.number) {
        return Err(StoreError::InvalidPartOrder);
    }
    let mut chosen = Vec::with_capacity(claimed.len());
    for claim in claimed {
        let part = parts.get(&claim.number).ok_or(StoreError::InvalidPart)?;
        if part.etag != claim.etag || !claim.checksums.agree_with(&part.checksums) {
            return Err(StoreError::InvalidPart);
        }
        chosen.push(part);
    }
    let all_but_last = &chosen[..chosen.len() - 1];
    if all_but_last
        .iter()
        .any(|part| part.size_bytes < MIN_PART_BYTES)
    {
        return Err(StoreError::EntityTooSmall);
    }
    Ok(chosen)
}

/// MD5 of the parts' MD5s, and their number: not specified by S3, but what everybody does and some clients check.
fn multipart_etag(parts: &[&PartRecord]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        let digits = part.etag.as_bytes().chunks_exact(2);
        let bytes: Vec<u8> = digits
            .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        md5.update(&bytes);
    }
    format!("{}-{}", layout::hex(md5.finalize().as_ref()), parts.len())
}
