use std::path::Path;

use anyhow::Result;
use jumin_tests::{CONSOLE_ACCOUNT, Stack, write_private};

/// Writes addresses, tokens and names of a stack as KEY=VALUE lines.
pub fn write(stack: &Stack, file: &Path) -> Result<()> {
    let nodes = stack.network.urls();
    let mut lines = vec![
        ("NODE_URL", nodes.first().cloned().unwrap_or_default()),
        ("NODE_URLS", nodes.join(",")),
        ("TRUST_FILE", absolute(&stack.network.trust_file())?),
        ("GOVERNOR_FILE", absolute(&stack.network.governor_file())?),
        ("ISSUER_URL", stack.issuer.url()),
        ("ISSUER_DID", stack.issuer.did()?),
        ("CONSOLE_URL", stack.issuer.console_url()),
        ("CONSOLE_TOKEN", stack.issuer.console_token()?),
        ("CONSOLE_ACCOUNT", CONSOLE_ACCOUNT.to_owned()),
        ("CONSOLE_PASSWORD", stack.issuer.console_password()?),
        ("COUNTER_URL", stack.counter.url()),
        ("DESK_URL", stack.counter.desk_url()),
        ("DESK_TOKEN", stack.counter.desk_token()?),
        ("COUNTER_DID", stack.counter.did()?),
        ("COUNTER_HOME", absolute(&stack.counter.home())?),
    ];
    if let Some(ca) = stack.settings().tls.as_ref() {
        lines.push(("JUMIN_TRUST_ANCHORS", absolute(&ca.ca_path())?));
    }
    let text: String = lines
        .iter()
        .map(|(key, value)| format!("{key}={value}\n"))
        .collect();
    // The console's token and password, and the desk's token, are in it.
    write_private(file, text.as_bytes())
}

fn absolute(path: &Path) -> Result<String> {
    Ok(std::path::absolute(path)?.display().to_string())
}
