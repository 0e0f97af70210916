//! Makes sure that the desk's page is built before it is embedded.

fn main() {
    let page = "../../ui/counter/dist/index.html";
    println!("cargo:rerun-if-changed={page}");
    assert!(
        std::path::Path::new(page).exists(),
        "the counter's page is not built: run `make ui` first"
    );
}
