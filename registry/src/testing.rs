//! A ledger in memory with validators of its own, for tests of those who read the ledger.
//!
//! It runs the same rules, tree, headers and certificates as a node, without the engine. Everything here panics where a
//! test would.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jumin_identity::{Did, DidUrl, FileKey, NetworkName, Signer};

use crate::{
    AccreditationRecord, Accreditor, AnchorKind, BlockContext, Bundle, Certificate, Checkpoint,
    Claims, DidDocument, DidRecord, GovernanceRecord, HEADER_VERSION, Handover, Header, Localized,
    NetworkTrust, NewValidator, Operation, OperationSigner, Overlay, ProvenRecord, Purpose,
    ReadState, Record, RecordKey, Rejection, Role, SignedOperation, Validator, ValidatorsRecord,
    VerificationMethod, finalization_message, possession_message, quorum, sign_operation,
    tree::{self, MemoryStore, StateAt},
    validator_set_hash,
};

/// A ledger with one governor; each applied operation is a block of its own.
pub struct TestLedger {
    network: NetworkName,
    genesis: [u8; 32],
    governor: FileKey,
    validators: Vec<Ed25519KeyPair>,
    /// The epoch from which on `validators` finalize.
    since: u64,
    store: MemoryStore,
    head: Header,
    keys: Vec<RecordKey>,
    now: u64,
}

/// An agency with its keys.
pub struct TestAgency {
    /// Its DID.
    pub did: Did,
    /// Its key `key-1`, for all purposes.
    pub key: FileKey,
    /// The key that its DID's next update must be signed with.
    pub next: FileKey,
}

/// An agency whose DID is not created yet.
pub struct PreparedAgency {
    /// The agency as it will be.
    pub agency: TestAgency,
    /// The operation that creates its DID.
    pub creation: SignedOperation,
}

impl PreparedAgency {
    fn record(&self, updated: u64, height: u64) -> DidRecord {
        let Operation::CreateDid {
            document,
            next_key_hash,
        } = self.creation.operation()
        else {
            panic!("not a creation");
        };
        DidRecord {
            version: 1,
            document: document.clone(),
            next_key_hash: *next_key_hash,
            deactivated: None,
            updated,
            height,
        }
    }
}

impl TestAgency {
    /// Returns the DID URL of its key.
    pub fn kid(&self) -> DidUrl {
        DidUrl::new(&self.did, "key-1").unwrap()
    }

    /// Signs an operation for the agency, naming its key.
    pub fn sign(&self, operation: &Operation) -> SignedOperation {
        let signer = OperationSigner::Kid(self.kid().to_string(), &self.key);
        sign_operation(&self.did.network(), operation, &[signer]).unwrap()
    }
}

impl TestLedger {
    /// Starts a network named `test` with one validator, at `now` (Unix seconds).
    pub fn new(now: u64) -> Self {
        Self::with_validators("test", 1, now)
    }

    /// Starts a network with several validators. Two networks of one name differ in their governor, so in their genesis.
    pub fn with_validators(network: &str, validators: u8, now: u64) -> Self {
        let seeds: Vec<u8> = (1..=validators).collect();
        Self::with_epochs(network, &seeds, 1 << 32, now)
    }

    /// Starts a network whose epochs have `epoch_blocks` blocks, with validators made from these seeds.
    pub fn with_epochs(network: &str, seeds: &[u8], epoch_blocks: u64, now: u64) -> Self {
        let network: NetworkName = network.parse().unwrap();
        let governor = FileKey::generate().unwrap();
        let validators = key_pairs(seeds);
        let record = Record::Governance(GovernanceRecord {
            version: 1,
            threshold: 1,
            governors: vec![governor.public_key().clone()],
        });
        let mut store = MemoryStore::default();
        let set = ValidatorsRecord {
            version: 1,
            epoch_blocks,
            current: validators.iter().map(listed).collect(),
            next: None,
        };
        let keys: Vec<[u8; 32]> = set.keys_at(0);
        let set = Record::Validators(set);
        let writes = [
            (&RecordKey::Governance, &record),
            (&RecordKey::Validators, &set),
        ];
        let (root, batch) = tree::update(&store, 0, writes).unwrap();
        store.write(&batch);
        let head = Header {
            version: HEADER_VERSION,
            network: network.clone(),
            epoch: 0,
            height: 0,
            time_ms: now * 1000,
            parent: [0; 32],
            state_root: root,
            body_hash: [0; 32],
            next_validators: validator_set_hash(&keys),
        };
        let genesis = head.digest();
        let keys = vec![RecordKey::Governance, RecordKey::Validators];
        Self {
            network,
            genesis,
            governor,
            validators,
            since: 0,
            store,
            head,
            keys,
            now,
        }
    }

