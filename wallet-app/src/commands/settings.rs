//! Preferences, the network, what the program says about itself, links from outside.

use super::{Outcome, Shared, blocking, now};
use crate::dto::{About, AppState, Checked, CommandError, Preferences};
use crate::network::NetworkFile;
use crate::preferences;

/// Keeps what the citizen likes.
#[tauri::command]
pub(crate) async fn set_preferences(
    session: Shared<'_>,
    preferences: Preferences,
) -> Outcome<Preferences> {
    let home = session.home().to_owned();
    let kept = blocking(move || {
        preferences::write(&home, preferences).map_err(|_| CommandError::of("storage_failed"))
    });
    let kept = kept.await?;
    session.set_preferences(kept.clone());
    Ok(kept)
}

/// Takes the text of a network file for a wallet that is not made yet.
#[tauri::command]
pub(crate) async fn choose_network(session: Shared<'_>, text: String) -> Outcome<AppState> {
    if session.wallet().is_some() {
        return Err(CommandError::of("wallet_exists"));
    }
    let file = blocking(move || Ok(NetworkFile::parse(text.as_bytes(), None)?)).await?;
    session.set_network(file);
    super::wallet::app_state(session).await
}

/// Takes the text of a newer network file for the wallet that is open.
#[tauri::command]
pub(crate) async fn replace_network(session: Shared<'_>, text: String) -> Outcome<()> {
    let (wallet, home) = (session.unlocked()?.wallet, session.home().to_owned());
    let file = blocking(move || {
        let file = NetworkFile::parse(text.as_bytes(), None)?;
        wallet.renew_network(&file.settings)?;
        // The wallet has its own copy inside; this one names the network while it is locked.
        let _ = file.keep(&home);
        Ok(file)
    });
    session.keep_network(file.await?);
    Ok(())
}

/// Says what program, network and folder this is.
#[tauri::command]
pub(crate) async fn about(session: Shared<'_>) -> Outcome<About> {
    let wallet = session.wallet().ok_or(CommandError::of("wallet_missing"))?;
    let (network, folder) = (session.network(), session.home().display().to_string());
    blocking(move || {
        let locked = wallet.is_locked();
        let nodes = match (locked, &network) {
            (false, _) => wallet.nodes()?,
            (true, Some(file)) => file
                .settings
                .nodes
                .iter()
                .map(ToString::to_string)
                .collect(),
            (true, None) => Vec::new(),
        };
        let name = match locked {
            false => wallet.network()?.network.to_string(),
            true => network.map(|file| file.name()).unwrap_or_default(),
        };
        let records = if locked { None } else { wallet.records(now())? };
        Ok(About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            network: name,
            nodes,
            folder,
            protection: wallet.protection().into(),
            records: records.map(Checked::from),
        })
    })
    .await
}

/// Fetches the ledger's records for use without a network.
#[tauri::command]
pub(crate) async fn sync(session: Shared<'_>) -> Outcome<Checked> {
    let wallet = session.unlocked()?.wallet;
    Ok(wallet.sync(now()).await?.into())
}

/// Hands over the link that waits, once.
#[tauri::command]
pub(crate) async fn take_link(session: Shared<'_>) -> Outcome<Option<String>> {
    Ok(session.take_link())
}
