use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use jumin_identity::{FileKey, Signer, b64url};
use serde_json::{Value, json};

use crate::Options;
use crate::fixture::{AUDIENCE, Fixture, NONCE};
use crate::measure::{Row, Table};

/// Lets other libraries do the same on the same input.
pub fn measure(fixture: &Fixture, options: &Options, table: &mut Table) -> Result<()> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(input(fixture)?.to_string().as_bytes())?;
    if let Some(program) = &options.peers {
        run(Command::new(program), program, file.path(), table)?;
    }
    if let Some(script) = &options.node_peer {
        let mut node = Command::new("node");
        node.arg(script);
        run(node, script, file.path(), table)?;
    }
    Ok(())
}

/// Measures the wallet's window and the pages, with the programs beside this one.
pub fn faces(script: &Path, table: &mut Table) -> Result<()> {
    let this = std::env::current_exe().context("cannot tell where this program is")?;
    let programs = this.parent().unwrap_or(Path::new("."));
    let mut node = Command::new("node");
    node.arg(script).env("JUMIN_BIN_DIR", programs);
    finish(node, script, table)
}

fn run(mut command: Command, name: &Path, input: &Path, table: &mut Table) -> Result<()> {
    command.arg(input);
    finish(command, name, table)
}

fn finish(mut command: Command, name: &Path, table: &mut Table) -> Result<()> {
    let output = command
        .output()
        .with_context(|| name.display().to_string())?;
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!("{} failed", name.display());
    }
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    for mut row in rows {
        // A peer that cannot measure the bound itself is held against ours.
        if row["bound"].is_null() {
            let bound = table
                .bound_of(row["path"].as_str().unwrap_or_default())
                .context("no bound")?;
            row["bound"] = json!(bound);
            row["ratio"] = json!(row["value"].as_f64().unwrap_or(f64::NAN) / bound);
        }
        table.push(serde_json::from_value::<Row>(row)?);
    }
    Ok(())
}

fn input(fixture: &Fixture) -> Result<Value> {
    let pointers: Vec<String> = fixture
        .card
        .claims()
        .iter()
        .filter(|claim| claim.selectively_disclosable)
        .filter(|claim| !claim.path.select(&fixture.claims).is_empty())
        .map(|claim| format!("/{}", claim.path.to_string().replace('.', "/")))
        .collect();
    let mut claims = fixture.claims.clone();
    claims.insert("iss".into(), json!("https://issuer.example"));
    claims.insert("vct".into(), json!(fixture.card.vct()));
    claims.insert("iat".into(), json!(fixture.now - 60));
    claims.insert("exp".into(), json!(fixture.now + 86_400));
    Ok(json!({
        "presentation": fixture.presentation,
        "audience": AUDIENCE,
        "nonce": NONCE,
        "issuer_jwk": fixture.issuer.public_key().to_jwk(),
        "holder_jwk": fixture.holder.public_key().to_jwk(),
        "issuer_pkcs8": b64url(&fixture.issuer.to_pkcs8_der()),
        "issuer_private_jwk": private_jwk(&fixture.issuer)?,
        "claims": claims,
        "pointers": pointers,
    }))
}

/// Finds the private scalar in PKCS#8: RFC 5915's OCTET STRING of 32 bytes behind version 1.
fn private_jwk(key: &FileKey) -> Result<Value> {
    const BEFORE_SCALAR: [u8; 5] = [0x02, 0x01, 0x01, 0x04, 0x20];
    let der = key.to_pkcs8_der();
    let start = der
        .windows(BEFORE_SCALAR.len())
        .position(|window| window == BEFORE_SCALAR)
        .context("no private key in PKCS#8")?
        + BEFORE_SCALAR.len();
    let scalar = der.get(start..start + 32).context("a short private key")?;
    let mut jwk = serde_json::to_value(key.public_key().to_jwk())?;
    jwk["d"] = json!(b64url(scalar));
    Ok(jwk)
}
