//! One window a wallet: a second start on the same folder hands its link to the first.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

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

/// Counts how often this program was started again.
const AGAIN: &str = "JUMIN_WALLET_STARTED_AGAIN";
/// A program that was killed holds its name on the bus until its last thread has ended.
const CHANCES: (u32, Duration) = (20, Duration::from_millis(250));

/// Says how often to start again, after a failed start: a first window that was just killed takes the link of the second no
/// more, and is gone a moment later.
pub(crate) fn may_start_again(error: &tauri::Error, so_far: Option<&str>) -> Option<u32> {
    let unheard =
        matches!(error, tauri::Error::PluginInitialization(name, _) if name == "single-instance");
    let so_far = so_far.map_or(Some(0), |count| count.parse().ok())?;
    (unheard && so_far < CHANCES.0).then_some(so_far + 1)
}

/// Takes the place of this process with a fresh start, where the first window was only ending; returns what stands against it.
pub(crate) fn start_again(error: tauri::Error) -> Box<dyn std::error::Error> {
    let so_far = std::env::var(AGAIN).ok();
    let Some(count) = may_start_again(&error, so_far.as_deref()) else {
        return error.into();
    };
    std::thread::sleep(CHANCES.1);
    match std::env::current_exe() {
        Ok(program) => replace(
            Command::new(program)
                .args(std::env::args_os().skip(1))
                .env(AGAIN, count.to_string()),
        ),
        Err(error) => error.into(),
    }
}

#[cfg(unix)]
fn replace(command: &mut Command) -> Box<dyn std::error::Error> {
    std::os::unix::process::CommandExt::exec(command).into()
}

#[cfg(not(unix))]
fn replace(command: &mut Command) -> Box<dyn std::error::Error> {
    match command.spawn() {
        Ok(_) => std::process::exit(0),
        Err(error) => error.into(),
    }
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
    fn start_beside_a_window_that_just_ended_is_tried_again_for_a_while() {
        let failed = |plugin: &str| {
            tauri::Error::PluginInitialization(plugin.to_owned(), "NoReply".to_owned())
        };
        let unheard = failed("single-instance");
        assert_eq!(may_start_again(&unheard, None), Some(1));
        assert_eq!(may_start_again(&unheard, Some("19")), Some(20));
        assert_eq!(may_start_again(&unheard, Some("20")), None);
        assert_eq!(may_start_again(&unheard, Some("x")), None);
        assert_eq!(may_start_again(&failed("opener"), None), None);
    }

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