    /// Returns what a reader must know to trust this ledger as it is now.
    pub fn trust(&self) -> NetworkTrust {
        NetworkTrust {
            network: self.network.clone(),
            genesis: self.genesis,
            epoch: self.since,
            validators: self.validators.iter().map(public).collect(),
            as_of: self.now,
        }
    }

    /// Returns the network's name.
    pub fn network(&self) -> &NetworkName {
        &self.network
    }

    /// Returns the governor's key.
    pub fn governor(&self) -> &FileKey {
        &self.governor
    }

    /// Sets the time of the blocks to come, in Unix seconds.
    pub fn set_time(&mut self, now: u64) {
        self.now = now;
    }

    /// Applies an operation in a block of its own, at the time last set.
    ///
    /// # Errors
    /// [`Rejection`] as a node would give; no block is made then.
    pub fn apply(&mut self, operation: &SignedOperation) -> Result<(), Rejection> {
        let block = BlockContext {
            network: self.network.clone(),
            height: self.head.height + 1,
            time_ms: self.now * 1000,
            epoch: self.set().epoch_of(self.head.height + 1),
        };
        let state = StateAt::new(&self.store, self.head.height);
        let mut overlay = Overlay::new(&state);
        overlay.apply(operation, &block)?;
        let writes: Vec<_> = overlay.into_writes().into_iter().collect();
        self.extend(&writes);
        Ok(())
    }

    fn extend(&mut self, writes: &[(RecordKey, Record)]) {
        let height = self.head.height + 1;
        let writes_by_key = writes.iter().map(|(key, record)| (key, record));
        let (state_root, batch) = tree::update(&self.store, height, writes_by_key).unwrap();
        self.store.write(&batch);
        for (key, _) in writes {
            if !self.keys.contains(key) {
                self.keys.push(key.clone());
            }
        }
        let parent = self.head.digest();
        let written = writes.iter().find_map(|(_, record)| match record {
            Record::Validators(set) => Some(set.clone()),
            _ => None,
        });
        let set = written.unwrap_or_else(|| self.set());
        self.head = Header {
            height,
            epoch: set.epoch_of(height),
            next_validators: set.next_hash(height),
            time_ms: self.now * 1000,
            parent,
            state_root,
            ..self.head.clone()
        };
    }

    /// Returns the root of all records as of the last block.
    pub fn state_root(&self) -> [u8; 32] {
        self.head.state_root
    }

    /// Reads a record.
    pub fn record(&self, key: &RecordKey) -> Option<Record> {
        StateAt::new(&self.store, self.head.height)
            .read(key)
            .unwrap()
    }

    /// Makes an empty block at `now` and finalizes it by a quorum.
    pub fn checkpoint(&mut self, now: u64) -> Checkpoint {
        self.set_time(now);
        self.extend(&[]);
        let signers: Vec<usize> = (0..quorum(self.validators.len())).collect();
        self.finalize(&signers)
    }

    /// Finalizes the last block by the validators at these indices, whether they are a quorum or not.
    pub fn finalize(&self, signers: &[usize]) -> Checkpoint {
        let height = self.head.height;
        let round = (self.head.epoch, height, height - 1);
        let message = finalization_message(&self.trust().namespace(), round, &self.head.digest());
        let votes = signers.iter().map(|index| {
            let signature = self.validators[*index].sign(&message);
            (*index, signature.as_ref().try_into().unwrap())
        });
        let certificate = Certificate::new(round, self.validators.len(), votes).unwrap();
        Checkpoint {
            header: self.head.clone(),
            certificate,
        }
    }

    /// Returns the validators as the last block left them.
    pub fn set(&self) -> ValidatorsRecord {
        match self.record(&RecordKey::Validators) {
            Some(Record::Validators(set)) => set,
            _ => panic!("the ledger has no validators"),
        }
    }

