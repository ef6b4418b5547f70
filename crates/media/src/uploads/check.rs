//! Compares what the object store holds with what was planned. Pure; the store's list is the truth, never the client's.

use std::collections::BTreeMap;

use super::{Part, Plan};

/// Why an upload is not complete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// These parts have not arrived.
    #[error("{}", counted(part_numbers, "is missing", "are missing"))]
    PartsMissing {
        /// In order; at least one.
        part_numbers: Vec<u16>,
    },
    /// These parts, or the whole object, have another size than planned.
    #[error(
        "{}",
        counted(
            part_numbers,
            "has another size than planned",
            "have another size than planned"
        )
    )]
    SizeMismatch {
        /// In order; at least one.
        part_numbers: Vec<u16>,
        /// Bytes declared for the file.
        declared_bytes: u64,
        /// Bytes in storage.
        stored_bytes: u64,
    },
    /// The client says it sent other bytes than the store holds.
    #[error(
        "{}",
        counted(
            part_numbers,
            "has another ETag than the client says",
            "have another ETag than the client says"
        )
    )]
    EtagMismatch {
        /// In order; at least one.
        part_numbers: Vec<u16>,
    },
}

/// Checks that every part is there with its exact size, that there is no other, and that the parts the client names,
/// if it names any, are those the store holds. Entity tags are compared without quotes: clients differ in keeping them.
pub fn check(plan: &Plan, stored: &[Part], claimed: &[(u16, String)]) -> Result<(), Incomplete> {
    let by_number: BTreeMap<u16, &Part> = stored.iter().map(|part| (part.number, part)).collect();
    let missing: Vec<u16> = plan
        .part_numbers()
        .filter(|number| !by_number.contains_key(number))
        .collect();
    if !missing.is_empty() {
        return Err(Incomplete::PartsMissing {
            part_numbers: missing,
        });
    }
    let fits = |part: &Part| plan.part_size(part.number) == Some(part.size_bytes);
    let wrong_size: Vec<u16> = by_number
        .values()
        .filter(|part| !fits(part))
        .map(|part| part.number)
        .collect();
    if !wrong_size.is_empty() {
        return Err(Incomplete::SizeMismatch {
            part_numbers: wrong_size,
            declared_bytes: plan.size_bytes,
            stored_bytes: stored.iter().map(|part| part.size_bytes).sum(),
        });
    }
    let differs = |(number, etag): &(u16, String)| {
        by_number
            .get(number)
            .is_none_or(|part| unquoted(&part.etag) != unquoted(etag))
    };
    let mut other: Vec<u16> = claimed.iter().filter(|c| differs(c)).map(|c| c.0).collect();
    if !other.is_empty() {
        other.sort_unstable();
        return Err(Incomplete::EtagMismatch {
            part_numbers: other,
        });
    }
    Ok(())
}

fn counted(part_numbers: &[u16], one: &str, many: &str) -> String {
    match part_numbers {
        [number] => format!("part {number} {one}"),
        numbers => format!("{} parts {many}", numbers.len()),
    }
}

fn unquoted(etag: &str) -> &str {
    etag.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn part(number: u16, size_bytes: u64) -> Part {
        Part {
            number,
            etag: format!("\"etag{number}\""),
            size_bytes,
        }
    }

    #[test]
    fn only_exactly_what_was_planned_is_complete() {
        let plan = Plan::new(17 * MIB, u64::MAX).unwrap();
        let (one, two, three) = (part(1, 8 * MIB), part(2, 8 * MIB), part(3, MIB));
        let all = [one.clone(), two.clone(), three.clone()];
        assert_eq!(check(&plan, &all, &[]), Ok(()));

        let missing = |n: &[u16]| {
            Err(Incomplete::PartsMissing {
                part_numbers: n.to_vec(),
            })
        };
        assert_eq!(check(&plan, &[], &[]), missing(&[1, 2, 3]));
        assert_eq!(
            check(&plan, &[one.clone(), three.clone()], &[]),
            missing(&[2])
        );

        let wrong = |n: u16, stored_bytes| {
            Err(Incomplete::SizeMismatch {
                part_numbers: vec![n],
                declared_bytes: 17 * MIB,
                stored_bytes,
            })
        };
        assert_eq!(
            check(&plan, &[one.clone(), two.clone(), part(3, 2)], &[]),
            wrong(3, 16 * MIB + 2)
        );
        let extra = [one, two, three, part(4, 1)];
        assert_eq!(check(&plan, &extra, &[]), wrong(4, 17 * MIB + 1));
    }

    #[test]
    fn the_clients_list_is_held_against_the_stores() {
        let plan = Plan::new(3, u64::MAX).unwrap();
        let stored = [part(1, 3)];
        for (claim, outcome) in [
            ((1, "etag1"), Ok(())),
            ((1, "\"etag1\""), Ok(())),
            ((1, "other"), Err(1)),
            ((2, "etag2"), Err(2)),
        ] {
            let claimed = [(claim.0, claim.1.to_owned())];
            let expected = outcome.map_err(|n| Incomplete::EtagMismatch {
                part_numbers: vec![n],
            });
            assert_eq!(check(&plan, &stored, &claimed), expected, "{claim:?}");
        }
    }
}
