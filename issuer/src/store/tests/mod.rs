mod changes;
mod issuance;
mod migration;
mod recovery;

use serde_json::json;

use super::*;
use crate::audit::Event;
use crate::register::synthetic_register;
use crate::secret::Secret;

const NOW: u64 = 1_795_000_000;

async fn store() -> (Store, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("issuer.sqlite"))
        .await
        .unwrap();
    let register = synthetic_register(1, 20);
    store.add_register(&register, &[]).await.unwrap();
    store
        .add_list(1, "https://issuer.example/status/1")
        .await
        .unwrap();
    (store, directory)
}

impl Store {
    /// How many counts of failed sign-ins are kept.
    pub(crate) async fn tries_counted(&self, kind: &str) -> u64 {
        let row = sqlx::query("SELECT count(*) FROM sign_in_tries WHERE kind = ?");
        let row = row.bind(kind).fetch_one(&self.reader).await.unwrap();
        unsigned(sqlx::Row::get(&row, 0)).unwrap()
    }

    /// Counts a failed sign-in for so many accounts, long ago.
    pub(crate) async fn invent_tries(&self, accounts: u32) {
        sqlx::query(
            "WITH RECURSIVE n(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < ?)
             INSERT INTO sign_in_tries SELECT 'account', CAST(at AS BLOB), 1, 1000, 0 FROM n",
        )
        .bind(accounts)
        .execute(&self.writer)
        .await
        .unwrap();
    }

    /// Makes a list look as if so many of its indexes were taken.
    pub(crate) async fn set_used(&self, list: u32, used: u64) {
        let set = sqlx::query("UPDATE status_lists SET used = ? WHERE number = ?");
        let set = set.bind(signed(used)).bind(list);
        set.execute(&self.writer).await.unwrap();
    }
}

async fn audit(store: &Store, entries: u64) {
    for n in 0..entries {
        let event = Event {
            at: NOW + n,
            actor: "console",
            action: "test",
            subject: "c1",
            detail: json!({ "n": n }),
        };
        store.audit(&event).await.unwrap();
    }
}

/// Issues a batch of two copies with the indexes `first` and `first` + 1.
async fn issued(store: &Store, id: &str, first: u32) {
    let (offer, handle) = (Secret::random(), format!("offer of {id}"));
    let new = NewOffer {
        resident: "r000001",
        configuration: "resident-card",
        handle: &handle,
        actor: "admin",
        id: &offer,
        tx_code: "123456",
        expires: NOW + 600,
    };
    store.add_offer(&new, NOW).await.unwrap();
    let token = Secret::random();
    let redemption = Redemption {
        code: &offer.code_of_offer(),
        tx_code: "123456",
        configurations: None,
        token: &token,
        token_expires: NOW + 600,
    };
    store.redeem(&redemption, NOW).await.unwrap();
    let authorization = store.authorize(&token, NOW).await.unwrap().unwrap();
    let thumbprint = || Secret::random().digest();
    let new = NewCredential {
        id,
        offer: authorization.offer,
        resident: "r000001",
        configuration: "resident-card",
        vct: "urn:jumin:resident-card:1",
        list: 1,
        holders: &[thumbprint(), thumbprint()],
        issued: NOW,
        expires: NOW + 1000,
        nonce_digest: thumbprint(),
        nonce_expires: NOW + 300,
    };
    let mut next = first..;
    let mut draw = || next.next().unwrap();
    let drawn = store.issue(&new, &mut draw, |indexes| Ok(indexes.to_vec()));
    assert_eq!(drawn.await.unwrap(), [first, first + 1]);
}

async fn sign(store: &Store) -> (VersionRow, Vec<(u32, CredentialStatus)>) {
    let entries = store.next_version(1).await.unwrap();
    let row = VersionRow {
        list: 1,
        version: entries.version,
        digest: [1; 32],
        token: "t".to_owned(),
        signed: NOW,
        expires: NOW + 86_400,
    };
    store.add_version(&row).await.unwrap();
    (row, entries.not_valid)
}

/// The block that finalized a version in these tests.
fn block(version: u64) -> Block {
    Block {
        height: 100 + version,
        at: NOW + version,
    }
}

async fn ask(store: &Store, id: &str, target: CredentialStatus) -> Result<(), ChangeRefused> {
    let change = Secret::random();
    let new = NewChange {
        id: change.reveal(),
        credential: id,
        target,
        reason: "lost",
        actor: "admin",
        asked: NOW,
    };
    store.ask_status(&new).await
}

#[tokio::test]
async fn audit_can_be_neither_changed_nor_shortened() {
    let (store, _directory) = store().await;
    audit(&store, 5).await;
    for statement in [
        "UPDATE audit SET actor = 'nobody' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 5",
        "INSERT INTO audit SELECT 9, at, actor, action, subject, detail, prev, x'00' FROM audit WHERE seq = 1",
        "REPLACE INTO audit SELECT seq, at, 'nobody', action, subject, detail, prev, hash FROM audit WHERE seq = 1",
    ] {
        assert!(
            sqlx::query(statement).execute(&store.writer).await.is_err(),
            "{statement}"
        );
    }
    assert_eq!(store.verify_audit().await.unwrap().broken_at, None);
}

