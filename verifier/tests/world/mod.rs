//! A small world for a verifier's tests: a ledger, an issuer with a status list, a citizen with
//! a card, an office that asks.
#![allow(dead_code)]

use jumin_identity::{
    ClaimPath, CredentialType, DidUrl, FileKey, IssuanceRequest, Signer, Status, StatusList,
    StatusReference, UnverifiedCredential, VerifiedCredential, VpToken, b64url, builtin_types,
    issue_credential, present, sha256, sign_status_list,
};
use jumin_registry::testing::{TestAgency, TestLedger};
use jumin_registry::{
    AnchorKind, Operation, OperationSigner, Purpose, Record, RecordKey, Role, sign_operation,
};
use jumin_verifier::{
    Delivery, LedgerView, PendingRequest, Refusal, ServicePolicy, Verdict, VerifiedPresentation,
    VerifierIdentity, builtin_services, start,
};
use serde_json::{Map, Value, json};

pub const NOW: u64 = 1_800_000_000;
pub const DAY: u64 = 86_400;
pub const CARD: &str = "urn:jumin:resident-card:1";
pub const LIST: &str = "https://issuer.example/status/1";
pub const INDEX: u32 = 77;
const EPOCH_BLOCKS: u64 = 32;

pub struct World {
    pub now: u64,
    pub list_uri: String,
    pub ledger: TestLedger,
    pub issuer: TestAgency,
    pub grant: u64,
    pub office: TestAgency,
    pub list: StatusList,
    pub list_version: u64,
    /// The token served for the anchored version.
    pub token: String,
    pub holder: FileKey,
}

impl World {
    pub fn new() -> World {
        World::at(NOW, LIST)
    }

    /// A world whose present is `now` and whose issuer serves its list at `list_uri`.
    pub fn at(now: u64, list_uri: &str) -> World {
        let mut ledger = TestLedger::with_epochs("test", &[1], EPOCH_BLOCKS, now - 100 * DAY);
        let issuer = ledger.agency();
        let grant = ledger.accredit(
            &issuer.did,
            Role::Issuer,
            &[CARD],
            now - 90 * DAY,
            now + 1_000 * DAY,
        );
        let office = ledger.agency();
        let list = StatusList::new(1_024);
        let token = sign_list_of(&issuer, list_uri, &list, now - 100, now + 30 * DAY);
        ledger.set_time(now - 90);
        ledger.anchor(
            &issuer,
            AnchorKind::StatusList,
            list_uri,
            1,
            list.digest(),
            None,
        );
        World {
            now,
            list_uri: list_uri.to_owned(),
            ledger,
            issuer,
            grant,
            office,
            list,
            list_version: 1,
            token,
            holder: FileKey::generate().unwrap(),
        }
    }

    /// Sets a status, publishes the list and anchors it, all at `at`.
    pub fn publish(&mut self, index: u32, status: Status, at: u64) {
        self.list.set(index, status).unwrap();
        self.list_version += 1;
        self.token = sign_list_of(&self.issuer, &self.list_uri, &self.list, at, at + 30 * DAY);
        self.ledger.set_time(at);
        self.ledger.anchor(
            &self.issuer,
            AnchorKind::StatusList,
            &self.list_uri,
            self.list_version,
            self.list.digest(),
            None,
        );
    }

    /// What a counter knows that synced at `at`.
    pub fn view(&mut self, at: u64) -> LedgerView {
        let mut view = self.view_without_lists(at);
        view.add_current_status_list(&self.issuer.did, &self.list_uri, &self.token)
            .unwrap();
        view
    }

    /// Like [`World::view`], with the list as kept from before whatever happened since.
    pub fn view_with_old_list(&mut self, at: u64) -> LedgerView {
        let mut view = self.view_without_lists(at);
        view.add_status_list(&self.issuer.did, &self.list_uri, &self.token)
            .unwrap();
        view
    }

    pub fn view_without_lists(&mut self, at: u64) -> LedgerView {
        let trust = self.ledger.trust();
        LedgerView::new(self.ledger.bundle(at).verify(&trust).unwrap())
    }

    /// Has the office end its key at `since` in its DID document.
    pub fn end_office_key(&mut self, since: u64) {
        let key = RecordKey::Did(self.office.did.clone());
        let Some(Record::Did(record)) = self.ledger.record(&key) else {
            panic!("the office is not on the ledger");
        };
        let mut document = record.document;
        document.end_key("key-1", since).unwrap();
        let operation = Operation::UpdateDid {
            did: self.office.did.clone(),
            version: record.version,
            document,
            next_key_hash: FileKey::generate().unwrap().public_key().thumbprint(),
        };
        let signer = [OperationSigner::Jwk(&self.office.next)];
        let signed = sign_operation(self.ledger.network(), &operation, &signer).unwrap();
        self.ledger.apply(&signed).unwrap();
    }

    pub fn verifier(&self) -> VerifierIdentity {
        VerifierIdentity {
            kid: self.office.kid(),
        }
    }

    pub fn ask(&self, service: &str) -> PendingRequest {
        self.ask_with(&policy(service))
    }

