//! Is the citizen's wallet as a desktop window.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() {
    let built = tauri::Builder::default()
        .plugin(tauri_plugin_opener::init())
        .run(tauri::generate_context!());
    if let Err(error) = built {
        eprintln!("error: the window could not be opened: {error}");
        std::process::exit(1);
    }
}
