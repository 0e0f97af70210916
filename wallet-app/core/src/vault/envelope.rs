//! The sealed database key: argon2id over the PIN (RFC 9106), joined by HKDF (RFC 5869) with the secret that the device
//! keeps, and AES-256-GCM over the key. A damaged file is told apart from a wrong PIN by a plain checksum.

use argon2::{Algorithm, Argon2, ParamsBuilder, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use jumin_identity::{b64url, b64url_decode, random_bytes, sha256};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::secret::{SecretKey, UnlockSecret};

const FORMAT: &str = "jumin-vault";
const VERSION: u32 = 1;
const WRAPPING_INFO: &[u8] = b"jumin wallet vault 1: wrapping key";
/// A file that asks for more than this is damaged or hostile (1 GiB, 16 passes, 16 lanes).
const MAX_COST: Cost = Cost {
    memory_kib: 1 << 20,
    passes: 16,
    lanes: 16,
};

/// Says what besides the PIN or passphrase is needed to open a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protection {
    /// The database key needs the PIN and a random secret in the desktop's keyring.
    Keyring,
    /// The database key needs a passphrase alone.
    Passphrase,
}

/// Is the work argon2id is given: memory in KiB, passes over it, and lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Cost {
    /// Returns the cost for a new vault: RFC 9106 §4's choice for 64 MiB, twice that where a passphrase stands alone.
    pub(crate) fn for_new(protection: Protection) -> Self {
        let memory_kib = match protection {
            Protection::Keyring => 64 * 1024,
            Protection::Passphrase => 128 * 1024,
        };
        Self {
            memory_kib,
            passes: 3,
            lanes: 4,
        }
    }

    fn within(&self, max: &Self) -> bool {
        self.memory_kib <= max.memory_kib && self.passes <= max.passes && self.lanes <= max.lanes
    }
}

/// Says why an envelope gave no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvelopeError {
    #[error("the vault's key file is damaged")]
    Damaged,
    #[error("the vault was made by a newer version")]
    Newer,
    #[error("wrong PIN or passphrase")]
    WrongSecret,
    #[error("the key could not be derived")]
    Derivation,
}

/// Is the part of the envelope that the seal authenticates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: String,
    version: u32,
    id: String,
    protection: Protection,
    argon2id: Cost,
    salt: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    head: Head,
    nonce: String,
    wrapped_key: String,
}

#[derive(Serialize, Deserialize)]
struct OnDisk {
    vault: serde_json::Value,
    sha256: String,
}

/// Is a database key under seal, as it lies in `vault.json`.
#[derive(Debug, Clone)]
pub(crate) struct Envelope(Sealed);

