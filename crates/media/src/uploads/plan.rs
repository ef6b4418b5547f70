//! How a file of a declared size is to be sent. Pure: no I/O, no clock.

/// Largest file sent by one PUT, in bytes. Also S3's smallest part but the last (*Amazon S3 multipart upload limits*).
pub const SINGLE_PUT_MAX_BYTES: u64 = 5 * 1024 * 1024;

/// Largest file sent by one form, in bytes (*POST Object*).
pub const FORM_MAX_BYTES: u64 = 5 << 30;

/// Size of every part but the last, in bytes, where that does not make too many of them.
pub const PART_SIZE_BYTES: u64 = 8 * 1024 * 1024;

/// Largest object of S3, in bytes (*Amazon S3 multipart upload limits*).
pub const MAX_OBJECT_BYTES: u64 = 5 << 40;

/// Most parts S3 takes (*Amazon S3 multipart upload limits*).
pub const MAX_PARTS: u64 = 10_000;

/// Size of every part but the last of a file that passes through the API, in bytes. Two of them are in its memory, on
/// their way to the store or filling.
pub const RESUMABLE_PART_SIZE_BYTES: u64 = 6 * 1024 * 1024;

/// Largest file that passes through the API, in bytes. Each interruption may use up a few numbers, so a fifth of them is spare.
pub const RESUMABLE_MAX_BYTES: u64 = RESUMABLE_PART_SIZE_BYTES * MAX_PARTS / 5 * 4;

/// Which parts a client sends, and how large each must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// One PUT or a multipart upload.
    pub strategy: Strategy,
    /// Declared size of the file.
    pub size_bytes: u64,
    /// Size of every part but the last.
    pub part_size_bytes: u64,
    /// 1 to 10 000.
    pub part_count: u16,
}

/// How the bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Strategy {
    /// One PUT of the whole file.
    Single,
    /// An S3 multipart upload.
    Multipart,
}

impl Strategy {
    /// The name in the database, which must never change.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Multipart => "multipart",
        }
    }
}

/// No upload can be planned for a file of this size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImpossibleSize {
    /// There is nothing to process.
    #[error("the file is empty")]
    Empty,
    /// More than the service takes.
    #[error("the file has {size_bytes} bytes; at most {max_bytes} are taken")]
    TooLarge {
        /// As declared.
        size_bytes: u64,
        /// What is allowed.
        max_bytes: u64,
    },
}

impl Plan {
    /// Plans an upload of `size_bytes`, of which at most `max_bytes` are taken.
    pub fn new(size_bytes: u64, max_bytes: u64) -> Result<Self, ImpossibleSize> {
        let max_bytes = max_bytes.min(MAX_OBJECT_BYTES);
        let too_large = ImpossibleSize::TooLarge {
            size_bytes,
            max_bytes,
        };
        if size_bytes == 0 {
            return Err(ImpossibleSize::Empty);
        }
        if size_bytes > max_bytes {
            return Err(too_large);
        }
        let (strategy, part_size_bytes) = if size_bytes <= SINGLE_PUT_MAX_BYTES {
            (Strategy::Single, size_bytes)
        } else {
            let least = size_bytes.div_ceil(MAX_PARTS).next_multiple_of(1 << 20);
            (Strategy::Multipart, least.max(PART_SIZE_BYTES))
        };
        let part_count = size_bytes.div_ceil(part_size_bytes);
        let part_count = u16::try_from(part_count).map_err(|_| too_large)?;
        Ok(Self {
            strategy,
            size_bytes,
            part_size_bytes,
            part_count,
        })
    }

    /// Plans an upload whose bytes pass through the API: in parts, however short it is.
    pub fn resumable(size_bytes: u64, max_bytes: u64) -> Result<Self, ImpossibleSize> {
        let plan = Self::new(size_bytes, max_bytes.min(RESUMABLE_MAX_BYTES))?;
        let part_count = size_bytes.div_ceil(RESUMABLE_PART_SIZE_BYTES);
        Ok(Self {
            strategy: Strategy::Multipart,
            part_size_bytes: RESUMABLE_PART_SIZE_BYTES,
            part_count: u16::try_from(part_count).unwrap_or(plan.part_count),
            ..plan
        })
    }

    /// As Uppy's S3 plugin sends a file by itself: in parts of 5 MiB, larger where there would be too many, and never in one
    /// PUT, of whose end it does not tell.
    pub fn as_uppy(size_bytes: u64, max_bytes: u64) -> Result<Self, ImpossibleSize> {
        Self::new(size_bytes, max_bytes)?;
        let part_size_bytes = SINGLE_PUT_MAX_BYTES.max(size_bytes.div_ceil(MAX_PARTS));
        let too_large = ImpossibleSize::TooLarge {
            size_bytes,
            max_bytes,
        };
        let part_count = size_bytes.div_ceil(part_size_bytes);
        Ok(Self {
            strategy: Strategy::Multipart,
            size_bytes,
            part_size_bytes,
            part_count: u16::try_from(part_count).map_err(|_| too_large)?,
        })
    }

