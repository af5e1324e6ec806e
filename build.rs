//! The binary embeds `web/dist`, so it is built anew when that changes. Building the pages needs
//! Node and is not done from here: `cargo build` works without.

fn main() {
    println!("cargo:rerun-if-changed=web/dist");
}
