//! An HTTP client.

/// A client as it comes.
pub fn client() -> reqwest::Client {
    client_builder().build().expect("a client")
}

/// A client to be made otherwise.
pub fn client_builder() -> reqwest::ClientBuilder {
    // Another test may have chosen already.
    _ = rustls::crypto::ring::default_provider().install_default();
    // The servers are of this machine. To read its certificates takes a large part of a second.
    reqwest::Client::builder().tls_certs_only([])
}
