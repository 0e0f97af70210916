//! The activity log: what was accepted, shown or deleted, to whom and when; of claims the names, never the values.

use jumin_registry::Localized;
use rusqlite::{Row, Transaction, params};
use serde::Serialize;

use crate::vault::{Database, StoreError};

/// Says what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActivityKind {
    /// A document was accepted from its issuer.
    Accepted,
    /// A document was shown as a QR code in answer to a request.
    Shown,
    /// A document was shown as a QR code without a request.
    ShownOneWay,
    /// A document was sent to a verifier.
    Sent,
    /// A document was deleted from this wallet.
    Deleted,
}

impl ActivityKind {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Accepted, "accepted"),
        (Self::Shown, "shown"),
        (Self::ShownOneWay, "shown-one-way"),
        (Self::Sent, "sent"),
        (Self::Deleted, "deleted"),
    ];

    fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("", |(_, name)| name)
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(kind, _)| *kind)
    }
}

/// Is the other side of an activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActivityParty {
    /// Is the issuer's DID or the verifier's client identifier.
    pub id: String,
    /// Is its name, where somebody vouched for one.
    pub name: Option<Localized>,
    /// Says whether the ledger had it accredited at that time.
    pub accredited: bool,
}

/// Is one line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActivityEntry {
    /// Is when, in seconds since 1970.
    pub at: u64,
    /// Is what was done.
    pub kind: ActivityKind,
    /// Is the document, which may be deleted since.
    pub document: Option<String>,
    /// Is its type.
    pub vct: Option<String>,
    /// Is the other side.
    pub party: Option<ActivityParty>,
    /// Are the names of the claims that were disclosed.
    pub claims: Vec<String>,
    /// Is how it ended: `done`, `sending` (started and never heard of again), or an error's code.
    pub outcome: String,
}

/// Is a line about to be written.
pub(crate) struct NewActivity {
    pub kind: ActivityKind,
    pub vct: Option<String>,
    pub party: Option<ActivityParty>,
    pub claims: Vec<String>,
    pub outcome: &'static str,
}

impl NewActivity {
    pub(super) fn insert(
        &self,
        transaction: &Transaction<'_>,
        document: Option<&str>,
        now: u64,
    ) -> Result<i64, StoreError> {
        let claims = serde_json::to_string(&self.claims)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let party = self.party.as_ref();
        let name = party.and_then(|party| party.name.as_ref());
        transaction.execute(
            "INSERT INTO activity (at, kind, document, vct, party, party_name_ko, party_name_en, party_accredited,
                 claims, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                now,
                self.kind.as_str(),
                document,
                self.vct,
                party.map(|party| party.id.as_str()),
                name.map(|name| name.ko.as_str()),
                name.map(|name| name.en.as_str()),
                party.map(|party| party.accredited),
                claims,
                self.outcome,
            ],
        )?;
        Ok(transaction.last_insert_rowid())
    }
}

impl Database {
    /// Returns the newest lines of the log, the newest first; of one document, if one is named.
    pub(crate) fn activity(
        &self,
        document: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ActivityEntry>, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT at, kind, document, vct, party, party_name_ko, party_name_en, party_accredited, claims, outcome
             FROM activity WHERE ?1 IS NULL OR document = ?1 ORDER BY number DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![document, limit], entry)?;
        let rows: Vec<Option<ActivityEntry>> = rows.collect::<Result<_, _>>()?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Notes how an activity ended.
    pub(crate) fn set_outcome(&self, number: i64, outcome: &str) -> Result<(), StoreError> {
        self.0.execute(
            "UPDATE activity SET outcome = ?2 WHERE number = ?1",
            params![number, outcome],
        )?;
        Ok(())
    }
}

fn entry(row: &Row<'_>) -> Result<Option<ActivityEntry>, rusqlite::Error> {
    let name = match (row.get(5)?, row.get(6)?) {
        (Some(ko), Some(en)) => Some(Localized { ko, en }),
        _ => None,
    };
    let accredited: Option<bool> = row.get(7)?;
    let party = row.get::<_, Option<String>>(4)?.map(|id| ActivityParty {
        id,
        name,
        accredited: accredited.unwrap_or(false),
    });
    let Some(kind) = ActivityKind::from_name(&row.get::<_, String>(1)?) else {
        return Ok(None);
    };
    Ok(Some(ActivityEntry {
        at: row.get(0)?,
        kind,
        document: row.get(2)?,
        vct: row.get(3)?,
        party,
        claims: serde_json::from_str(&row.get::<_, String>(8)?).unwrap_or_default(),
        outcome: row.get(9)?,
    }))
}
