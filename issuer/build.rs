//! Checks that the console's pages, which the program embeds, are there.

fn main() {
    let pages = "../ui/console/dist/index.html";
    println!("cargo:rerun-if-changed=../ui/console/dist");
    assert!(
        std::path::Path::new(pages).exists(),
        "the console's pages are not built: run `make ui` first"
    );
}
