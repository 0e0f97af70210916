use rust_embed::RustEmbed;

/// Holds the desk's page as `make ui` builds it.
#[derive(RustEmbed)]
#[folder = "../../ui/counter/dist"]
pub struct Page;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_embedded_and_loads_nothing_from_elsewhere() {
        let page = Page::get("index.html").unwrap();
        let page = String::from_utf8(page.data.into_owned()).unwrap();
        assert!(page.contains("./assets/"));
        assert!(!page.contains("http://") && !page.contains("https://"));
    }
}
