//! The keys of a bucket in order, for listings. Read from disk at the first listing, kept up to date from then on.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use serde::Deserialize;

use super::layout::Layout;
use super::{ObjectRecord, Store, StoreError, files};

#[derive(Debug, Default)]
pub(super) struct Names {
    buckets: HashMap<String, BTreeSet<String>>,
}

impl Names {
    pub(super) fn insert(&mut self, bucket: &str, key: &str) {
        if let Some(names) = self.buckets.get_mut(bucket) {
            names.insert(key.to_owned());
        }
    }

    pub(super) fn remove(&mut self, bucket: &str, key: &str) {
        if let Some(names) = self.buckets.get_mut(bucket) {
            names.remove(key);
        }
    }

    pub(super) fn forget(&mut self, bucket: &str) {
        self.buckets.remove(bucket);
    }

    fn of(&mut self, layout: &Layout, bucket: &str) -> Result<&BTreeSet<String>, StoreError> {
        if !self.buckets.contains_key(bucket) {
            let names = read_names(layout, bucket)?;
            self.buckets.insert(bucket.to_owned(), names);
        }
        Ok(self.buckets.entry(bucket.to_owned()).or_default())
    }
}

impl Store {
    /// Up to `limit` keys in byte order from `start` on that begin with `prefix`.
    pub(in crate::s3) fn keys(
        &self,
        bucket: &str,
        prefix: &str,
        start: Bound<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let _bucket = self.bucket(bucket)?;
        let start = match start {
            Bound::Included(key) | Bound::Excluded(key) if key < prefix => Bound::Included(prefix),
            Bound::Unbounded => Bound::Included(prefix),
            start => start,
        };
        let mut names = self.names();
        let keys = names
            .of(&self.layout, bucket)?
            .range::<str, _>((start, Bound::Unbounded));
        Ok(keys
            .take_while(|key| key.starts_with(prefix))
            .take(limit)
            .cloned()
            .collect())
    }

    /// The record of an object, or `None` when there is none.
    pub(in crate::s3) fn look(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<Option<ObjectRecord>, StoreError> {
        files::read_record(&self.layout.object(bucket, key))
    }
}

/// A commit that renames its record while this reads is told to the set afterwards: it waits for the `names` lock.
fn read_names(layout: &Layout, bucket: &str) -> Result<BTreeSet<String>, StoreError> {
    #[derive(Deserialize)]
    struct Named {
        key: String,
    }
    let mut names = BTreeSet::new();
    for shard in files::entries(&layout.objects(bucket))? {
        for path in files::entries(&shard)? {
            names.extend(files::read_record::<Named>(&path)?.map(|record| record.key));
        }
    }
    Ok(names)
}
