use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use jumin_tests::{Process, Program, Settings, Stack, run};
use serde_json::{Value, json};

/// Writes the file that tells a wallet's window which nodes to ask and what to check them against.
pub fn write_network_file(stack: &Stack, file: &Path) -> Result<PathBuf> {
    let trust: Value = serde_json::from_slice(&fs::read(stack.network.trust_file())?)?;
    let authority = stack.settings().tls.as_ref().map(|ca| ca.ca_path());
    let network = json!({
        "nodes": stack.network.urls(),
        "trust": trust,
        "trust_anchors": authority.map(std::path::absolute).transpose()?,
    });
    fs::write(file, serde_json::to_vec_pretty(&network)?)?;
    Ok(std::path::absolute(file)?)
}

/// Whether there is a display to open a window on.
pub fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Opens the wallet's window with a new wallet in `<out>/wallet`; it lives on its own.
pub fn open(network: &Path, settings: &Settings, out: &Path) -> Result<Process> {
    let home = std::path::absolute(out.join("wallet"))?;
    let arguments = [
        "--home".to_owned(),
        home.display().to_string(),
        "--network".to_owned(),
        network.display().to_string(),
    ];
    Process::start(Program::Window, "wallet-window", out, settings, &arguments)
}

/// Destroys the wallet of the last stack: its ledger is gone. Its half of the key leaves the keyring too.
pub fn forget_wallet(out: &Path) -> Result<()> {
    let home = out.join("wallet");
    if !home.exists() {
        return Ok(());
    }
    let text = home.display().to_string();
    // A wallet that was never made, or a keyring that is locked now, must not stop the new stack.
    let _ = run(
        Program::Wallet,
        &Settings::default(),
        &["--home", &text, "erase", "--yes"],
    );
    if home.exists() {
        fs::remove_dir_all(home)?;
    }
    Ok(())
}
