//! One window a wallet: a second start on the same folder hands its link to the first.

use std::path::Path;

use jumin_identity::sha256;
use tauri::plugin::TauriPlugin;
use tauri::{Window, WindowEvent, Wry};

use crate::arguments::Arguments;
use crate::{links, window};

/// Makes the plugin that notices a second start; wallets in different folders run side by side.
pub(crate) fn plugin(home: &Path) -> TauriPlugin<Wry> {
    tauri_plugin_single_instance::Builder::new()
        .dbus_id(bus_name(home))
        .callback(|app, arguments, _| match Arguments::link_of(&arguments) {
            Some(link) => links::arrived(app, &link),
            None => window::raise(app),
        })
        .build()
}

/// Gives the folder's name on the bus back when the window closes: a start in that moment must open a window of its own
/// instead of handing its link to a program that is about to end.
pub(crate) fn release(window: &Window, event: &WindowEvent) {
    if matches!(
        event,
        WindowEvent::CloseRequested { .. } | WindowEvent::Destroyed
    ) {
        tauri_plugin_single_instance::destroy(window);
    }
}

/// Names a folder on the bus without telling which it is.
fn bus_name(home: &Path) -> String {
    let real = home.canonicalize().unwrap_or_else(|_| home.to_owned());
    let digest = sha256(real.as_os_str().as_encoded_bytes());
    let short: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("kr.jumin.wallet.h{short}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_have_names_of_their_own_however_they_are_spelled() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        std::fs::create_dir(&one).unwrap();
        std::fs::create_dir(&other).unwrap();
        assert_ne!(bus_name(&one), bus_name(&other));
        assert_eq!(bus_name(&one), bus_name(&other.join("../one")));
    }
}
