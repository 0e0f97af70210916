//! Keeps, outside of `data`, the height of the newest certified block: who puts an older copy of `data` back is told.
//!
//! A validator among others is told by them. One that is alone has nobody to ask, and would certify other blocks than before
//! at heights that readers know.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::home;
use crate::ledger::Ledger;

/// The file beside the key.
pub(crate) const FILE: &str = "last-certified";
/// How often it is written at most.
const PAUSE: Duration = Duration::from_secs(10);

/// The height that was noted last, if one was.
pub(crate) fn read(home: &Path) -> anyhow::Result<Option<u64>> {
    let path = home.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    let text = String::from_utf8(home::read(&path)?).ok();
    let height = text.and_then(|text| text.trim().parse().ok());
    height.map(Some).with_context(|| {
        format!(
            "{} is not a height: write one there that you know was certified, or remove it",
            path.display()
        )
    })
}

/// Notes the newest certified height.
pub(crate) fn write(home: &Path, ledger: &Ledger) -> anyhow::Result<()> {
    let Some((checkpoint, _)) = ledger.certified() else {
        return Ok(());
    };
    let height = format!("{}\n", checkpoint.height);
    home::replace(&home.join(FILE), height.as_bytes())
}

/// Notes it as it rises, for as long as the node runs.
pub(crate) async fn keep(home: std::path::PathBuf, ledger: Arc<Ledger>) {
    let mut heights = ledger.applied_heights();
    while heights.changed().await.is_ok() {
        if let Err(error) = write(&home, &ledger) {
            tracing::warn!("the newest certified height is not noted: {error:#}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Says why a validator that is alone doesn't start with data of before a certified block.
pub(crate) fn explanation(expected: u64, height: u64) -> String {
    format!(
        "block {expected} of this network was certified, and data ends with block {height}: it is an older copy, and this only \
         validator would certify other blocks than before. Put the newest data back. If it is gone for good, remove {FILE} and \
         leave --expect-height away: whoever knows of later blocks will refuse those that come now"
    )
}
