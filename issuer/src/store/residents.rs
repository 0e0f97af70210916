use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError};
use crate::register::{Date, Household, Register, Resident};

/// A resident with the household around them: what the claims of every credential type are built from.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    pub resident: Resident,
    pub household: Household,
    /// In the register's order, the head first; the resident is among them.
    pub members: Vec<Resident>,
    /// JPEG.
    pub portrait: Option<Vec<u8>>,
}

/// One line of a search result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub struct ResidentSummary {
    pub id: String,
    pub name: String,
    pub name_roman: String,
    #[schema(value_type = String)]
    #[ts(type = "string")]
    pub birthdate: Date,
    pub relation: String,
    pub household: String,
    pub address: String,
}

impl From<&Resident> for ResidentSummary {
    fn from(resident: &Resident) -> Self {
        let address = resident.address().map_or_else(String::new, |at| {
            [Some(&at.sido), at.sigungu.as_ref(), Some(&at.road)]
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" ")
        });
        Self {
            id: resident.id.clone(),
            name: resident.name.hangul.clone(),
            name_roman: resident.name.roman.clone(),
            birthdate: resident.number.birth_date(),
            relation: resident.relation.clone(),
            household: resident.household.clone(),
            address,
        }
    }
}

fn resident(row: &SqliteRow) -> Result<Resident, StoreError> {
    serde_json::from_str(row.try_get("record")?).map_err(StoreError::row)
}

impl Store {
    /// Adds a register; all of it or, where an id or a number is there already, nothing.
    pub async fn add_register(
        &self,
        register: &Register,
        portraits: &[Option<Vec<u8>>],
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for household in &register.households {
            sqlx::query("INSERT INTO households (id, composed, reason) VALUES (?, ?, ?)")
                .bind(&household.id)
                .bind(household.composed.to_string())
                .bind(&household.reason)
                .execute(&mut *transaction)
                .await?;
        }
        for (place, resident) in register.residents.iter().enumerate() {
            let record = serde_json::to_string(resident).map_err(StoreError::row)?;
            sqlx::query(
                "INSERT INTO residents
                 (id, household, place, name_hangul, name_roman, number, record, portrait)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(&resident.id)
            .bind(&resident.household)
            .bind(place as i64)
            .bind(&resident.name.hangul)
            .bind(&resident.name.roman)
            .bind(resident.number.as_str())
            .bind(record)
            .bind(portraits.get(place).and_then(Option::as_deref))
            .execute(&mut *transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Says whether the register has a resident with this id.
    pub async fn has_resident(&self, id: &str) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT EXISTS (SELECT 1 FROM residents WHERE id = ?)")
            .bind(id)
            .fetch_one(&self.reader)
            .await?;
        Ok(row.try_get(0)?)
    }

    pub async fn count_residents(&self) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT count(*) FROM residents")
            .fetch_one(&self.reader)
            .await?;
        super::unsigned(row.try_get(0)?)
    }

    /// Finds residents whose name contains `query` or whose id or number begins with it.
    pub async fn find_residents(
        &self,
        query: &str,
        limit: u32,
    ) -> Result<Vec<Resident>, StoreError> {
        sqlx::query(
            "SELECT record FROM residents
             WHERE instr(name_hangul, ?1) > 0 OR instr(lower(name_roman), lower(?1)) > 0
                OR substr(id, 1, length(?1)) = ?1 OR substr(number, 1, length(?1)) = ?1
             ORDER BY id LIMIT ?2",
        )
        .bind(query)
        .bind(limit)
        .fetch_all(&self.reader)
        .await?
        .iter()
        .map(resident)
        .collect()
    }

    /// Reads one resident with their household.
    pub async fn subject(&self, id: &str) -> Result<Option<Subject>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.id, r.record, h.id AS household_id, h.composed, h.reason,
                    CASE r.id WHEN ?1 THEN r.portrait END AS portrait
             FROM residents AS r JOIN households AS h ON h.id = r.household
             WHERE r.household = (SELECT household FROM residents WHERE id = ?1)
             ORDER BY r.place",
        )
        .bind(id)
        .fetch_all(&self.reader)
        .await?;
        let Some(row) = rows
            .iter()
            .find(|row| row.try_get::<&str, _>("id").is_ok_and(|other| other == id))
        else {
            return Ok(None);
        };
        let composed: &str = row.try_get("composed")?;
        Ok(Some(Subject {
            resident: resident(row)?,
            household: Household {
                id: row.try_get("household_id")?,
                composed: composed.parse().map_err(StoreError::row)?,
                reason: row.try_get("reason")?,
            },
            members: rows.iter().map(resident).collect::<Result<_, _>>()?,
            portrait: row.try_get("portrait")?,
        }))
    }
}
