use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::private::write_private;

/// A certificate authority for development with one server certificate for this machine.
#[derive(Clone, Debug)]
pub struct DevelopmentCa {
    directory: PathBuf,
}

impl DevelopmentCa {
    /// Makes the authority and the server certificate in `directory` and forgets the authority's key.
    pub fn create(directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory)?;
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::default();
        ca.distinguished_name
            .push(DnType::CommonName, "Jumin development CA");
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_certificate = ca.self_signed(&ca_key)?;
        let issuer = Issuer::new(ca, ca_key);

        let server_key = KeyPair::generate()?;
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut server = CertificateParams::new(names)?;
        server
            .distinguished_name
            .push(DnType::CommonName, "localhost");
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server_certificate = server.signed_by(&server_key, &issuer)?;

        let this = Self {
            directory: directory.to_owned(),
        };
        fs::write(this.ca_path(), ca_certificate.pem())?;
        fs::write(this.server_cert_path(), server_certificate.pem())?;
        write_private(
            &this.server_key_path(),
            server_key.serialize_pem().as_bytes(),
        )?;
        Ok(this)
    }

    /// The authority's certificate (PEM), for `JUMIN_TRUST_ANCHORS`.
    pub fn ca_path(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    pub(crate) fn server_cert_path(&self) -> PathBuf {
        self.directory.join("server.pem")
    }

    pub(crate) fn server_key_path(&self) -> PathBuf {
        self.directory.join("server-key.pem")
    }
}
