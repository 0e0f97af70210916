//! Measures other SD-JWT libraries on the input that `jumin-bench` writes, and prints rows of JSON.

mod affinidi;
mod es256;
mod iota;
mod spruce;

use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};

const ROUNDS: usize = 41;
const BATCH: usize = 10;

/// What all libraries are measured on.
pub struct Input {
    pub presentation: String,
    pub audience: String,
    pub nonce: String,
    pub issuer_jwk: Value,
    pub holder_jwk: Value,
    pub issuer_pkcs8: Vec<u8>,
    /// The private JWK, for the library that takes no other form.
    pub issuer_private_jwk: Value,
    pub claims: Value,
    /// JSON pointers of the claims that are made selectively disclosable.
    pub pointers: Vec<String>,
}

fn main() -> Result<()> {
    let path = std::env::args()
        .nth(1)
        .context("usage: jumin-bench-peers INPUT.json")?;
    let input = read(&std::fs::read(path)?)?;
    let mut rows = Vec::new();
    let verify_bound = median_us(|| es256::two_verifies(&input))?;
    let sign_bound = median_us(|| es256::one_sign(&input))?;
    let mut row = |path: &str, who: &str, value: Result<f64>, bound: f64| {
        match value {
        Ok(value) => rows.push(json!({
            "path": path, "who": who, "unit": "µs", "value": value, "bound": bound, "ratio": value / bound,
        })),
        Err(error) => eprintln!("{who}, {path}: not measured: {error:#}"),
    }
    };
    row(
        "verify",
        "affinidi-sd-jwt",
        median_us(|| affinidi::verify(&input)),
        verify_bound,
    );
    row(
        "verify",
        "sd-jwt-payload",
        median_us(|| iota::verify(&input)),
        verify_bound,
    );
    row(
        "verify",
        "ssi",
        median_us(|| spruce::verify(&input)),
        verify_bound,
    );
    row(
        "sign",
        "affinidi-sd-jwt",
        median_us(|| affinidi::issue(&input)),
        sign_bound,
    );
    row(
        "sign",
        "sd-jwt-payload",
        median_us(|| iota::issue(&input)),
        sign_bound,
    );
    row(
        "sign",
        "ssi",
        median_us(|| spruce::issue(&input)),
        sign_bound,
    );
    println!("{}", Value::Array(rows));
    Ok(())
}

fn read(bytes: &[u8]) -> Result<Input> {
    let json: Value = serde_json::from_slice(bytes)?;
    let text = |name: &str| {
        json[name]
            .as_str()
            .map(str::to_owned)
            .context("a member is missing")
    };
    Ok(Input {
        presentation: text("presentation")?,
        audience: text("audience")?,
        nonce: text("nonce")?,
        issuer_jwk: json["issuer_jwk"].clone(),
        holder_jwk: json["holder_jwk"].clone(),
        issuer_pkcs8: es256::decode(&text("issuer_pkcs8")?)?,
        issuer_private_jwk: json["issuer_private_jwk"].clone(),
        claims: json["claims"].clone(),
        pointers: serde_json::from_value(json["pointers"].clone())?,
    })
}

/// The median over rounds of the time of one call, in microseconds.
fn median_us<T>(mut call: impl FnMut() -> Result<T>) -> Result<f64> {
    call()?;
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..BATCH {
            std::hint::black_box(call()?);
        }
        times.push(start.elapsed().as_secs_f64() * 1e6 / BATCH as f64);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[ROUNDS / 2])
}
