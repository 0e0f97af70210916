use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::{Deserialize, Serialize};

/// One measurement beside its bound; both in `unit`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub path: String,
    pub who: String,
    pub unit: String,
    pub value: f64,
    pub bound: f64,
    pub ratio: f64,
}

/// The rows of one run.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl Table {
    /// Adds a measurement of ours.
    pub fn add(&mut self, path: &str, unit: &str, value: f64, bound: f64) {
        self.push(Row {
            path: path.into(),
            who: "jumin".into(),
            unit: unit.into(),
            value,
            bound,
            ratio: value / bound,
        });
    }

    /// Adds a row.
    pub fn push(&mut self, row: Row) {
        eprintln!(
            "  {} · {}: {:.3} {}",
            row.path, row.who, row.value, row.unit
        );
        self.rows.push(row);
    }

    /// Adds a sentence that the rows are read with.
    pub fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        eprintln!("  {text}");
        self.notes.push(text);
    }

    /// The bound that our row of `path` was measured against.
    pub fn bound_of(&self, path: &str) -> Option<f64> {
        let row = self
            .rows
            .iter()
            .find(|row| row.path == path && row.who == "jumin")?;
        Some(row.bound)
    }

    /// Prints the table.
    pub fn print(&self) {
        println!(
            "\n{:<42} {:<20} {:>12} {:>12} {:<5} {:>7}",
            "path", "who", "value", "bound", "unit", "ratio"
        );
        for row in &self.rows {
            println!(
                "{:<42} {:<20} {:>12.3} {:>12.3} {:<5} {:>7.2}",
                row.path, row.who, row.value, row.bound, row.unit, row.ratio
            );
        }
        for note in &self.notes {
            println!("{note}");
        }
    }

    /// Writes the rows as JSON.
    pub fn write(&self, file: &Path) -> Result<()> {
        if let Some(directory) = file.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(file, serde_json::to_vec_pretty(&self.rows)?)?;
        println!("\nwritten to {}", file.display());
        Ok(())
    }
}

/// Times two calls alternately, so that both see the same machine; gives the medians in microseconds per call.
pub fn interleaved<A, B>(
    rounds: usize,
    batch: usize,
    mut first: impl FnMut() -> A,
    mut second: impl FnMut() -> B,
) -> (f64, f64) {
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        firsts.push(per_call_us(batch, || {
            black_box(first());
        }));
        seconds.push(per_call_us(batch, || {
            black_box(second());
        }));
    }
    (median(firsts), median(seconds))
}

/// The median time of one call in microseconds.
pub fn median_us<T>(rounds: usize, batch: usize, mut call: impl FnMut() -> T) -> f64 {
    let times = (0..rounds).map(|_| {
        per_call_us(batch, || {
            black_box(call());
        })
    });
    median(times.collect())
}

/// Times one call.
pub fn once<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = call();
    (value, start.elapsed())
}

fn per_call_us(batch: usize, mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..batch {
        call();
    }
    start.elapsed().as_secs_f64() * 1e6 / batch as f64
}

/// The middle of some numbers.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
