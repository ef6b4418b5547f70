//! Every setting by name, for `--help`, and to tell a misspelt one from one of another process.

mod table;

use self::table::SETTINGS;

/// Settings of `mediamill api`.
pub const API: &str = "api";
/// Settings of `mediamill worker`.
pub const WORKER: &str = "worker";
const BOTH: &str = "";
/// Settings of other commands, which have their own flags for them.
const OTHERS: [&str; 2] = ["MEDIAMILL_API", "MEDIAMILL_KEY"];

/// The settings of a process, for its help.
pub fn help(of: &str) -> String {
    let settings = SETTINGS
        .iter()
        .filter(|(_, whose, _)| [BOTH, of].contains(whose));
    let lines = settings.map(|(name, _, text)| format!("\n  {name:<34} {text}"));
    format!(
        "Settings, from the environment; one that is empty counts as unset:{}",
        lines.collect::<Vec<_>>().concat()
    )
}

/// Says of every `MEDIAMILL_…` that nobody reads that it is not read.
pub fn warn_of_unknown() {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if let Some(warning) = unknown(&name) {
            tracing::warn!("{warning}");
        }
    }
}

fn unknown(name: &str) -> Option<String> {
    let known = || SETTINGS.iter().map(|(name, ..)| *name).chain(OTHERS);
    let suffix = name.strip_prefix("MEDIAMILL_")?;
    if known().any(|known| known == name) {
        return None;
    }
    let likeness = |known: &str| {
        let known = known.trim_start_matches("MEDIAMILL_");
        strsim::normalized_damerau_levenshtein(known, suffix)
    };
    let closest = known().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    let hint = if likeness(closest) > 0.6 {
        format!("; did you mean {closest}?")
    } else {
        String::new()
    };
    Some(format!("there is no setting {name}{hint}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ::settings::Reader;

    use super::*;
    use crate::settings::{Api, Worker};

    /// What a process lists in its help is what it reads.
    #[test]
    fn every_setting_that_is_read_is_listed_and_the_other_way_round() {
        let read = |of: &str| {
            let mut reader = Reader::new([]);
            match of {
                API => drop(Api::read(&mut reader)),
                _ => drop(Worker::read(&mut reader)),
            }
            let mut read = reader.asked();
            read.insert("MEDIAMILL_LOG".to_owned());
            read
        };
        for of in [API, WORKER] {
            let listed = SETTINGS
                .iter()
                .filter(|(_, whose, _)| [BOTH, of].contains(whose));
            let listed: BTreeSet<String> = listed.map(|(name, ..)| (*name).to_owned()).collect();
            let mut read = read(of);
            if of == WORKER {
                // Read with all that is set of the store, and used by those who sign addresses.
                read.remove("MEDIAMILL_S3_PUBLIC_ENDPOINT");
            }
            assert_eq!(read, listed, "{of}");
        }
    }

    #[test]
    fn a_misspelt_setting_is_told() {
        let told = unknown("MEDIAMILL_LISTN").unwrap();
        assert_eq!(
            told,
            "there is no setting MEDIAMILL_LISTN; did you mean MEDIAMILL_LISTEN?"
        );
        assert_eq!(
            unknown("MEDIAMILL_QUUX").unwrap(),
            "there is no setting MEDIAMILL_QUUX"
        );
        for known in ["MEDIAMILL_KEY", "MEDIAMILL_CLAMD", "HOME"] {
            assert_eq!(unknown(known), None);
        }
    }
}