#[tokio::test]
async fn verification_finds_the_first_entry_changed_behind_the_trigger() {
    let (store, _directory) = store().await;
    audit(&store, 1200).await;
    for statement in [
        "DROP TRIGGER audit_is_append_only_update",
        "UPDATE audit SET subject = 'c2' WHERE seq IN (1100, 1150)",
    ] {
        sqlx::query(statement).execute(&store.writer).await.unwrap();
    }
    let report = store.verify_audit().await.unwrap();
    assert_eq!((report.broken_at, report.entries), (Some(1100), 1099));
}

#[tokio::test]
async fn status_changes_only_when_the_list_is_finalized() {
    let (store, _directory) = store().await;
    issued(&store, "c1", 10).await;
    issued(&store, "c2", 20).await;
    ask(&store, "c1", CredentialStatus::Suspended)
        .await
        .unwrap();
    let (row, not_valid) = sign(&store).await;
    let suspended = CredentialStatus::Suspended;
    assert_eq!(
        not_valid,
        [(10, suspended), (11, suspended)],
        "all copies, and no others"
    );
    let before = store.credential("c1").await.unwrap().unwrap();
    assert_eq!(
        (before.status, before.pending),
        (CredentialStatus::Valid, Some(suspended))
    );
    assert_eq!(
        store
            .version_finalized(&row, block(row.version), NOW)
            .await
            .unwrap(),
        1
    );
    let after = store.credential("c1").await.unwrap().unwrap();
    assert_eq!((after.status, after.pending), (suspended, None));
    let current = store.version_in(1, VersionState::Current).await.unwrap();
    assert_eq!(current, Some(row));
}

#[tokio::test]
async fn change_asked_while_a_list_is_on_its_way_waits_for_the_next_list() {
    let (store, _directory) = store().await;
    issued(&store, "c1", 10).await;
    ask(&store, "c1", CredentialStatus::Suspended)
        .await
        .unwrap();
    let (first, _) = sign(&store).await;
    ask(&store, "c1", CredentialStatus::Revoked).await.unwrap();
    store
        .version_finalized(&first, block(first.version), NOW)
        .await
        .unwrap();
    let between = store.credential("c1").await.unwrap().unwrap();
    assert_eq!(between.pending, Some(CredentialStatus::Revoked));
    assert!(store.has_unsigned_changes(1).await.unwrap());
    let (second, not_valid) = sign(&store).await;
    assert_eq!(not_valid[0], (10, CredentialStatus::Revoked));
    store
        .version_finalized(&second, block(second.version), NOW)
        .await
        .unwrap();
    let after = store.credential("c1").await.unwrap().unwrap();
    assert_eq!(
        (after.status, after.pending),
        (CredentialStatus::Revoked, None)
    );
}

#[tokio::test]
async fn reinstated_credential_leaves_the_list() {
    let (store, _directory) = store().await;
    issued(&store, "c1", 10).await;
    for (target, listed) in [
        (CredentialStatus::Suspended, 2),
        (CredentialStatus::Valid, 0),
    ] {
        ask(&store, "c1", target).await.unwrap();
        let (row, not_valid) = sign(&store).await;
        assert_eq!(not_valid.len(), listed);
        store
            .version_finalized(&row, block(row.version), NOW)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn revoked_is_final() {
    let (store, _directory) = store().await;
    issued(&store, "c1", 10).await;
    ask(&store, "c1", CredentialStatus::Revoked).await.unwrap();
    for target in [
        CredentialStatus::Valid,
        CredentialStatus::Suspended,
        CredentialStatus::Revoked,
    ] {
        let refused = ask(&store, "c1", target).await;
        assert!(matches!(refused, Err(ChangeRefused::NotAllowed { .. })));
    }
    let unknown = ask(&store, "c9", CredentialStatus::Revoked).await;
    assert!(matches!(unknown, Err(ChangeRefused::Unknown)));
}

#[tokio::test]
async fn database_knows_no_code_token_or_transaction_code() {
    let (store, directory) = store().await;
    let offer = Secret::random();
    let new = NewOffer {
        resident: "r000001",
        configuration: "resident-card",
        handle: "handle",
        actor: "admin",
        id: &offer,
        tx_code: "918273",
        expires: NOW + 600,
    };
    store.add_offer(&new, NOW).await.unwrap();
    store.close().await;
    let mut bytes = Vec::new();
    for file in std::fs::read_dir(directory.path()).unwrap() {
        bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let code = offer.code_of_offer();
    for secret in [offer.reveal(), code.reveal(), "918273"] {
        let contains = bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!contains);
    }
}

#[tokio::test]
async fn second_import_of_a_number_changes_nothing() {
    let (store, _directory) = store().await;
    let before = store.count_residents().await.unwrap();
    let mut again = synthetic_register(1, 20);
    for household in &mut again.households {
        household.id = format!("again-{}", household.id);
    }
    for resident in &mut again.residents {
        resident.id = format!("again-{}", resident.id);
        resident.household = format!("again-{}", resident.household);
    }
    assert!(store.add_register(&again, &[]).await.is_err());
    assert_eq!(store.count_residents().await.unwrap(), before);
}