impl Envelope {
    /// Seals a key for a new vault or a new PIN; `device` is the keyring's part, `None` for a passphrase alone.
    pub(crate) fn seal(
        id: &str,
        cost: Cost,
        key: &SecretKey,
        secret: &UnlockSecret,
        device: Option<&SecretKey>,
    ) -> Result<Self, EnvelopeError> {
        let protection = match device {
            Some(_) => Protection::Keyring,
            None => Protection::Passphrase,
        };
        let head = Head {
            format: FORMAT.to_owned(),
            version: VERSION,
            id: id.to_owned(),
            protection,
            argon2id: cost,
            salt: b64url(&random_bytes::<16>()),
        };
        let nonce: [u8; NONCE_LEN] = random_bytes();
        let mut sealed = Zeroizing::new(key.bytes().to_vec());
        wrapping_key(&head, secret, device)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated_data(&head)?),
                &mut *sealed,
            )
            .map_err(|_| EnvelopeError::Derivation)?;
        Ok(Self(Sealed {
            head,
            nonce: b64url(&nonce),
            wrapped_key: b64url(&sealed),
        }))
    }

    /// Derives what opens the seal. It can fail for want of memory, and compares nothing yet.
    pub(crate) fn derive(
        &self,
        secret: &UnlockSecret,
        device: Option<&SecretKey>,
    ) -> Result<Derived, EnvelopeError> {
        let Sealed {
            head,
            nonce,
            wrapped_key,
        } = &self.0;
        let nonce = Nonce::try_assume_unique_for_key(&decode(nonce)?)
            .map_err(|_| EnvelopeError::Damaged)?;
        Ok(Derived {
            nonce,
            sealed: Zeroizing::new(decode(wrapped_key)?),
            associated: associated_data(head)?,
            key: wrapping_key(head, secret, device)?,
        })
    }

    pub(crate) fn id(&self) -> &str {
        &self.0.head.id
    }

    pub(crate) fn protection(&self) -> Protection {
        self.0.head.protection
    }

    pub(crate) fn cost(&self) -> Cost {
        self.0.head.argon2id
    }

    /// Writes the file's content, with its checksum.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, EnvelopeError> {
        let vault = serde_json::to_value(&self.0).map_err(|_| EnvelopeError::Derivation)?;
        let sha256 = checksum(&vault)?;
        serde_json::to_vec_pretty(&OnDisk { vault, sha256 }).map_err(|_| EnvelopeError::Derivation)
    }

    /// Reads the file's content; the checksum makes bit rot a damage and not a wrong PIN.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let on_disk: OnDisk = serde_json::from_slice(bytes).map_err(|_| EnvelopeError::Damaged)?;
        if checksum(&on_disk.vault)? != on_disk.sha256 {
            return Err(EnvelopeError::Damaged);
        }
        let version = on_disk
            .vault
            .pointer("/head/version")
            .and_then(|v| v.as_u64());
        if version.is_some_and(|version| version > u64::from(VERSION)) {
            return Err(EnvelopeError::Newer);
        }
        let sealed: Sealed =
            serde_json::from_value(on_disk.vault).map_err(|_| EnvelopeError::Damaged)?;
        let head = &sealed.head;
        let known = head.format == FORMAT && head.version == VERSION;
        if !known || !head.argon2id.within(&MAX_COST) {
            return Err(EnvelopeError::Damaged);
        }
        Ok(Self(sealed))
    }
}

/// What a PIN or passphrase was turned into, before anything is compared.
pub(crate) struct Derived {
    nonce: Nonce,
    sealed: Zeroizing<Vec<u8>>,
    associated: Vec<u8>,
    key: LessSafeKey,
}

impl Derived {
    /// Opens the seal; any difference in secret, device part or file content gives `WrongSecret`.
    pub(crate) fn open(mut self) -> Result<SecretKey, EnvelopeError> {
        let opened = self
            .key
            .open_in_place(self.nonce, Aad::from(self.associated), &mut self.sealed)
            .map_err(|_| EnvelopeError::WrongSecret)?;
        SecretKey::from_slice(opened).ok_or(EnvelopeError::Damaged)
    }
}

fn checksum(vault: &serde_json::Value) -> Result<String, EnvelopeError> {
    let bytes = serde_json::to_vec(vault).map_err(|_| EnvelopeError::Damaged)?;
    Ok(b64url(&sha256(&bytes)))
}

fn associated_data(head: &Head) -> Result<Vec<u8>, EnvelopeError> {
    serde_json::to_vec(head).map_err(|_| EnvelopeError::Derivation)
}

fn decode(text: &str) -> Result<Vec<u8>, EnvelopeError> {
    b64url_decode(text).map_err(|_| EnvelopeError::Damaged)
}

