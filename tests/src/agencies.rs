use std::collections::BTreeMap;

use anyhow::{Context, Result};
use jumin_identity::{Did, FileKey, Signer as _, sha256};
use jumin_registry::{
    Accreditor, AnchorKind, Claims, DidDocument, Localized, Operation, OperationSigner, Purpose,
    Record, RecordKey, Role, Service, VerificationMethod, sign_operation,
};

use crate::clock::unix_now;
use crate::governor::Governor;

const CARD: &str = "urn:jumin:resident-card:1";
const REGISTER: &str = "urn:jumin:household-register:1";
const YEAR: u64 = 365 * 86_400;

/// An agency with its keys.
pub struct Agency {
    pub did: Did,
    name: Localized,
    key: FileKey,
    next: FileKey,
}

impl Agency {
    fn kid(&self) -> String {
        format!("{}#key-1", self.did)
    }

    /// Founds an agency that governance accredits to accredit issuers of cards, from a day ago on.
    pub fn accreditor(governor: &Governor, ko: &str, en: &str) -> Result<Self> {
        let from = unix_now() - 86_400;
        let prepared = prepare(governor, ko, en)?;
        let granted = Granted {
            by: None,
            role: Role::Accreditor,
            types: &[CARD],
            claims: Claims::Any,
            from,
            until: from + YEAR,
        };
        admit(governor, &prepared, &granted)?;
        Ok(prepared.agency)
    }

    /// Accredits an issuer of cards, besides what it was accredited for before.
    pub fn accredit_issuer(
        &self,
        governor: &Governor,
        did: &str,
        (from, until): (u64, u64),
    ) -> Result<()> {
        let subject: Did = did.parse()?;
        let key = RecordKey::Accreditation {
            subject: subject.clone(),
            role: Role::Issuer,
        };
        let version = match governor.record(&key)? {
            Some(Record::Accreditation(record)) => record.version,
            _ => 0,
        };
        let operation = Operation::Accredit {
            accreditor: Accreditor::Did(self.did.clone()),
            subject,
            role: Role::Issuer,
            name: Localized {
                ko: "서울특별시 종로구".into(),
                en: "Jongno-gu, Seoul".into(),
            },
            types: vec![CARD.into()],
            claims: Claims::Any,
            from,
            until,
            version,
        };
        act(governor, Some(self), &operation)
    }
}

/// Ministries, cities and offices that accredit each other in three steps, some of them no longer.
pub struct Agencies {
    pub by_name: BTreeMap<&'static str, Agency>,
}

/// What is granted to one agency.
struct Granted<'a> {
    by: Option<&'a Agency>,
    role: Role,
    types: &'a [&'a str],
    claims: Claims,
    from: u64,
    until: u64,
}

impl Granted<'_> {
    fn accreditor(&self) -> Accreditor {
        match self.by {
            Some(agency) => Accreditor::Did(agency.did.clone()),
            None => Accreditor::Governance,
        }
    }
}

impl Agencies {
    /// Founds them on a ledger.
    pub fn found(governor: &Governor) -> Result<Self> {
        let types = [CARD, REGISTER];
        // One period for all: none may lie outside that of the accreditor.
        let from = unix_now() - 86_400;
        let grant = |by, role, types| Granted {
            by,
            role,
            types,
            claims: Claims::Any,
            from,
            until: from + YEAR,
        };
        let ministry = prepare(
            governor,
            "행정안전부",
            "Ministry of the Interior and Safety",
        )?;
        admit(governor, &ministry, &grant(None, Role::Accreditor, &types))?;
        let seoul = prepare(governor, "서울특별시", "Seoul")?;
        let under_ministry = grant(Some(&ministry.agency), Role::Accreditor, &types);
        admit(governor, &seoul, &under_ministry)?;
        let busan = prepare(governor, "부산광역시", "Busan")?;
        admit(governor, &busan, &under_ministry)?;
        let jongno = prepare(governor, "서울특별시 종로구", "Jongno-gu, Seoul")?;
        let under_seoul = grant(Some(&seoul.agency), Role::Issuer, &types);
        admit(governor, &jongno, &under_seoul)?;
        let mapo = prepare(governor, "서울특별시 마포구", "Mapo-gu, Seoul")?;
        admit(governor, &mapo, &under_seoul)?;
        let gangnam = prepare(governor, "서울특별시 강남구", "Gangnam-gu, Seoul")?;
        admit(governor, &gangnam, &under_seoul)?;
        let haeundae = prepare(governor, "부산광역시 해운대구", "Haeundae-gu, Busan")?;
        admit(
            governor,
            &haeundae,
            &grant(Some(&busan.agency), Role::Issuer, &types),
        )?;
        let transport = prepare(governor, "국토교통부", "Ministry of Land and Transport")?;
        let claims = ["birthdate".parse(), "name.korean".parse()];
        let claims = claims.into_iter().collect::<Result<_, _>>();
        let asks = Granted {
            claims: Claims::Only(claims.ok().context("a claim's path")?),
            ..grant(None, Role::Verifier, &[CARD])
        };
        admit(governor, &transport, &asks)?;
        // Accredited, and not yet created.
        let waiting = prepare(governor, "세종특별자치시", "Sejong")?;
        accredit(governor, &waiting.agency, &under_ministry)?;
        live(
            governor,
            [&seoul.agency, &jongno.agency, &gangnam.agency, &mapo.agency],
        )?;
        let named = [
            ("ministry", ministry),
            ("seoul", seoul),
            ("busan", busan),
            ("jongno", jongno),
            ("mapo", mapo),
            ("gangnam", gangnam),
            ("haeundae", haeundae),
            ("transport", transport),
            ("waiting", waiting),
        ];
        let by_name = named.map(|(name, prepared)| (name, prepared.agency));
        Ok(Self {
            by_name: by_name.into_iter().collect(),
        })
    }

