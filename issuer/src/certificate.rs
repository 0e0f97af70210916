//! A development certificate authority and the signer's certificate, for verifiers that know only X.509.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jumin_identity::{Did, PublicKey};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData, SanType, SignatureAlgorithm,
};
use thiserror::Error;
use url::{Host, Url};

/// Why there is no certificate.
#[derive(Debug, Error)]
pub enum CertificateError {
    #[error("the certificate can't be made")]
    Certificate(#[from] rcgen::Error),
    #[error("the public URL can't be a certificate's name")]
    PublicUrl(#[from] url::ParseError),
}

/// A certificate authority: its certificate and its private key, both PEM.
pub struct Authority {
    pub certificate: String,
    pub key: String,
}

/// Makes an authority for development. A real agency gets its certificate from one that others know.
pub fn development_authority() -> Result<Authority, CertificateError> {
    let key = KeyPair::generate()?;
    let certificate = authority_params()?.self_signed(&key)?;
    Ok(Authority {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

/// What the authority's certificate says; the same every time, so that it can sign again from its key alone.
fn authority_params() -> Result<CertificateParams, CertificateError> {
    let mut params = CertificateParams::new(Vec::new())?;
    let name = "Jumin issuer development CA";
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

struct SubjectKey([u8; 65]);

impl PublicKeyData for SubjectKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

/// Certifies the issuer's signing key for its public URL and its DID; returns `x5c`, without the authority itself.
pub fn certify(
    authority: &Authority,
    name: &str,
    public_url: &str,
    did: &Did,
    key: &PublicKey,
) -> Result<Vec<String>, CertificateError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params.subject_alt_names = alternative_names(public_url, did)?;
    let signing_key = KeyPair::from_pem(&authority.key)?;
    let issuer = Issuer::new(authority_params()?, signing_key);
    let certificate = params.signed_by(&SubjectKey(key.to_sec1_uncompressed()), &issuer)?;
    Ok(vec![STANDARD.encode(certificate.der())])
}

fn alternative_names(public_url: &str, did: &Did) -> Result<Vec<SanType>, CertificateError> {
    let mut names = vec![
        SanType::URI(public_url.try_into()?),
        SanType::URI(did.as_str().try_into()?),
    ];
    match Url::parse(public_url)?.host() {
        Some(Host::Domain(domain)) => names.push(SanType::DnsName(domain.try_into()?)),
        Some(Host::Ipv4(address)) => names.push(SanType::IpAddress(IpAddr::V4(address))),
        Some(Host::Ipv6(address)) => names.push(SanType::IpAddress(IpAddr::V6(address))),
        None => {}
    }
    Ok(names)
}