    /// Replaces the validators by those of these seeds, and makes blocks up to the one that hands over to them.
    pub fn hand_over(&mut self, seeds: &[u8]) -> Handover {
        let operation = self.replace_validators(seeds);
        self.apply(&self.governed(&operation)).unwrap();
        while !self.set().ends_epoch(self.head.height) {
            self.extend(&[]);
        }
        let signers: Vec<usize> = (0..quorum(self.validators.len())).collect();
        let checkpoint = self.finalize(&signers);
        self.validators = key_pairs(seeds);
        self.since = self.head.epoch + 1;
        Handover {
            checkpoint,
            validators: self.validators.iter().map(public).collect(),
        }
    }

    /// Returns the operation that leaves the validators of these seeds only.
    pub fn replace_validators(&self, seeds: &[u8]) -> Operation {
        let set = self.set();
        let pairs = key_pairs(seeds);
        let is_listed = |key: &[u8; 32]| set.at(u64::MAX).iter().any(|held| held.key == *key);
        let keys: Vec<_> = pairs.iter().map(public).collect();
        let new = pairs.iter().filter(|pair| !is_listed(&public(pair)));
        let gone = set.at(u64::MAX).iter().map(|held| held.key);
        Operation::SetValidators {
            add: new.map(|pair| new_validator(pair, &self.network)).collect(),
            remove: gone.filter(|key| !keys.contains(key)).collect(),
            version: set.version,
        }
    }

    /// Proves a record or its absence as of the last block.
    pub fn prove(&self, key: &RecordKey) -> ProvenRecord {
        tree::prove(&self.store, self.head.height, key).unwrap()
    }

    /// Bundles every record at a new checkpoint.
    pub fn bundle(&mut self, now: u64) -> Bundle {
        let checkpoint = self.checkpoint(now);
        Bundle::new(
            checkpoint,
            self.keys.iter().map(|key| self.prove(key)).collect(),
        )
    }

    /// Signs an operation as the governor.
    pub fn governed(&self, operation: &Operation) -> SignedOperation {
        let signer = OperationSigner::Kid("governance#0".to_owned(), &self.governor);
        sign_operation(&self.network, operation, &[signer]).unwrap()
    }

    /// Creates an agency with one key for all purposes, good from now on, and without any accreditation.
    pub fn agency(&mut self) -> TestAgency {
        let key = FileKey::generate().unwrap();
        let document = document(&key, self.now);
        self.agency_with(key, document)
    }

    /// Creates an agency with this document, in which `key` is to be found, and without any accreditation.
    ///
    /// It writes the record of an accepted creation: the rules want an accreditation first, which would stand in the way of
    /// tests of agencies that have none.
    pub fn agency_with(&mut self, key: FileKey, document: DidDocument) -> TestAgency {
        let agency = self.prepare(key, document);
        let did = agency.agency.did.clone();
        let record = Record::Did(agency.record(self.now, self.head.height + 1));
        self.extend(&[(RecordKey::Did(did), record)]);
        agency.agency
    }

    /// Makes the keys of an agency and signs the creation of its DID, which is not on the ledger yet.
    pub fn prepare(&self, key: FileKey, document: DidDocument) -> PreparedAgency {
        let next = FileKey::generate().unwrap();
        let operation = Operation::CreateDid {
            document,
            next_key_hash: next.public_key().thumbprint(),
        };
        let signer = OperationSigner::Jwk(&key);
        let creation = sign_operation(&self.network, &operation, &[signer]).unwrap();
        let did = creation.created_did().unwrap();
        PreparedAgency {
            agency: TestAgency { did, key, next },
            creation,
        }
    }

    /// Has the governor accredit `subject` from `from` until `until`; returns the grant's id.
    pub fn accredit(
        &mut self,
        subject: &Did,
        role: Role,
        types: &[&str],
        from: u64,
        until: u64,
    ) -> u64 {
        self.accredit_for(subject, role, (types, Claims::Any), (from, until))
    }

