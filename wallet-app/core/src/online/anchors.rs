//! Certificates of verifiers (`x509_hash:`, OpenID4VP 1.0 §5.9.3), chained to the authorities that the wallet is told to trust.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jumin_identity::PublicKey;
use jumin_registry::Localized;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use serde_json::{Map, Value};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_cert::der::Decode;

use crate::issuance::printable;
use crate::present::PresentError;

const CHAIN_MAX: usize = 6;
const CERTIFICATE_MAX: usize = 16 * 1024;
/// A P-256 SubjectPublicKeyInfo with an uncompressed point (RFC 5480 §2) starts so.
const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Is the purpose of mdoc readers, 1.0.18013.5.1.6 (ISO/IEC 18013-5 B.1.7), which verifiers of both formats use.
const READER_AUTH: &[u8] = &[0x28, 0x81, 0x8c, 0x5d, 0x05, 0x01, 0x06];
const ORGANIZATION: &str = "2.5.4.10";
const COMMON_NAME: &str = "2.5.4.3";

/// Is the set of authorities that the wallet trusts to name verifiers.
pub(crate) struct Anchors(Vec<TrustAnchor<'static>>);

impl Anchors {
    /// Trusts nobody.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Reads the certificates in a PEM file; `None` if one of them can't be read.
    pub(crate) fn from_pem(pem: &[u8]) -> Option<Self> {
        let anchors = CertificateDer::pem_slice_iter(pem).map(|certificate| {
            let certificate = certificate.ok()?;
            let anchor = anchor_from_trusted_cert(&certificate).ok()?;
            Some(anchor.to_owned())
        });
        anchors.collect::<Option<_>>().map(Self)
    }

    /// Checks the chain in a request's `x5c` header at `now`; returns the leaf's key and the name in it.
    ///
    /// That the leaf's hash is the client identifier's is the request's own check.
    pub(crate) fn verify(
        &self,
        header: &Map<String, Value>,
        now: u64,
    ) -> Result<(PublicKey, Option<Localized>), PresentError> {
        self.verified(header, now)
            .ok_or(PresentError::UntrustedCertificate)
    }

    fn verified(
        &self,
        header: &Map<String, Value>,
        now: u64,
    ) -> Option<(PublicKey, Option<Localized>)> {
        let chain = chain(header)?;
        let (leaf, intermediates) = chain.split_first()?;
        let certificate = EndEntityCert::try_from(leaf).ok()?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(now));
        // A certificate that names purposes has to name one of these.
        let purposes = [
            KeyUsage::server_auth(),
            KeyUsage::client_auth(),
            KeyUsage::required_if_present(READER_AUTH),
        ];
        let trusted = purposes.into_iter().any(|purpose| {
            let algorithms = webpki::ALL_VERIFICATION_ALGS;
            certificate
                .verify_for_usage(
                    algorithms,
                    &self.0,
                    intermediates,
                    time,
                    purpose,
                    None,
                    None,
                )
                .is_ok()
        });
        let spki = certificate.subject_public_key_info();
        let point = spki.as_ref().strip_prefix(&P256_SPKI)?;
        let key = PublicKey::from_sec1(point).ok()?;
        trusted.then(|| (key, name(leaf)))
    }
}

fn chain(header: &Map<String, Value>) -> Option<Vec<CertificateDer<'static>>> {
    let texts = header.get("x5c")?.as_array()?;
    if texts.is_empty() || texts.len() > CHAIN_MAX {
        return None;
    }
    let certificate = |text: &Value| {
        let text = text.as_str().filter(|text| text.len() <= CERTIFICATE_MAX)?;
        Some(CertificateDer::from(STANDARD.decode(text).ok()?))
    };
    texts.iter().map(certificate).collect()
}

/// Returns the organization in a certificate's subject, else its common name.
fn name(leaf: &CertificateDer<'_>) -> Option<Localized> {
    let certificate = x509_cert::Certificate::from_der(leaf).ok()?;
    let subject = certificate.tbs_certificate.subject;
    let find = |oid: &str| {
        let mut attributes = subject.0.iter().flat_map(|set| set.0.iter());
        let found = attributes.find(|attribute| attribute.oid.to_string() == oid)?;
        String::from_utf8(found.value.value().to_vec()).ok()
    };
    let name = printable(&find(ORGANIZATION).or_else(|| find(COMMON_NAME))?);
    Some(Localized {
        ko: name.clone(),
        en: name,
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn authority() -> (Issuer<'static, KeyPair>, String) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).unwrap();
        (Issuer::new(parameters, key), certificate.pem())
    }

    fn leaf(authority: &Issuer<'static, KeyPair>) -> Map<String, Value> {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec!["v.example".to_owned()]).unwrap();
        parameters
            .distinguished_name
            .push(DnType::OrganizationName, "한빛은행");
        let certificate = parameters.signed_by(&key, authority).unwrap();
        let text = STANDARD.encode(certificate.der());
        Map::from_iter([("x5c".to_owned(), json!([text]))])
    }

    #[test]
    fn leaf_of_a_trusted_authority_gives_key_and_name() {
        let (authority, pem) = authority();
        let anchors = Anchors::from_pem(pem.as_bytes()).unwrap();
        let (_, name) = anchors.verify(&leaf(&authority), NOW).unwrap();
        assert_eq!(name.unwrap().ko, "한빛은행");
    }

    #[test]
    fn leaf_of_an_unknown_authority_is_untrusted() {
        let (authority, _) = authority();
        let header = leaf(&authority);
        let (_, other) = self::authority();
        let other = Anchors::from_pem(other.as_bytes()).unwrap();
        for anchors in [Anchors::none(), other] {
            let error = anchors.verify(&header, NOW).err().unwrap();
            assert_eq!(error.code(), "untrusted_certificate");
        }
        assert!(Anchors::none().verify(&Map::new(), NOW).is_err());
    }
}
