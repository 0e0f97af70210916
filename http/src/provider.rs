/// Installs aws-lc-rs as this process's rustls provider; later calls do nothing.
pub fn install_crypto_provider() {
    // An error only says that a provider is there already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
