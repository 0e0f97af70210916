use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Lets the script play one presentation with the wallet's real window and the counter's real page; gives what it said.
pub fn play(script: &Path, out: &Path) -> Result<Vec<String>> {
    let this = std::env::current_exe().context("cannot tell where this program is")?;
    let programs = this.parent().unwrap_or(Path::new("."));
    let output = Command::new("node")
        .arg(script)
        .arg(out)
        .env("JUMIN_BIN_DIR", programs)
        .output()
        .context("cannot run node")?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{said}{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(said.lines().map(str::to_owned).collect())
}
