//! The commands of the page: each parses, calls the wallet, and maps to a DTO.

mod documents;
mod offers;
mod present;
mod scan;
mod settings;
mod wallet;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tauri::ipc::Invoke;
use tauri::{AppHandle, Emitter, State, Wry};

use crate::dto::CommandError;
use crate::session::Session;

type Shared<'a> = State<'a, Arc<Session>>;
type Outcome<T> = Result<T, CommandError>;

/// Returns what answers the page's calls.
pub(crate) fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        wallet::app_state,
        wallet::create_wallet,
        wallet::unlock,
        wallet::lock,
        wallet::change_secret,
        wallet::erase_wallet,
        wallet::touch,
        settings::set_preferences,
        settings::choose_network,
        settings::replace_network,
        settings::about,
        settings::sync,
        settings::take_link,
        documents::documents,
        documents::document,
        documents::reveal,
        documents::document_status,
        documents::delete_document,
        documents::activity,
        scan::scan,
        scan::reset_scan,
        offers::accept_offer,
        offers::discard_offer,
        present::choose_document,
        present::answer,
        present::decline,
        present::agencies,
        present::services,
        present::one_way_consent,
        present::one_way_show,
        present::one_way_redraw,
        present::finish_showing,
        present::open_redirect,
    ]
}

/// Locks, and has the page drop what it shows.
pub(crate) fn lock_and_tell(app: &AppHandle, session: &Session) {
    session.lock();
    let _ = app.emit("locked", ());
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Does slow work away from the tasks that answer the page.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Outcome<T> + Send + 'static,
) -> Outcome<T> {
    let done = tauri::async_runtime::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(CommandError::of("internal")))
}