    /// In one piece, as browsers send a form, whatever its size. S3 takes 5 GiB so.
    pub fn as_form(size_bytes: u64, max_bytes: u64) -> Result<Self, ImpossibleSize> {
        Ok(Self {
            strategy: Strategy::Single,
            part_size_bytes: size_bytes,
            part_count: 1,
            ..Self::new(size_bytes, max_bytes.min(FORM_MAX_BYTES))?
        })
    }

    /// Exact size of a part in bytes; `None` for a number outside the plan. Parts count from 1.
    pub fn part_size(&self, part_number: u16) -> Option<u64> {
        if part_number == 0 || part_number > self.part_count {
            return None;
        }
        let before = u64::from(part_number - 1) * self.part_size_bytes;
        Some(self.part_size_bytes.min(self.size_bytes - before))
    }

    /// Every part number, in order.
    pub fn part_numbers(&self) -> impl Iterator<Item = u16> + use<> {
        1..=self.part_count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;
    const LARGEST: u64 = MAX_OBJECT_BYTES;

    #[test]
    fn sizes_become_parts() {
        for (size, strategy, count, last) in [
            (1, Strategy::Single, 1, 1),
            (5 * MIB, Strategy::Single, 1, 5 * MIB),
            (5 * MIB + 1, Strategy::Multipart, 1, 5 * MIB + 1),
            (8 * MIB, Strategy::Multipart, 1, 8 * MIB),
            (8 * MIB + 1, Strategy::Multipart, 2, 1),
            (16 * MIB, Strategy::Multipart, 2, 8 * MIB),
            (80_000 * MIB, Strategy::Multipart, 10_000, 8 * MIB),
            (80_000 * MIB + 1, Strategy::Multipart, 8_889, 8 * MIB + 1),
            (LARGEST, Strategy::Multipart, 9_987, 230 * MIB),
        ] {
            let plan = Plan::new(size, u64::MAX).unwrap();
            assert_eq!(
                (plan.strategy, plan.part_count),
                (strategy, count),
                "{size}"
            );
            assert_eq!(plan.part_size(count), Some(last), "{size}");
            let total: u64 = plan.part_numbers().filter_map(|n| plan.part_size(n)).sum();
            assert_eq!(total, size);
            assert_eq!((plan.part_size(0), plan.part_size(count + 1)), (None, None));
        }
    }

    #[test]
    fn what_passes_through_the_api_is_sent_in_parts_and_leaves_numbers_to_spare() {
        for (size, count) in [(1, 1), (6 * MIB, 1), (6 * MIB + 1, 2)] {
            let plan = Plan::resumable(size, u64::MAX).unwrap();
            assert_eq!(
                (plan.strategy, plan.part_count),
                (Strategy::Multipart, count)
            );
            assert_eq!((plan.size_bytes, plan.part_size_bytes), (size, 6 * MIB));
        }
        assert_eq!(
            Plan::resumable(RESUMABLE_MAX_BYTES, u64::MAX)
                .unwrap()
                .part_count,
            8_000
        );
        assert!(Plan::resumable(RESUMABLE_MAX_BYTES + 1, u64::MAX).is_err());
        assert_eq!(Plan::resumable(0, 10), Err(ImpossibleSize::Empty));
    }

    #[test]
    fn uppys_parts_are_those_that_it_makes() {
        for (size, part, count) in [
            (1, 5 * MIB, 1),
            (5 * MIB, 5 * MIB, 1),
            (5 * MIB + 1, 5 * MIB, 2),
            (50_000 * MIB, 5 * MIB, 10_000),
            (50_000 * MIB + 1, 5 * MIB + 1, 10_000),
        ] {
            let plan = Plan::as_uppy(size, u64::MAX).unwrap();
            assert_eq!(
                (plan.part_size_bytes, plan.part_count),
                (part, count),
                "{size}"
            );
            let total: u64 = plan.part_numbers().filter_map(|n| plan.part_size(n)).sum();
            assert_eq!(total, size);
        }
        assert_eq!(Plan::as_uppy(0, 10), Err(ImpossibleSize::Empty));
        assert!(Plan::as_uppy(11, 10).is_err());
    }

    #[test]
    fn a_form_is_one_piece_of_any_size() {
        for size in [1, 5 * MIB + 1, FORM_MAX_BYTES] {
            let plan = Plan::as_form(size, u64::MAX).unwrap();
            assert_eq!((plan.strategy, plan.part_count), (Strategy::Single, 1));
            assert_eq!(plan.part_size(1), Some(size));
        }
        assert!(Plan::as_form(FORM_MAX_BYTES + 1, u64::MAX).is_err());
        assert!(Plan::as_form(11, 10).is_err());
        assert_eq!(Plan::as_form(0, 10), Err(ImpossibleSize::Empty));
    }

    #[test]
    fn impossible_sizes_are_refused() {
        assert_eq!(Plan::new(0, 10), Err(ImpossibleSize::Empty));
        let too_large = |size_bytes, max_bytes| {
            Err(ImpossibleSize::TooLarge {
                size_bytes,
                max_bytes,
            })
        };
        assert_eq!(Plan::new(11, 10), too_large(11, 10));
        assert_eq!(
            Plan::new(LARGEST + 1, u64::MAX),
            too_large(LARGEST + 1, LARGEST)
        );
        assert_eq!(Plan::new(u64::MAX, u64::MAX), too_large(u64::MAX, LARGEST));
    }
}
