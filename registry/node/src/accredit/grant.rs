//! Grants and their end, as given on the command line.

use anyhow::{bail, ensure};
use clap::Args;
use jumin_identity::{ClaimPath, Did, text::tidied};
use jumin_registry::{
    AccreditationRecord, Accreditor, Claims, Localized, Operation, RecordKey, Role,
};

use jumin_keys::parse_time;

/// Stands for every type, or every claim: leaving one out by mistake must not grant everything.
const ANY: &str = "any";

/// A grant to be made.
#[derive(Args)]
pub struct NewGrant {
    /// The DID to accredit; it is created after that.
    pub(crate) did: Did,
    /// What it may do: issuer, verifier or accreditor.
    #[arg(long)]
    pub(crate) role: Role,
    /// A credential type (vct) that it is for; may be given more than once; `any` for every type.
    #[arg(long = "type", value_name = "VCT", required = true)]
    types: Vec<String>,
    /// A claim that a verifier may ask for, itself or below an accreditor, such as `address.sido`; may be given more than
    /// once; `any` for every claim.
    #[arg(long = "claim", value_name = "CLAIM")]
    claims: Vec<String>,
    /// When it begins: a day in Korea (2027-01-01) or a time (2027-01-01T09:00:00+09:00); now if not given.
    #[arg(long, value_parser = parse_time)]
    from: Option<u64>,
    /// When it no longer holds.
    #[arg(long, value_parser = parse_time)]
    until: u64,
    /// The agency's name in Korean, as screens show it.
    #[arg(long)]
    name_ko: String,
    /// The agency's name in English.
    #[arg(long)]
    name_en: String,
}

/// A grant to be ended.
#[derive(Args)]
pub struct EndedGrant {
    /// The DID whose accreditation ends.
    pub(crate) did: Did,
    /// The role that it ends for: issuer, verifier or accreditor.
    #[arg(long)]
    pub(crate) role: Role,
    /// The grant's number, as `accreditations` shows it; not needed if only one was not ended. One that ran out can be ended, too.
    #[arg(long)]
    grant: Option<u64>,
}

impl NewGrant {
    /// The record that the grant is to be added to.
    pub(crate) fn key(&self) -> RecordKey {
        key(&self.did, self.role)
    }

    /// Makes the operation that adds the grant to version `version` of the record; `now` in Unix seconds.
    pub(crate) fn operation(
        &self,
        accreditor: Accreditor,
        version: u64,
        now: u64,
    ) -> anyhow::Result<Operation> {
        let operation = Operation::Accredit {
            accreditor,
            subject: self.did.clone(),
            role: self.role,
            name: Localized {
                ko: tidied(&self.name_ko),
                en: tidied(&self.name_en),
            },
            types: self.types()?,
            claims: self.claims()?,
            from: self.from.unwrap_or(now),
            until: self.until,
            version,
        };
        ensure!(
            self.from.unwrap_or(now) < self.until,
            "--until must be later than --from (now, if --from is not given)"
        );
        operation.validate()?;
        Ok(operation)
    }

    fn types(&self) -> anyhow::Result<Vec<String>> {
        if self.types == [ANY] {
            ensure!(
                self.role != Role::Issuer,
                "an issuer's types must be named, each with --type"
            );
            return Ok(Vec::new());
        }
        ensure!(
            self.types.iter().all(|name| name != ANY),
            "`--type any` stands alone"
        );
        Ok(self.types.clone())
    }

    fn claims(&self) -> anyhow::Result<Claims> {
        match (self.role, self.claims.as_slice()) {
            (Role::Issuer, []) => Ok(Claims::Any),
            (Role::Issuer, _) => {
                bail!("--claim is for verifiers, and for accreditors of verifiers")
            }
            (_, []) => bail!("say what may be asked for: --claim address.sido, …, or --claim any"),
            (_, [any]) if any == ANY => Ok(Claims::Any),
            (_, claims) => {
                ensure!(
                    claims.iter().all(|claim| claim != ANY),
                    "`--claim any` stands alone"
                );
                let paths = claims.iter().map(|claim| {
                    let path = claim.parse::<ClaimPath>();
                    path.map_err(|error| anyhow::anyhow!("{claim}: {error}"))
                });
                Ok(Claims::Only(paths.collect::<Result<_, _>>()?))
            }
        }
    }
}

impl EndedGrant {
    /// The record that has the grant.
    pub(crate) fn key(&self) -> RecordKey {
        key(&self.did, self.role)
    }

    /// Makes the operation that ends the grant; without a number, the only one that was not ended.
    pub(crate) fn operation(
        &self,
        accreditor: Accreditor,
        record: &AccreditationRecord,
    ) -> anyhow::Result<Operation> {
        let mut running = record.grants.iter().filter(|grant| grant.ended.is_none());
        let grant = match (self.grant, running.next(), running.next()) {
            (Some(grant), _, _) => grant,
            (None, Some(only), None) => only.id,
            (None, None, _) if record.grants.is_empty() => {
                bail!("{} was never accredited as {}", self.did, self.role)
            }
            (None, None, _) => bail!("all of its grants as {} were ended already", self.role),
            (None, Some(_), Some(_)) => {
                bail!(
                    "it has more than one grant: name one with --grant, as `accreditations` shows"
                )
            }
        };
        Ok(Operation::EndAccreditation {
            accreditor,
            subject: self.did.clone(),
            role: self.role,
            grant,
            version: record.version,
        })
    }
}

fn key(did: &Did, role: Role) -> RecordKey {
    RecordKey::Accreditation {
        subject: did.clone(),
        role,
    }
}