    pub fn ask_with(&self, policy: &ServicePolicy) -> PendingRequest {
        let nonce = jumin_identity::random_bytes();
        let key = &self.office.key;
        start(
            policy,
            &self.verifier(),
            Delivery::QrCode,
            nonce,
            self.now,
            key,
        )
        .unwrap()
        .1
    }

    pub fn card(&self) -> Card<'_> {
        Card {
            world: self,
            vct: CARD,
            issuer: self.issuer.did.to_string(),
            kid: self.issuer.kid(),
            signer: &self.issuer.key,
            iat: self.now - 60 * DAY,
            nbf: self.now - 60 * DAY,
            exp: self.now + 300 * DAY,
            status: StatusReference {
                uri: self.list_uri.clone(),
                idx: INDEX,
            },
        }
    }

    /// A presentation of the card that answers a request fully.
    pub fn answer(&self, pending: &PendingRequest) -> String {
        self.present(&self.card().issue(), pending)
    }

    pub fn present(&self, credential: &str, pending: &PendingRequest) -> String {
        let nonce = pending.nonce().unwrap_or("none").to_owned();
        self.present_as(
            credential,
            &pending.policy().service,
            pending.audience(),
            &nonce,
            self.now,
        )
    }

    pub fn present_as(
        &self,
        credential: &str,
        service: &str,
        audience: &str,
        nonce: &str,
        iat: u64,
    ) -> String {
        let credential = self.held(credential);
        let query = policy(service).dcql().unwrap();
        let paths = query
            .credential(service)
            .unwrap()
            .matching_claims(credential.vct(), credential.claims())
            .unwrap_or_default();
        self.disclose(&credential, service, &paths, audience, nonce, iat)
    }

    pub fn disclose(
        &self,
        credential: &VerifiedCredential,
        service: &str,
        paths: &[ClaimPath],
        audience: &str,
        nonce: &str,
        iat: u64,
    ) -> String {
        let presentation = present(credential, paths, audience, nonce, iat, &self.holder).unwrap();
        VpToken::new(service, presentation).to_json()
    }

    /// What the wallet holds, whoever signed it and however old it is.
    pub fn held(&self, credential: &str) -> VerifiedCredential {
        let unverified = UnverifiedCredential::parse(credential).unwrap();
        let at = unverified.dangerous_issued_at_unverified().unwrap();
        unverified.verify(self.issuer.key.public_key(), at).unwrap()
    }

    /// Rotates the issuer's signing key: from `at` on, `key-2` signs.
    pub fn rotate(&mut self, at: u64) -> FileKey {
        let key = FileKey::generate().unwrap();
        let did = RecordKey::Did(self.issuer.did.clone());
        let Some(Record::Did(record)) = self.ledger.record(&did) else {
            panic!("the issuer is on the ledger");
        };
        let mut document = record.document;
        let mut second = document.verification_methods[0].clone();
        document.verification_methods[0].valid_until = Some(at);
        second.fragment = "key-2".to_owned();
        second.public_key = key.public_key().clone();
        second.purposes = vec![Purpose::AssertionMethod];
        second.valid_from = at;
        document.verification_methods.push(second);
        let next = FileKey::generate().unwrap();
        let update = Operation::UpdateDid {
            did: self.issuer.did.clone(),
            version: record.version,
            document,
            next_key_hash: next.public_key().thumbprint(),
        };
        let signer = OperationSigner::Jwk(&self.issuer.next);
        let signed = sign_operation(self.ledger.network(), &update, &[signer]).unwrap();
        self.ledger.set_time(at);
        self.ledger.apply(&signed).unwrap();
        self.issuer.next = next;
        key
    }
}

pub struct Card<'a> {
    world: &'a World,
    pub vct: &'a str,
    pub issuer: String,
    pub kid: DidUrl,
    pub signer: &'a FileKey,
    pub iat: u64,
    pub nbf: u64,
    pub exp: u64,
    pub status: StatusReference,
}

impl Card<'_> {
    pub fn issue(&self) -> String {
        self.issue_with(&card_claims())
    }

    pub fn issue_with(&self, claims: &Map<String, Value>) -> String {
        let types = builtin_types();
        let is_wanted = |kind: &&CredentialType| kind.vct() == self.vct;
        let credential_type = types.iter().find(is_wanted).unwrap();
        let request = IssuanceRequest {
            credential_type,
            issuer: &self.issuer,
            kid: &self.kid,
            x5c: &[],
            claims,
            iat: self.iat,
            nbf: self.nbf,
            exp: self.exp,
            holder: self.world.holder.public_key(),
            status: self.status.clone(),
        };
        let mut salts = jumin_identity::random_bytes::<16>;
        issue_credential(&request, &mut salts, self.signer).unwrap()
    }
}

