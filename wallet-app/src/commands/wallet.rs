//! The wallet as a whole: made, unlocked, locked, erased.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jumin_wallet_core::{DeviceStore, SecretService, UnlockSecret, VaultError, Wallet};
use tauri::AppHandle;

use super::{Outcome, Shared, blocking, lock_and_tell, now};
use crate::dto::{AppState, CommandError, WalletState};
use crate::session::Session;

/// A keyring that asks the citizen something is not waited for longer than this.
const PROBE: Duration = Duration::from_secs(3);
/// What is still under way holds on to the wallet's folder for a moment.
const RELEASE: (u32, Duration) = (150, Duration::from_millis(100));

/// Says how far the wallet is; opens its folder the first time.
#[tauri::command]
pub(crate) async fn app_state(session: Shared<'_>) -> Outcome<AppState> {
    let _changing = session.changing.lock().await;
    state(&session).await
}

/// Makes a wallet on the network at hand and unlocks it.
#[tauri::command]
pub(crate) async fn create_wallet(
    session: Shared<'_>,
    secret: String,
    keyring: bool,
) -> Outcome<AppState> {
    let secret = UnlockSecret::new(secret);
    let _changing = session.changing.lock().await;
    let network = session
        .network()
        .ok_or(CommandError::of("network_missing"))?;
    if session.wallet().is_some() {
        return Err(CommandError::of("wallet_exists"));
    }
    let (home, kept) = (session.home().to_owned(), network.clone());
    let wallet = blocking(move || {
        let device: Option<Arc<dyn DeviceStore>> = match keyring {
            true => Some(Arc::new(
                SecretService::connect().map_err(VaultError::from)?,
            )),
            false => None,
        };
        let wallet = Wallet::create(&home, &secret, device, &network.settings)?;
        // The wallet has its own copy inside; this one names the network while it is locked.
        let _ = network.keep(&home);
        Ok(wallet)
    });
    opened(&session, Arc::new(wallet.await?));
    session.keep_network(kept);
    state(&session).await
}

/// Unlocks the wallet with its PIN or passphrase.
#[tauri::command]
pub(crate) async fn unlock(session: Shared<'_>, secret: String) -> Outcome<AppState> {
    let secret = UnlockSecret::new(secret);
    let _changing = session.changing.lock().await;
    if session.wallet().is_none()
        && let Some(problem) = open(&session).await?
    {
        return Err(problem);
    }
    let wallet = session.wallet().ok_or(CommandError::of("wallet_missing"))?;
    let unlocked = wallet.clone();
    blocking(move || Ok(unlocked.unlock(&secret, now())?)).await?;
    opened(&session, wallet);
    state(&session).await
}

/// Locks the wallet and drops what is at hand.
#[tauri::command]
pub(crate) async fn lock(app: AppHandle, session: Shared<'_>) -> Outcome<()> {
    lock_and_tell(&app, &session);
    Ok(())
}

/// Sets a new PIN or passphrase.
#[tauri::command]
pub(crate) async fn change_secret(session: Shared<'_>, old: String, new: String) -> Outcome<()> {
    let (old, new) = (UnlockSecret::new(old), UnlockSecret::new(new));
    let wallet = session.unlocked()?.wallet;
    blocking(move || Ok(wallet.change_secret(&old, &new, now())?)).await
}

/// Destroys the wallet for good.
#[tauri::command]
pub(crate) async fn erase_wallet(session: Shared<'_>, confirmed: bool) -> Outcome<AppState> {
    if !confirmed {
        return Err(CommandError::of("not_confirmed"));
    }
    let _changing = session.changing.lock().await;
    session.lock();
    session.set_wallet(None);
    let home = session.home().to_owned();
    blocking(move || erased(&home)).await?;
    state(&session).await
}

/// Keeps the wallet unlocked: somebody is there.
#[tauri::command]
pub(crate) async fn touch(session: Shared<'_>) -> Outcome<()> {
    session.touch();
    Ok(())
}

fn erased(home: &std::path::Path) -> Outcome<()> {
    let mut chances = RELEASE.0;
    loop {
        match Wallet::erase(home) {
            Err(VaultError::InUse) if chances > 0 => chances -= 1,
            other => return Ok(other?),
        }
        std::thread::sleep(RELEASE.1);
    }
}

/// Takes a wallet that was just unlocked, and fetches the ledger's records for use without a network.
fn opened(session: &Session, wallet: Arc<Wallet>) {
    session.touch();
    session.set_wallet(Some(wallet.clone()));
    tauri::async_runtime::spawn(async move {
        // Whoever needs the records and has none hears of it then.
        let _ = wallet.sync(now()).await;
    });
}

async fn state(session: &Session) -> Outcome<AppState> {
    let problem = match session.wallet() {
        Some(_) => None,
        None => open(session).await?,
    };
    let wallet = session.wallet();
    let state = match (&wallet, &problem) {
        (Some(wallet), _) if wallet.is_locked() => WalletState::Locked,
        (Some(_), _) => WalletState::Unlocked,
        (None, Some(problem)) if problem.code != "wallet_missing" => WalletState::Unusable,
        _ if session.network().is_none() => WalletState::NoNetwork,
        _ => WalletState::New,
    };
    let is_new = matches!(state, WalletState::New | WalletState::NoNetwork);
    if is_new && !session.keyring() {
        session.set_keyring(probe().await);
    }
    Ok(AppState {
        state,
        problem: problem.filter(|_| state == WalletState::Unusable),
        protection: wallet.map(|wallet| wallet.protection().into()),
        keyring_available: session.keyring(),
        network: session.network().map(|network| network.name()),
        preferences: session.preferences(),
    })
}

/// Takes the folder; a window that was just closed may hold it for a moment longer.
fn taken(home: &std::path::Path) -> Result<Wallet, VaultError> {
    let mut chances = 10;
    loop {
        match Wallet::open(home) {
            Err(VaultError::InUse) if chances > 0 => chances -= 1,
            other => return other,
        }
        std::thread::sleep(RELEASE.1);
    }
}

/// Opens the folder's wallet, which stays locked; returns why it could not be.
async fn open(session: &Session) -> Outcome<Option<CommandError>> {
    let home: PathBuf = session.home().to_owned();
    let opened = blocking(move || Ok(taken(&home).map_err(CommandError::from))).await?;
    Ok(match opened {
        Ok(wallet) => {
            session.set_wallet(Some(Arc::new(wallet)));
            None
        }
        Err(problem) => Some(problem),
    })
}

/// Says whether the desktop has a keyring that works.
async fn probe() -> bool {
    let probed = tauri::async_runtime::spawn_blocking(|| SecretService::connect().is_ok());
    matches!(tokio::time::timeout(PROBE, probed).await, Ok(Ok(true)))
}
