//! The frame of pages rendered by the server.

const FRAME: &str = include_str!("page.html");

/// The mark and the name, as on the pages of the dashboard.
pub const BRAND: &str = include_str!("../../../web/src/brand.html");

/// A page with navigation. `title` is text, `main` is HTML.
pub fn page(title: &str, main: &str) -> String {
    // Only the first placeholder is replaced: `main` may contain the same text.
    FRAME.replace("{main}", main).replacen("{brand}", BRAND, 1).replacen(
        "{title}",
        &escaped(title),
        1,
    )
}

/// Escapes text for HTML elements and attributes in double quotes.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