pub fn card_claims() -> Map<String, Value> {
    let claims = json!({
        "name": {"hangul": "홍길동", "hanja": "洪吉童", "roman": "HONG GILDONG"},
        "resident_registration_number": "900101-1234567",
        "birthdate": "1990-01-01",
        "sex": "male",
        "address": {
            "sido": "서울특별시", "sigungu": "종로구", "eupmyeondong": "청운효자동",
            "road": "자하문로 1", "detail": "101동 202호"
        },
        "issuing_authority": "서울특별시 종로구청장",
        "issue_date": "2026-11-22",
        "portrait": "data:image/jpeg;base64,/9j/4AAQ",
        "age_equal_or_over": {"14": true, "19": true, "65": false}
    });
    claims.as_object().unwrap().clone()
}

pub fn policy(service: &str) -> ServicePolicy {
    let mut services = builtin_services().unwrap().into_iter();
    services.find(|policy| policy.service == service).unwrap()
}

pub fn sign_list(issuer: &TestAgency, list: &StatusList, iat: u64, exp: u64) -> String {
    sign_list_of(issuer, LIST, list, iat, exp)
}

pub fn sign_list_of(
    issuer: &TestAgency,
    uri: &str,
    list: &StatusList,
    iat: u64,
    exp: u64,
) -> String {
    sign_status_list(list, uri, iat, exp, 300, &issuer.kid(), &[], &issuer.key).unwrap()
}

pub fn verdict(outcome: &Result<VerifiedPresentation, Refusal>) -> Verdict {
    match outcome {
        Ok(accepted) => accepted.report().verdict,
        Err(refusal) => refusal.verdict(),
    }
}

/// Splits `{"service":["<issuer JWT>~<disclosures…>~<KB-JWT>"]}` for tampering.
pub fn parts(vp_token: &str) -> (String, Vec<String>) {
    let token = VpToken::parse(vp_token).unwrap();
    let parts = token.presentation.split('~').map(str::to_owned).collect();
    (token.query_id, parts)
}

pub fn joined(query_id: &str, parts: &[String]) -> String {
    VpToken::new(query_id, parts.join("~")).to_json()
}

/// Signs any header and payload, as an attacker or a careless wallet would.
pub fn jws(header: &Value, payload: &Value, signer: &FileKey) -> String {
    let input = format!(
        "{}.{}",
        b64url(header.to_string().as_bytes()),
        b64url(payload.to_string().as_bytes())
    );
    let signature = signer.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", b64url(&signature))
}

/// Makes the key binding of an answer anew, with changes to its header and payload.
pub fn rebind(
    vp_token: &str,
    holder: &FileKey,
    change: impl FnOnce(&mut Value, &mut Map<String, Value>),
) -> String {
    let (query_id, mut parts) = parts(vp_token);
    let old = parts.pop().unwrap();
    let payload = old.split('.').nth(1).unwrap();
    let payload = jumin_identity::b64url_decode(payload).unwrap();
    let mut payload: Map<String, Value> = serde_json::from_slice(&payload).unwrap();
    let mut header = json!({"alg": "ES256", "typ": "kb+jwt"});
    change(&mut header, &mut payload);
    parts.push(jws(&header, &Value::Object(payload), holder));
    joined(&query_id, &parts)
}

/// Makes the issuer's JWT of an answer anew, signed by `signer`, with a fitting key binding.
pub fn reissue(
    vp_token: &str,
    signer: &FileKey,
    holder: &FileKey,
    change: impl FnOnce(&mut Value, &mut Map<String, Value>),
) -> String {
    let (query_id, mut parts) = parts(vp_token);
    let mut old = parts[0].split('.');
    let mut decode = || jumin_identity::b64url_decode(old.next().unwrap()).unwrap();
    let mut header: Value = serde_json::from_slice(&decode()).unwrap();
    let mut payload: Map<String, Value> = serde_json::from_slice(&decode()).unwrap();
    change(&mut header, &mut payload);
    parts[0] = jws(&header, &Value::Object(payload), signer);
    rehash(&joined(&query_id, &parts), holder)
}

/// Makes the key binding fit what stands before it.
pub fn rehash(vp_token: &str, holder: &FileKey) -> String {
    let (_, mut parts) = parts(vp_token);
    parts.pop();
    let hashed = format!("{}~", parts.join("~"));
    let hash = b64url(&sha256(hashed.as_bytes()));
    rebind(vp_token, holder, |_, payload| {
        payload.insert("sd_hash".to_owned(), Value::from(hash));
    })
}

impl World {
    /// A presentation of a card with a large portrait that answers a template fully.
    pub fn answer_with_everything(&self, pending: &PendingRequest, query_id: &str) -> String {
        let mut claims = card_claims();
        let noise: Vec<u8> = (0..200)
            .flat_map(|_| jumin_identity::random_bytes::<16>())
            .collect();
        let portrait = format!("data:image/jpeg;base64,{}", b64url(&noise));
        claims.insert("portrait".to_owned(), Value::from(portrait));
        let credential = self.held(&self.card().issue_with(&claims));
        let query = pending.policy().dcql().unwrap();
        let paths = query
            .credential(query_id)
            .unwrap()
            .matching_claims(credential.vct(), credential.claims())
            .unwrap();
        let nonce = pending.nonce().unwrap();
        let (audience, now) = (pending.audience(), self.now);
        self.disclose(&credential, query_id, &paths, audience, nonce, now)
    }
}
