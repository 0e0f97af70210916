//! Is the citizen's wallet as a desktop window.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod arguments;
mod camera;
mod commands;
mod dto;
mod hand;
mod idle;
mod instance;
mod links;
mod network;
mod preferences;
mod session;
mod value;
mod window;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use crate::arguments::Arguments;
use crate::session::Session;

fn main() -> ExitCode {
    if let Err(error) = jumin_http::protect_process() {
        eprintln!("error: the process cannot be protected: {error}");
        return ExitCode::FAILURE;
    }
    let arguments = Arguments::parse();
    if !window::has_display() {
        eprintln!("error: there is no display: DISPLAY and WAYLAND_DISPLAY are not set");
        return ExitCode::from(2);
    }
    match open(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn open(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let home = arguments.home()?;
    let given = arguments
        .network
        .as_deref()
        .map(network::read)
        .transpose()?;
    let session = Arc::new(Session::new(home.clone(), given));
    session.offer_link(arguments.link.as_deref());
    let timer = session.clone();
    let window = tauri::Builder::default()
        // First of all plugins: a second start must be noticed before anything else happens.
        .plugin(instance::plugin(&home))
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_opener::init())
        .on_window_event(instance::release)
        .manage(session)
        .invoke_handler(commands::handler())
        .setup(move |app| {
            window::open(app)?;
            links::listen(app);
            idle::watch(app.handle().clone(), timer);
            Ok(())
        })
        .run(tauri::generate_context!());
    window.map_err(instance::start_again)
}
