//! Objects: committed by the rename of a record, read under a pin.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::{MutexGuard, PoisonError};

use super::locks::Pin;
use super::names::Names;
use super::records::Segment;
use super::{Headers, ObjectRecord, Received, Store, StoreError, files, layout, now_ms};

/// An object that stays readable, whatever happens to its key, for as long as this lives.
#[derive(Debug)]
pub(in crate::s3) struct Reading {
    pub(in crate::s3) record: ObjectRecord,
    _pin: Pin,
    layout: layout::Layout,
}

impl Reading {
    /// Opens one of the record's data files.
    pub(in crate::s3) fn open(&self, segment: &Segment) -> io::Result<File> {
        let version = &self.record.version;
        match File::open(self.layout.data(version).join(&segment.file)) {
            // Deleted since; the pin keeps it in the trash.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                File::open(self.layout.trash(version).join(&segment.file))
            }
            opened => opened,
        }
    }

    fn link_to(&self, folder: &Path) -> io::Result<()> {
        for segment in &self.record.segments {
            let target = folder.join(&segment.file);
            match files::link(
                &self.layout.data(&self.record.version).join(&segment.file),
                &target,
            ) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let source = self.layout.trash(&self.record.version).join(&segment.file);
                    files::link(&source, &target)?;
                }
                linked => linked?,
            }
        }
        Ok(())
    }
}

/// What a write must find under its key, or refuse.
pub(in crate::s3) type Precondition<'a> =
    &'a (dyn Fn(Option<&ObjectRecord>) -> Result<(), StoreError> + Send + Sync);

impl Store {
    /// Opens an object for reading.
    pub(in crate::s3) fn read(&self, bucket: &str, key: &str) -> Result<Reading, StoreError> {
        let _bucket = self.bucket(bucket)?;
        let _key = self.key_locks.read(bucket, key);
        let record: ObjectRecord =
            files::read_record(&self.layout.object(bucket, key))?.ok_or(StoreError::NoSuchKey)?;
        let pin = self.pins.pin(&record.version);
        Ok(Reading {
            record,
            _pin: pin,
            layout: self.layout.clone(),
        })
    }

    /// Makes received bytes an object.
    pub(in crate::s3) fn put(
        &self,
        bucket: &str,
        key: &str,
        received: Received,
        headers: Headers,
        precondition: Precondition<'_>,
    ) -> Result<(), StoreError> {
        let _bucket = self.bucket(bucket)?;
        let Received {
            file: temp,
            size_bytes,
            md5: etag,
            checksums,
        } = received;
        let version = layout::new_version();
        let file = "0".to_owned();
        temp.move_to(&self.layout.data(&version).join(&file), self.sync_writes)?;
        let record = ObjectRecord {
            key: key.to_owned(),
            version,
            size_bytes,
            etag,
            modified_ms: now_ms(),
            headers,
            checksums,
            segments: vec![Segment { file, size_bytes }],
        };
        self.commit_new(bucket, &record, precondition)
    }

    /// Makes a copy that shares the source's data files, whatever the size.
    pub(in crate::s3) fn copy(
        &self,
        source: &Reading,
        bucket: &str,
        key: &str,
        headers: Headers,
    ) -> Result<ObjectRecord, StoreError> {
        let _bucket = self.bucket(bucket)?;
        let record = ObjectRecord {
            key: key.to_owned(),
            version: layout::new_version(),
            modified_ms: now_ms(),
            headers,
            ..source.record.clone()
        };
        let folder = self.layout.data(&record.version);
        fs::create_dir_all(&folder)?;
        if let Err(error) = source.link_to(&folder) {
            self.pins.retire(&record.version)?;
            return Err(error.into());
        }
        self.commit_new(bucket, &record, &|_| Ok(()))?;
        Ok(record)
    }

    /// Removes an object; one that is not there is no error, as in S3.
    pub(in crate::s3) fn delete(&self, bucket: &str, key: &str) -> Result<(), StoreError> {
        let _bucket = self.bucket(bucket)?;
        let _key = self.key_locks.write(bucket, key);
        let path = self.layout.object(bucket, key);
        if let Some(record) = files::read_record::<ObjectRecord>(&path)? {
            files::remove_file(&path)?;
            self.names().remove(bucket, key);
            self.pins.retire(&record.version)?;
        }
        Ok(())
    }

    /// Commits a version that nothing else names; when that fails, its data files go.
    fn commit_new(
        &self,
        bucket: &str,
        record: &ObjectRecord,
        precondition: Precondition<'_>,
    ) -> Result<(), StoreError> {
        let _key = self.key_locks.write(bucket, &record.key);
        let committed = self.commit(bucket, record, precondition);
        if committed.is_err() {
            self.pins.retire(&record.version)?;
        }
        committed
    }

    /// Puts the record under its key: the moment at which the object exists. The caller holds the key's lock.
    pub(super) fn commit(
        &self,
        bucket: &str,
        record: &ObjectRecord,
        precondition: Precondition<'_>,
    ) -> Result<(), StoreError> {
        let path = self.layout.object(bucket, &record.key);
        let previous: Option<ObjectRecord> = files::read_record(&path)?;
        precondition(previous.as_ref())?;
        files::write_record(&self.layout.tmp(), &path, record, self.sync_writes)?;
        self.names().insert(bucket, &record.key);
        if let Some(previous) = previous {
            self.pins.retire(&previous.version)?;
        }
        Ok(())
    }

    pub(super) fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
