//! Builds the window's resources; the pages must be there before.

fn main() {
    let pages = "../ui/wallet/dist/index.html";
    println!("cargo:rerun-if-changed={pages}");
    assert!(
        std::path::Path::new(pages).exists(),
        "the wallet's pages are not built: run `make ui` first"
    );
    tauri_build::build();
}