/// Joins both secrets: whoever lacks one of them learns nothing about the key from the other.
fn wrapping_key(
    head: &Head,
    secret: &UnlockSecret,
    device: Option<&SecretKey>,
) -> Result<LessSafeKey, EnvelopeError> {
    let salt = decode(&head.salt)?;
    let mut material = Zeroizing::new([0_u8; 64]);
    let (from_secret, from_device) = material.split_at_mut(32);
    argon2id(head.argon2id)?
        .hash_password_into(secret.bytes(), &salt, from_secret)
        .map_err(|_| EnvelopeError::Derivation)?;
    if let Some(device) = device {
        from_device.copy_from_slice(device.bytes());
    }
    let protection: &[u8] = match head.protection {
        Protection::Keyring => b"keyring",
        Protection::Passphrase => b"passphrase",
    };
    let prk = Salt::new(HKDF_SHA256, &salt).extract(&*material);
    let info = [WRAPPING_INFO, protection];
    let okm = prk
        .expand(&info, &AES_256_GCM)
        .map_err(|_| EnvelopeError::Derivation)?;
    Ok(LessSafeKey::new(UnboundKey::from(okm)))
}

fn argon2id(cost: Cost) -> Result<Argon2<'static>, EnvelopeError> {
    ParamsBuilder::new()
        .m_cost(cost.memory_kib)
        .t_cost(cost.passes)
        .p_cost(cost.lanes)
        .build()
        .map(|params| Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
        .map_err(|_| EnvelopeError::Damaged)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory_kib: 64,
        passes: 1,
        lanes: 1,
    };

    fn pin(text: &str) -> UnlockSecret {
        UnlockSecret::new(text.to_owned())
    }

    fn open(
        sealed: &Envelope,
        secret: &UnlockSecret,
        device: Option<&SecretKey>,
    ) -> Result<SecretKey, EnvelopeError> {
        sealed.derive(secret, device)?.open()
    }

    #[test]
    fn key_comes_back_only_with_both_secrets() {
        let (key, device) = (SecretKey::random(), SecretKey::random());
        let sealed = Envelope::seal("v", CHEAP, &key, &pin("135790"), Some(&device)).unwrap();
        let sealed = Envelope::from_bytes(&sealed.to_bytes().unwrap()).unwrap();
        let opened = open(&sealed, &pin("135790"), Some(&device)).unwrap();
        assert_eq!(opened.bytes(), key.bytes());
        for (pin, device) in [
            (pin("135791"), Some(&device)),
            (pin("135790"), Some(&SecretKey::random())),
            (pin("135790"), None),
        ] {
            let error = open(&sealed, &pin, device).unwrap_err();
            assert!(matches!(error, EnvelopeError::WrongSecret));
        }
    }

    #[test]
    fn changed_file_is_damaged_and_not_a_wrong_pin() {
        let sealed = Envelope::seal(
            "v",
            CHEAP,
            &SecretKey::random(),
            &pin("long passphrase"),
            None,
        )
        .unwrap();
        let text = String::from_utf8(sealed.to_bytes().unwrap()).unwrap();
        for (from, to) in [("\"id\": \"v\"", "\"id\": \"w\""), ("{", "["), ("64", "65")] {
            let error = Envelope::from_bytes(text.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(matches!(error, EnvelopeError::Damaged), "{from}");
        }
    }

    #[test]
    fn downgraded_cost_opens_nothing() {
        let key = SecretKey::random();
        let mut sealed = Envelope::seal("v", CHEAP, &key, &pin("long passphrase"), None).unwrap();
        sealed.0.head.argon2id.memory_kib = 32;
        let error = open(&sealed, &pin("long passphrase"), None).unwrap_err();
        assert!(matches!(error, EnvelopeError::WrongSecret));
    }

    /// Makes an envelope whose key can't be derived, as where memory is short.
    pub(in super::super) fn underivable(sealed: &Envelope) -> Envelope {
        let mut sealed = sealed.clone();
        sealed.0.head.salt = b64url(b"short");
        sealed
    }

    #[test]
    fn excessive_cost_is_refused_before_any_work() {
        let key = SecretKey::random();
        let mut sealed = Envelope::seal("v", CHEAP, &key, &pin("long passphrase"), None).unwrap();
        sealed.0.head.argon2id.memory_kib = u32::MAX;
        let error = Envelope::from_bytes(&sealed.to_bytes().unwrap()).unwrap_err();
        assert!(matches!(error, EnvelopeError::Damaged));
    }
}
