use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Tells the story step by step, and remembers whether every step came out right.
pub struct Narrator {
    start: Instant,
    number: usize,
    failed: Vec<String>,
}

impl Narrator {
    /// Begins with a title.
    pub fn begin(title: &str) -> Self {
        println!("\n{title}\n");
        Self {
            start: Instant::now(),
            number: 0,
            failed: Vec::new(),
        }
    }

    /// Plays one step; what it gives is printed below its title with the time it took.
    pub fn step(
        &mut self,
        korean: &str,
        english: &str,
        play: impl FnOnce() -> Result<Vec<String>>,
    ) {
        self.number += 1;
        let start = Instant::now();
        println!("{:>2}. {korean}\n    {english}", self.number);
        match play() {
            Ok(lines) => {
                for line in lines {
                    println!("      {line}");
                }
                println!("      ✓ {}\n", seconds(start.elapsed()));
            }
            Err(error) => {
                println!("      ✗ {error:#}\n");
                self.failed.push(english.to_owned());
            }
        }
    }

    /// Ends the story: an error unless every step came out right.
    pub fn end(self) -> Result<()> {
        if !self.failed.is_empty() {
            bail!(
                "{} of {} steps came out wrong: {}",
                self.failed.len(),
                self.number,
                self.failed.join("; ")
            );
        }
        println!("{} steps in {}", self.number, seconds(self.start.elapsed()));
        Ok(())
    }
}

/// Writes a duration for people.
pub fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}
