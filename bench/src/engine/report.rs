//! Statistics of samples, the table, and the file of results.

use std::{fs, io::Write, path::Path};

use anyhow::Result;
use serde_json::{Value, json};

struct Measure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    details: Value,
}

/// The measures taken so far.
pub struct Report {
    measures: Vec<Measure>,
}

impl Report {
    pub fn new() -> Self {
        Self {
            measures: Vec::new(),
        }
    }

    /// `details` says what else is needed to judge the value.
    pub fn add(&mut self, name: &'static str, value: f64, unit: &'static str, details: Value) {
        self.measures.push(Measure {
            name,
            value,
            unit,
            details,
        });
    }

    /// Prints the table and appends the measures to the results.
    pub fn finish(self) -> Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
        fs::create_dir_all(&folder)?;
        let mut options = fs::OpenOptions::new();
        let file = options.create(true).append(true);
        let mut file = file.open(folder.join("engine.jsonl"))?;
        println!();
        for m in self.measures {
            println!("{:30} {:10.3} {}", m.name, m.value, m.unit);
            let value = (m.value * 1000.0).round() / 1000.0;
            let line =
                json!({"measure": m.name, "value": value, "unit": m.unit, "details": m.details});
            writeln!(file, "{line}")?;
        }
        Ok(())
    }
}

/// The samples of one contestant, with a name for people.
pub struct Samples {
    pub name: &'static str,
    values: Vec<f64>,
}

impl Samples {
    pub fn of(name: &'static str) -> Self {
        Self {
            name,
            values: Vec::new(),
        }
    }

    pub fn push(&mut self, value: f64) {
        self.values.push(value);
        self.values.sort_by(f64::total_cmp);
    }

    pub fn median(&self) -> f64 {
        self.percentile(50)
    }

    /// The smallest sample that `percent` of all samples do not exceed.
    pub fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.values.len() * percent).div_ceil(100);
        self.values[rank.max(1) - 1]
    }

    /// Prints the median and the range.
    pub fn print(&self, unit: &str) {
        let (low, median, high) = (self.percentile(0), self.median(), self.percentile(100));
        println!(
            "{:24} {median:10.1} {unit}   ({low:.1} to {high:.1})",
            self.name
        );
    }
}
