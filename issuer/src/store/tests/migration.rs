//! A database of the first version, with an offer open and a change on its way.

use sqlx::migrate::Migrator;

use super::*;

/// Fills a database as version 1 did.
const FIRST: &str = "
    INSERT INTO offers (resident, configuration, offer_digest, code_digest, tx_code_digest, expires)
    VALUES ('r000001', 'resident-card', x'01', x'02', x'03', 1795000600),
           ('r000001', 'resident-card', x'04', x'05', x'06', 1795000700);
    INSERT INTO status_lists (number, uri) VALUES (1, 'https://issuer.example/status/1');
    INSERT INTO status_versions (list, version, digest, token, signed, expires, state)
    VALUES (1, 1, zeroblob(32), 't', 1, 2, 'current'), (1, 2, zeroblob(32), 't', 1, 2, 'pending');
    INSERT INTO credentials (id, resident, configuration, vct, list, issued, expires, status, pending, pending_version)
    VALUES ('c1', 'r000001', 'resident-card', 'v', 1, 1795000000, 1795100000, 'valid', 'revoked', 2),
           ('c2', 'r000002', 'resident-card', 'v', 1, 1795000000, 1795100000, 'suspended', NULL, NULL),
           ('c3', 'r000002', 'resident-card', 'v', 1, 1795000000, 1795100000, 'valid', 'suspended', NULL);
    INSERT INTO status_changes (id, credential, target, reason, asked, finalized)
    VALUES ('a', 'c1', 'revoked', 'lost', 1795000001, NULL),
           ('b', 'c2', 'suspended', 'lost', 1795000001, 1795000002),
           ('c', 'c3', 'suspended', 'lost', 1795000001, NULL);";

/// Makes a database with the first migration only.
async fn first_version(path: &std::path::Path) {
    let mut migrator: Migrator = sqlx::migrate!();
    migrator
        .migrations
        .to_mut()
        .retain(|migration| migration.version == 1);
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    migrator.run(&pool).await.unwrap();
    let register = synthetic_register(1, 20);
    for household in &register.households {
        let insert = sqlx::query("INSERT INTO households (id, composed, reason) VALUES (?, ?, ?)");
        let insert = insert
            .bind(&household.id)
            .bind(household.composed.to_string());
        insert.bind(&household.reason).execute(&pool).await.unwrap();
    }
    for (place, resident) in register.residents.iter().enumerate() {
        sqlx::query(
            "INSERT INTO residents (id, household, place, name_hangul, name_roman, number, record)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&resident.id)
        .bind(&resident.household)
        .bind(place as i64)
        .bind(&resident.name.hangul)
        .bind(&resident.name.roman)
        .bind(resident.number.as_str())
        .bind(serde_json::to_string(resident).unwrap())
        .execute(&pool)
        .await
        .unwrap();
    }
    sqlx::raw_sql(FIRST).execute(&pool).await.unwrap();
    pool.close().await;
}

#[tokio::test]
async fn database_of_the_first_version_keeps_working() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("issuer.sqlite");
    first_version(&path).await;
    let store = Store::open(&path).await.unwrap();

    let offers = store.offers("r000001", 10, NOW).await.unwrap();
    assert_eq!(offers.len(), 2);
    assert_ne!(offers[0].id, offers[1].id);
    assert_eq!(
        (offers[0].made_at, offers[0].state),
        (1_795_000_100, OfferState::Open)
    );

    let old = store.status_changes("c2").await.unwrap().remove(0);
    assert_eq!(
        (old.actor.as_str(), old.r#final, old.block),
        ("console", true, None)
    );
    let row = store
        .version_in(1, VersionState::Pending)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        store.version_finalized(&row, block(2), NOW).await.unwrap(),
        1
    );
    let revoked = store.credential("c1").await.unwrap().unwrap();
    assert_eq!(
        (revoked.status, revoked.pending),
        (CredentialStatus::Revoked, None)
    );
    let change = store.status_changes("c1").await.unwrap().remove(0);
    assert_eq!(
        change.block,
        Some(block(2)),
        "the change on its way got the list's block"
    );

    let waiting = store.credential("c3").await.unwrap().unwrap();
    assert_eq!(waiting.pending, Some(CredentialStatus::Suspended));
    assert!(store.has_unsigned_changes(1).await.unwrap());
    let (row, _) = sign(&store).await;
    store
        .version_finalized(&row, block(row.version), NOW)
        .await
        .unwrap();
    let listed = store.credential("c3").await.unwrap().unwrap();
    assert_eq!(
        (listed.status, listed.pending),
        (CredentialStatus::Suspended, None)
    );
    assert_eq!(store.verify_audit().await.unwrap().broken_at, None);
}
