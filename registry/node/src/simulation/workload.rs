//! What agencies and others ask of the ledger: valid operations one after the other, and bad ones in between.

use std::sync::{Arc, Mutex, PoisonError};

use jumin_identity::{Did, DidUrl, NetworkName, Signer as _};
use jumin_registry::{
    Accreditor, AnchorKind, Claims, DidDocument, Localized, Operation, OperationSigner, Purpose,
    Role, SignedOperation, VerificationMethod, sign_operation,
};

use super::dice::Dice;
use super::keys::SeededKey;
use crate::execution::operation_hash;

/// An operation on its way.
#[derive(Clone)]
pub(super) struct Flight {
    pub hash: [u8; 32],
    pub bytes: Vec<u8>,
}

impl Flight {
    fn new(signed: &SignedOperation) -> Self {
        Self {
            hash: operation_hash(signed),
            bytes: signed.to_bytes(),
        }
    }
}

/// One agency, as far as it got.
struct Agency {
    name: String,
    steps: u64,
    did: Option<Did>,
    updates: u64,
}

/// A chain of operations of which each needs the one before.
enum Lane {
    Agency(Agency),
    /// A credential type and its versions.
    Type(String, u64),
}

/// What was asked, and what may never be in a block.
pub(super) struct Workload {
    network: NetworkName,
    governor: SeededKey,
    from: u64,
    dice: Dice,
    lanes: Vec<(Lane, Option<Flight>)>,
    finished: Vec<Flight>,
    made: u64,
    /// Operations that every state refuses for good, and why.
    pub forbidden: Vec<(Flight, &'static str)>,
    /// The same, and finalized ones, for forgers.
    pub loot: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Workload {
    /// `from` is the network's first second.
    pub(super) fn new(network: NetworkName, from: u64, mut dice: Dice) -> Self {
        let agencies = dice.between(1, 3);
        let types = dice.between(1, 2);
        let agencies = (0..agencies).map(|index| {
            Lane::Agency(Agency {
                name: format!("agency-{index}"),
                steps: 0,
                did: None,
                updates: 0,
            })
        });
        let types = (0..types).map(|index| Lane::Type(format!("urn:type:{index}"), 0));
        Self {
            network,
            governor: governor(),
            from,
            lanes: agencies.chain(types).map(|lane| (lane, None)).collect(),
            dice,
            finished: Vec::new(),
            made: 0,
            forbidden: Vec::new(),
            loot: Arc::default(),
        }
    }

    /// Chooses what is sent next: a valid operation, or one that is sent again because nobody has it finalized.
    pub(super) fn next(&mut self, is_final: impl Fn(&[u8; 32]) -> bool) -> Flight {
        let index = self.dice.below(self.lanes.len());
        if let Some(flight) = self.lanes[index].1.clone() {
            if !is_final(&flight.hash) {
                return flight;
            }
            self.loot(&flight);
            self.finished.push(flight);
        }
        let signed = match &mut self.lanes[index].0 {
            Lane::Agency(agency) => agency.step(&self.network, &self.governor, self.from),
            Lane::Type(name, version) => {
                let operation = anchor_type(name, *version, *version);
                *version += 1;
                signed_by(&self.network, &operation, "governance#0", &self.governor)
            }
        };
        let flight = Flight::new(&signed);
        self.lanes[index].1 = Some(flight.clone());
        flight
    }

    /// A new operation that depends on nothing before it.
    pub(super) fn fresh(&mut self) -> Flight {
        self.made += 1;
        let operation = anchor_type(&format!("urn:fresh:{}", self.made), 0, 0);
        let signed = signed_by(&self.network, &operation, "governance#0", &self.governor);
        Flight::new(&signed)
    }

    /// Signs for the governor.
    pub(super) fn governed(&self, operation: &Operation) -> Flight {
        let signed = signed_by(&self.network, operation, "governance#0", &self.governor);
        Flight::new(&signed)
    }

    /// An operation that was finalized before.
    pub(super) fn replay(&mut self) -> Option<Flight> {
        self.dice.pick(&self.finished).cloned()
    }

    /// An operation that no state may accept, with the code that it must be refused with.
    pub(super) fn bad(&mut self) -> (Flight, &'static str) {
        self.made += 1;
        let stale = self.lanes.iter().find_map(|lane| match lane {
            // The second version is made only once the first is final.
            (Lane::Type(name, version), _) if *version > 1 => Some(name.clone()),
            _ => None,
        });
        let stranger = SeededKey::new("stranger");
        let (signed, code) = match (self.dice.below(3), stale) {
            (0, Some(name)) => {
                let operation = anchor_type(&name, 0, 1_000 + self.made);
                let signed = signed_by(&self.network, &operation, "governance#0", &self.governor);
                (signed, "stale_version")
            }
            (1, _) => {
                let operation = Operation::CreateDid {
                    document: document(&stranger, self.from + self.made),
                    next_key_hash: SeededKey::new("next").public_key().thumbprint(),
                };
                let signer = [OperationSigner::Jwk(&stranger)];
                let signed = sign_operation(&self.network, &operation, &signer);
                (signed.expect("a valid form"), "not_accredited")
            }
            _ => {
                let operation = anchor_type(&format!("urn:forged:{}", self.made), 0, 0);
                let signed = signed_by(&self.network, &operation, "governance#0", &stranger);
                (signed, "bad_signature")
            }
        };
        let flight = Flight::new(&signed);
        self.loot(&flight);
        self.forbidden.push((flight.clone(), code));
        (flight, code)
    }

    fn loot(&self, flight: &Flight) {
        let mut loot = self.loot.lock().unwrap_or_else(PoisonError::into_inner);
        loot.push(flight.bytes.clone());
    }
}

impl Agency {
    fn key(&self) -> SeededKey {
        SeededKey::new(&format!("{} key", self.name))
    }

    /// The key that signs the DID's change after `updates` of them.
    fn next_key(&self, updates: u64) -> SeededKey {
        SeededKey::new(&format!("{} next {updates}", self.name))
    }

    fn creation(&self, network: &NetworkName, from: u64) -> SignedOperation {
        let operation = Operation::CreateDid {
            document: document(&self.key(), from),
            next_key_hash: self.next_key(0).public_key().thumbprint(),
        };
        let signed = sign_operation(network, &operation, &[OperationSigner::Jwk(&self.key())]);
        signed.expect("a valid form")
    }

    fn step(&mut self, network: &NetworkName, governor: &SeededKey, from: u64) -> SignedOperation {
        self.steps += 1;
        if self.steps == 1 {
            let did = self.creation(network, from).created_did();
            let subject = did.expect("a creation names its DID");
            self.did = Some(subject.clone());
            let accredit = Operation::Accredit {
                accreditor: Accreditor::Governance,
                subject,
                role: Role::Issuer,
                name: Localized {
                    ko: "세종특별자치시".into(),
                    en: "Sejong".into(),
                },
                types: vec!["urn:type:0".to_owned()],
                claims: Claims::Any,
                from: from - 1_000,
                until: from + 1_000_000,
                version: 0,
            };
            return signed_by(network, &accredit, "governance#0", governor);
        }
        let did = match &self.did {
            Some(did) if self.steps > 2 => did.clone(),
            _ => return self.creation(network, from),
        };
        if self.steps.is_multiple_of(4) {
            self.update(network, did, from)
        } else {
            self.anchor(network, did)
        }
    }

    fn update(&mut self, network: &NetworkName, did: Did, from: u64) -> SignedOperation {
        let signer = self.next_key(self.updates);
        self.updates += 1;
        let operation = Operation::UpdateDid {
            did,
            version: self.updates,
            document: document(&self.key(), from),
            next_key_hash: self.next_key(self.updates).public_key().thumbprint(),
        };
        let signed = sign_operation(network, &operation, &[OperationSigner::Jwk(&signer)]);
        signed.expect("a valid form")
    }

    fn anchor(&self, network: &NetworkName, issuer: Did) -> SignedOperation {
        let kid = DidUrl::new(&issuer, "key-1")
            .expect("a fragment")
            .to_string();
        let operation = Operation::Anchor {
            issuer,
            kind: AnchorKind::StatusList,
            name: format!("https://{}.example/1", self.name),
            version: self.steps,
            sha256: [self.steps as u8; 32],
            next_update: None,
        };
        signed_by(network, &operation, &kid, &self.key())
    }
}

/// The network's only governor.
pub(super) fn governor() -> SeededKey {
    SeededKey::new("governor")
}

fn anchor_type(name: &str, version: u64, content: u64) -> Operation {
    let digest = jumin_identity::sha256(&content.to_be_bytes());
    Operation::AnchorCredentialType {
        by: Accreditor::Governance,
        vct: name.to_owned(),
        integrity: format!("sha256-{}", base64(&digest)),
        version,
    }
}

/// The integrity of a type is in standard base64, with padding.
fn base64(bytes: &[u8]) -> String {
    let url = jumin_identity::b64url(bytes);
    format!("{}=", url.replace('-', "+").replace('_', "/"))
}

fn signed_by(
    network: &NetworkName,
    operation: &Operation,
    kid: &str,
    key: &SeededKey,
) -> SignedOperation {
    let signer = OperationSigner::Kid(kid.to_owned(), key);
    sign_operation(network, operation, &[signer]).expect("a valid form")
}

fn document(key: &SeededKey, from: u64) -> DidDocument {
    DidDocument {
        verification_methods: vec![VerificationMethod {
            fragment: "key-1".to_owned(),
            public_key: key.public_key().clone(),
            purposes: vec![Purpose::AssertionMethod, Purpose::CapabilityInvocation],
            valid_from: from - 1_000,
            valid_until: None,
        }],
        services: Vec::new(),
    }
}