    /// Has the governors end the accreditation of an agency to accredit others.
    pub fn end(&self, governor: &Governor, name: &str) -> Result<()> {
        let agency = self.by_name.get(name).context("no such agency")?;
        governor.end_accreditation(&agency.did.to_string(), Role::Accreditor)
    }

    /// Has the governors accredit `count` agencies that are still to create their DIDs.
    pub fn accredit_more(&self, governor: &Governor, count: usize) -> Result<()> {
        for number in 0..count {
            let subject = sha256(format!("office {number}").as_bytes());
            let now = unix_now();
            governor.submit(&Operation::Accredit {
                accreditor: Accreditor::Governance,
                subject: Did::from_digest(governor.network(), &subject),
                role: Role::Verifier,
                name: Localized {
                    ko: format!("제{number}민원실"),
                    en: format!("Office {number}"),
                },
                types: vec![CARD.to_owned()],
                claims: Claims::Any,
                from: now,
                until: now + YEAR,
                version: 0,
            })?;
        }
        Ok(())
    }
}

struct Prepared {
    agency: Agency,
    create: Operation,
}

fn document(key: &FileKey) -> DidDocument {
    DidDocument {
        verification_methods: vec![VerificationMethod {
            fragment: "key-1".into(),
            public_key: key.public_key().clone(),
            purposes: vec![
                Purpose::AssertionMethod,
                Purpose::Authentication,
                Purpose::CapabilityInvocation,
            ],
            valid_from: 0,
            valid_until: None,
        }],
        services: Vec::new(),
    }
}

fn prepare(governor: &Governor, ko: &str, en: &str) -> Result<Prepared> {
    let (key, next) = (FileKey::generate()?, FileKey::generate()?);
    let create = Operation::CreateDid {
        document: document(&key),
        next_key_hash: next.public_key().thumbprint(),
    };
    let signer = [OperationSigner::Jwk(&key)];
    let signed = sign_operation(governor.network(), &create, &signer)?;
    let did = signed.created_did().context("a creation has a DID")?;
    let name = Localized {
        ko: ko.to_owned(),
        en: en.to_owned(),
    };
    Ok(Prepared {
        agency: Agency {
            did,
            name,
            key,
            next,
        },
        create,
    })
}

/// Accredits an agency and lets it create its DID.
fn admit(governor: &Governor, prepared: &Prepared, granted: &Granted<'_>) -> Result<()> {
    accredit(governor, &prepared.agency, granted)?;
    let signer = [OperationSigner::Jwk(&prepared.agency.key)];
    governor.send(&sign_operation(
        governor.network(),
        &prepared.create,
        &signer,
    )?)
}

fn accredit(governor: &Governor, agency: &Agency, granted: &Granted<'_>) -> Result<()> {
    let operation = Operation::Accredit {
        accreditor: granted.accreditor(),
        subject: agency.did.clone(),
        role: granted.role,
        name: agency.name.clone(),
        types: granted.types.iter().map(|name| (*name).into()).collect(),
        claims: granted.claims.clone(),
        from: granted.from,
        until: granted.until,
        version: 0,
    };
    act(governor, granted.by, &operation)
}

fn act(governor: &Governor, by: Option<&Agency>, operation: &Operation) -> Result<()> {
    let Some(agency) = by else {
        return governor.submit(operation);
    };
    let signer = [OperationSigner::Kid(agency.kid(), &agency.key)];
    governor.send(&sign_operation(governor.network(), operation, &signer)?)
}

/// Gives them something to tell: types and a list anchored, a document changed, an accreditation ended, an agency closed.
fn live(governor: &Governor, [seoul, jongno, gangnam, mapo]: [&Agency; 4]) -> Result<()> {
    governor.submit(&Operation::AnchorCredentialType {
        by: Accreditor::Governance,
        vct: CARD.into(),
        integrity: "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".into(),
        version: 0,
    })?;
    for version in 1..=2 {
        let anchor = Operation::Anchor {
            issuer: jongno.did.clone(),
            kind: AnchorKind::StatusList,
            name: "https://jongno.example/status/1".into(),
            version,
            sha256: sha256(&version.to_be_bytes()),
            next_update: Some(unix_now() + 86_400),
        };
        act(governor, Some(jongno), &anchor)?;
    }
    let mut changed = document(&jongno.key);
    changed.services.push(Service {
        id: "issuer".into(),
        kind: "OpenID4VCI".into(),
        endpoint: "https://jongno.example".into(),
    });
    let update = Operation::UpdateDid {
        did: jongno.did.clone(),
        version: 1,
        document: changed,
        next_key_hash: FileKey::generate()?.public_key().thumbprint(),
    };
    let signer = [OperationSigner::Jwk(&jongno.next)];
    governor.send(&sign_operation(governor.network(), &update, &signer)?)?;
    let end = Operation::EndAccreditation {
        accreditor: Accreditor::Did(seoul.did.clone()),
        subject: gangnam.did.clone(),
        role: Role::Issuer,
        grant: 1,
        version: 1,
    };
    act(governor, Some(seoul), &end)?;
    let close = Operation::DeactivateDid {
        did: mapo.did.clone(),
        version: 1,
    };
    let signer = [OperationSigner::Jwk(&mapo.next)];
    governor.send(&sign_operation(governor.network(), &close, &signer)?)
}
