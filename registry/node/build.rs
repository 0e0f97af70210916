//! Checks that the explorer's pages, which the program embeds, are there.

fn main() {
    let pages = "../../ui/explorer/dist/index.html";
    println!("cargo:rerun-if-changed=../../ui/explorer/dist");
    assert!(
        std::path::Path::new(pages).exists(),
        "the explorer's pages are not built: run `make ui` first"
    );
}