    /// Has the governor accredit `subject` for types and claims, in a period; returns the grant's id.
    pub fn accredit_for(
        &mut self,
        subject: &Did,
        role: Role,
        (types, claims): (&[&str], Claims),
        (from, until): (u64, u64),
    ) -> u64 {
        let operation = Operation::Accredit {
            accreditor: Accreditor::Governance,
            subject: subject.clone(),
            role,
            name: Localized {
                ko: "서울특별시 종로구".into(),
                en: "Jongno-gu, Seoul".into(),
            },
            types: types.iter().map(|name| (*name).to_owned()).collect(),
            claims,
            from,
            until,
            version: self.accreditation_version(subject, role),
        };
        self.apply(&self.governed(&operation)).unwrap();
        self.accreditation_version(subject, role)
    }

    /// Has the governor end a grant.
    pub fn end_accreditation(&mut self, subject: &Did, role: Role, grant: u64) {
        let operation = Operation::EndAccreditation {
            accreditor: Accreditor::Governance,
            subject: subject.clone(),
            role,
            grant,
            version: self.accreditation_version(subject, role),
        };
        self.apply(&self.governed(&operation)).unwrap();
    }

    /// Deactivates an agency's DID.
    pub fn deactivate(&mut self, agency: &TestAgency) {
        let Some(Record::Did(record)) = self.record(&RecordKey::Did(agency.did.clone())) else {
            panic!("the agency's DID is not on the ledger");
        };
        let operation = Operation::DeactivateDid {
            did: agency.did.clone(),
            version: record.version,
        };
        let signer = OperationSigner::Jwk(&agency.next);
        self.apply(&sign_operation(&self.network, &operation, &[signer]).unwrap())
            .unwrap();
    }

    /// Anchors a digest for an issuer.
    pub fn anchor(
        &mut self,
        issuer: &TestAgency,
        kind: AnchorKind,
        name: &str,
        version: u64,
        sha256: [u8; 32],
        next_update: Option<u64>,
    ) {
        let operation = Operation::Anchor {
            issuer: issuer.did.clone(),
            kind,
            name: name.to_owned(),
            version,
            sha256,
            next_update,
        };
        self.apply(&issuer.sign(&operation)).unwrap();
    }

    /// Has the governor anchor a credential type that is not anchored yet.
    pub fn anchor_type(&mut self, vct: &str, integrity: &str) {
        let operation = Operation::AnchorCredentialType {
            by: Accreditor::Governance,
            vct: vct.to_owned(),
            integrity: integrity.to_owned(),
            version: 0,
        };
        self.apply(&self.governed(&operation)).unwrap();
    }

    fn accreditation_version(&self, subject: &Did, role: Role) -> u64 {
        match self.record(&RecordKey::Accreditation {
            subject: subject.clone(),
            role,
        }) {
            Some(Record::Accreditation(AccreditationRecord { version, .. })) => version,
            _ => 0,
        }
    }
}

/// Makes a document with `key` as `key-1` for all purposes, good from `from` on.
pub fn document(key: &FileKey, from: u64) -> DidDocument {
    let purposes = vec![
        Purpose::AssertionMethod,
        Purpose::Authentication,
        Purpose::CapabilityInvocation,
    ];
    DidDocument {
        verification_methods: vec![VerificationMethod {
            fragment: "key-1".to_owned(),
            public_key: key.public_key().clone(),
            purposes,
            valid_from: from,
            valid_until: None,
        }],
        services: Vec::new(),
    }
}

fn public(key: &Ed25519KeyPair) -> [u8; 32] {
    key.public_key().as_ref().try_into().unwrap()
}

/// Makes the key pairs of validators from seeds, ascending by public key.
fn key_pairs(seeds: &[u8]) -> Vec<Ed25519KeyPair> {
    let pair = |seed: &u8| Ed25519KeyPair::from_seed_unchecked(&[*seed; 32]).unwrap();
    let mut pairs: Vec<_> = seeds.iter().map(pair).collect();
    pairs.sort_by_key(public);
    pairs
}

fn listed(pair: &Ed25519KeyPair) -> Validator {
    Validator {
        key: public(pair),
        address: "127.0.0.1:9000".parse().unwrap(),
        name: "validator".to_owned(),
    }
}

fn new_validator(pair: &Ed25519KeyPair, network: &NetworkName) -> NewValidator {
    let Validator { key, address, name } = listed(pair);
    let proof = pair.sign(&possession_message(network, &key, address));
    NewValidator {
        key,
        address,
        name,
        proof: proof.as_ref().to_vec(),
    }
}
