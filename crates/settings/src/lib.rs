//! Reads settings from environment variables and reports every mistake at once, each with an example.
//!
//! Config structs sit beside what they configure and read themselves with a
//! [`Reader`]; values are checked when the service starts, never later.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Collects settings and what is wrong with them.
#[derive(Debug)]
pub struct Reader {
    variables: HashMap<String, String>,
    mistakes: Vec<Mistake>,
    /// Names that were asked for, whether they are set or not.
    asked: RefCell<BTreeSet<String>>,
}

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The variable's name.
    pub name: String,
    /// What is wrong. Never the value itself: it may be a secret.
    pub problem: String,
    /// A value that would do.
    pub example: String,
}

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidSettings {
    /// In the order they were read; at least one.
    pub mistakes: Vec<Mistake>,
}

impl Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "settings cannot be used:")?;
        for mistake in &self.mistakes {
            let Mistake {
                name,
                problem,
                example,
            } = mistake;
            write!(f, "\n  {name} {problem}, for example {name}={example}")?;
        }
        Ok(())
    }
}

impl Reader {
    /// Reads this process's environment. A setting of ours that is not UTF-8 is a mistake, and not one
    /// that is unset.
    pub fn from_env() -> Self {
        let mut reader = Self::new([]);
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => drop(reader.variables.insert(name, value)),
                Err(_) if name.starts_with("MEDIAMILL_") => {
                    reader.mistake(&name, "is not UTF-8", "text");
                }
                Err(_) => {}
            }
        }
        reader
    }

    /// Reads given pairs, for tests and for settings made by the program itself.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            mistakes: Vec::new(),
            asked: RefCell::default(),
        }
    }

    /// The names that were asked for so far.
    pub fn asked(&self) -> BTreeSet<String> {
        self.asked.borrow().clone()
    }

    /// A text that must be there. Empty counts as missing.
    pub fn required(&mut self, name: &str, example: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.mistake(name, "is missing", example);
            String::new()
        })
    }

    /// A text that may be missing. Empty counts as missing.
    pub fn optional(&self, name: &str) -> Option<String> {
        self.asked.borrow_mut().insert(name.to_owned());
        self.variables
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
    }

    /// A text with a default.
    pub fn text_or(&self, name: &str, default: &str) -> String {
        self.optional(name).unwrap_or_else(|| default.to_owned())
    }

    /// Anything that can be parsed, with a default, which is also the example.
    pub fn parsed_or<T>(&mut self, name: &str, default: T) -> T
    where
        T: FromStr<Err: Display> + Display,
    {
        match self.optional(name).map(|value| value.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(problem)) => {
                let problem: T::Err = problem;
                self.mistake(
                    name,
                    format!("cannot be read ({problem})"),
                    default.to_string(),
                );
                default
            }
        }
    }

    /// A whole number within a range, with a default.
    pub fn number_or(&mut self, name: &str, range: RangeInclusive<u64>, default: u64) -> u64 {
        let value = self.parsed_or(name, default);
        if range.contains(&value) {
            return value;
        }
        let problem = format!("must be {} to {}", range.start(), range.end());
        self.mistake(name, problem, default.to_string());
        default
    }

    /// `true` or `false`, with a default.
    pub fn flag_or(&mut self, name: &str, default: bool) -> bool {
        match self.optional(name).as_deref() {
            None => default,
            Some("true" | "1") => true,
            Some("false" | "0") => false,
            Some(_) => {
                self.mistake(name, "must be true or false", default.to_string());
                default
            }
        }
    }

    /// An `http` or `https` address without query or fragment; a slash at the end is dropped.
    pub fn base_url(&mut self, name: &str, example: &str) -> String {
        let url = self.required(name, example);
        self.checked_base_url(name, &url, example)
    }

    /// As [`Reader::base_url`], but it may be missing.
    pub fn optional_base_url(&mut self, name: &str, example: &str) -> Option<String> {
        let url = self.optional(name)?;
        Some(self.checked_base_url(name, &url, example))
    }

    fn checked_base_url(&mut self, name: &str, url: &str, example: &str) -> String {
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let plain = |c: char| c.is_ascii_graphic() && !"?#\"<>\\^`{}|@".contains(c);
        let good =
            rest.is_some_and(|r| !r.is_empty() && !r.starts_with('/') && r.chars().all(plain));
        if !good && !url.is_empty() {
            self.mistake(name, "must be a plain http:// or https:// address", example);
        }
        url.trim_end_matches('/').to_owned()
    }

    /// Notes a mistake found by the config struct itself.
    pub fn mistake(&mut self, name: &str, problem: impl Into<String>, example: impl Into<String>) {
        self.mistakes.push(Mistake {
            name: name.to_owned(),
            problem: problem.into(),
            example: example.into(),
        });
    }

    /// Ends the reading: every mistake, or none.
    pub fn finish(self) -> Result<(), InvalidSettings> {
        if self.mistakes.is_empty() {
            Ok(())
        } else {
            Err(InvalidSettings {
                mistakes: self.mistakes,
            })
        }
    }
}
