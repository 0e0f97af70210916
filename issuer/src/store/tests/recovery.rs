//! Databases that were put back from a copy.

use super::*;
use crate::store::{Carried, EntryChange, EntryOwner, RecoveredList, Recovery, SeenDocument};

/// What the ledger has of a list, as a recovery takes it over.
fn carried(list: u32, version: u64, not_valid: &[(u32, CredentialStatus)]) -> RecoveredList {
    RecoveredList {
        number: list,
        uri: format!("https://issuer.example/status/{list}"),
        carried: Some(Carried {
            row: VersionRow {
                list,
                version,
                digest: [9; 32],
                token: "t".to_owned(),
                signed: NOW,
                expires: NOW + 86_400,
            },
            block: block(version),
            not_valid: Some(not_valid.to_vec()),
        }),
    }
}

fn recovery(lists: Vec<RecoveredList>) -> Recovery {
    Recovery {
        lists,
        dictionaries: Vec::new(),
        document: SeenDocument {
            version: 1,
            public_url: None,
        },
    }
}

#[tokio::test]
async fn recovered_list_gives_its_statuses_to_batches_and_to_entries_without_one() {
    let (store, _directory) = store().await;
    issued(&store, "revoked-later", 10).await;
    issued(&store, "reinstated-later", 20).await;
    ask(&store, "reinstated-later", CredentialStatus::Suspended)
        .await
        .unwrap();
    let (row, _) = sign(&store).await;
    store.version_finalized(&row, block(1), NOW).await.unwrap();
    // On its way when the backup was made: the ledger's list revoked it meanwhile.
    ask(&store, "revoked-later", CredentialStatus::Suspended)
        .await
        .unwrap();
    sign(&store).await;

    let not_valid = [
        (10, CredentialStatus::Revoked),
        (11, CredentialStatus::Revoked),
        (500, CredentialStatus::Suspended),
    ];
    let recovered = store
        .recover(&recovery(vec![carried(1, 7, &not_valid)]), NOW)
        .await
        .unwrap();
    assert_eq!((recovered.batches, recovered.unknown), (2, 1));
    let revoked = store.credential("revoked-later").await.unwrap().unwrap();
    assert_eq!(
        (revoked.status, revoked.pending),
        (CredentialStatus::Revoked, None)
    );
    let other = store.credential("reinstated-later").await.unwrap().unwrap();
    assert_eq!(other.status, CredentialStatus::Valid);

    let next = store.next_version(1).await.unwrap();
    assert_eq!(next.version, 8, "never a number that the ledger has");
    let mut entries = next.not_valid;
    entries.sort_by_key(|entry| entry.0);
    assert_eq!(entries, not_valid);
    assert_eq!(store.verify_audit().await.unwrap().broken_at, None);
}

#[tokio::test]
async fn reinstatement_that_waited_in_the_backup_does_not_undo_a_later_suspension() {
    let (store, _directory) = store().await;
    issued(&store, "suspended-again", 10).await;
    ask(&store, "suspended-again", CredentialStatus::Suspended)
        .await
        .unwrap();
    let (row, _) = sign(&store).await;
    store.version_finalized(&row, block(1), NOW).await.unwrap();
    ask(&store, "suspended-again", CredentialStatus::Valid)
        .await
        .unwrap();
    // The backup is of now; it was reinstated and suspended again afterwards.
    let not_valid = [
        (10, CredentialStatus::Suspended),
        (11, CredentialStatus::Suspended),
    ];
    let recovered = store
        .recover(&recovery(vec![carried(1, 7, &not_valid)]), NOW)
        .await
        .unwrap();
    assert_eq!(recovered.overtaken, 1);
    let batch = store.credential("suspended-again").await.unwrap().unwrap();
    assert_eq!(
        (batch.status, batch.pending),
        (CredentialStatus::Suspended, None)
    );
    assert!(!store.has_unsigned_changes(1).await.unwrap());
    let changes = store.status_changes("suspended-again").await.unwrap();
    assert!(changes.iter().all(|change| change.r#final));
    let mut entries = store.next_version(1).await.unwrap().not_valid;
    entries.sort_by_key(|entry| entry.0);
    assert_eq!(entries, not_valid);
}

#[tokio::test]
async fn suspension_that_waited_in_the_backup_is_still_asked_for() {
    let (store, _directory) = store().await;
    issued(&store, "c", 10).await;
    ask(&store, "c", CredentialStatus::Suspended).await.unwrap();
    store
        .recover(&recovery(vec![carried(1, 7, &[])]), NOW)
        .await
        .unwrap();
    let batch = store.credential("c").await.unwrap().unwrap();
    assert_eq!(batch.pending, Some(CredentialStatus::Suspended));
    assert!(store.has_unsigned_changes(1).await.unwrap());
}

#[tokio::test]
async fn entry_without_a_credential_follows_the_ledger_in_a_second_recovery() {
    let (store, _directory) = store().await;
    let first = [
        (5, CredentialStatus::Suspended),
        (6, CredentialStatus::Suspended),
    ];
    store
        .recover(&recovery(vec![carried(1, 2, &first)]), NOW)
        .await
        .unwrap();
    for index in [5, 6] {
        let change = EntryChange {
            list: 1,
            index,
            target: CredentialStatus::Valid,
            reason: "found",
            actor: "operator",
            asked: NOW,
        };
        store.ask_entry_status(&change).await.unwrap();
    }
    // Both were reinstated after the backup of now, and 5 was revoked then.
    let second = [(5, CredentialStatus::Revoked)];
    let recovered = store
        .recover(&recovery(vec![carried(1, 7, &second)]), NOW)
        .await
        .unwrap();
    assert_eq!(recovered.overtaken, 2);
    assert!(!store.has_unsigned_changes(1).await.unwrap());
    let entries = store.next_version(1).await.unwrap();
    assert_eq!(entries.not_valid, second);
}

#[tokio::test]
async fn batches_of_a_lost_list_are_shown_as_revoked_once_it_is_published() {
    let (store, _directory) = store().await;
    issued(&store, "c", 10).await;
    let mut lost = carried(1, 7, &[]);
    if let Some(carried) = &mut lost.carried {
        carried.not_valid = None;
        carried.row.token.clear();
    }
    store.recover(&recovery(vec![lost]), NOW).await.unwrap();
    let pending = store.credential("c").await.unwrap().unwrap().pending;
    assert_eq!(pending, Some(CredentialStatus::Revoked));
    let (row, _) = sign(&store).await;
    store.version_finalized(&row, block(8), NOW).await.unwrap();
    let batch = store.credential("c").await.unwrap().unwrap();
    assert_eq!(
        (batch.status, batch.pending),
        (CredentialStatus::Revoked, None)
    );
}

#[tokio::test]
async fn list_opened_after_the_backup_is_taken_over_and_hands_out_no_index() {
    let (store, _directory) = store().await;
    let list = carried(2, 3, &[(5, CredentialStatus::Revoked)]);
    let kept = RecoveredList {
        carried: None,
        ..carried(1, 1, &[])
    };
    store
        .recover(&recovery(vec![kept, list]), NOW)
        .await
        .unwrap();
    let lists = store.lists().await.unwrap();
    assert_eq!(lists.len(), 2);
    assert!(lists.iter().all(|list| !list.open));
    let entries = store.next_version(2).await.unwrap();
    assert_eq!(entries.not_valid, [(5, CredentialStatus::Revoked)]);
}

#[tokio::test]
async fn credential_issued_after_the_backup_is_revoked_by_its_index() {
    let (store, _directory) = store().await;
    assert_eq!(
        store.entry_owner(1, 77).await.unwrap(),
        Some(EntryOwner::Nobody),
        "before a recovery every index is accounted for"
    );
    let kept = RecoveredList {
        carried: None,
        ..carried(1, 1, &[])
    };
    store.recover(&recovery(vec![kept]), NOW).await.unwrap();
    assert_eq!(
        store.entry_owner(1, 77).await.unwrap(),
        Some(EntryOwner::Unknown)
    );
    let change = |target| EntryChange {
        list: 1,
        index: 77,
        target,
        reason: "lost",
        actor: "operator",
        asked: NOW,
    };
    store
        .ask_entry_status(&change(CredentialStatus::Revoked))
        .await
        .unwrap();
    assert!(store.has_unsigned_changes(1).await.unwrap());
    let (row, not_valid) = sign(&store).await;
    assert_eq!(not_valid, [(77, CredentialStatus::Revoked)]);
    store.version_finalized(&row, block(1), NOW).await.unwrap();
    assert!(!store.has_unsigned_changes(1).await.unwrap());
    let back = store
        .ask_entry_status(&change(CredentialStatus::Valid))
        .await;
    assert!(back.is_err(), "revoked is final");
    assert_eq!(store.entry_owner(9, 0).await.unwrap(), None);
}

#[tokio::test]
async fn offer_that_is_open_in_the_backup_is_closed_after_the_recovery() {
    let (store, directory) = store().await;
    let offer = Secret::random();
    let new = NewOffer {
        resident: "r000001",
        configuration: "resident-card",
        handle: "an offer",
        actor: "admin",
        id: &offer,
        tx_code: "123456",
        expires: NOW + 600,
    };
    store.add_offer(&new, NOW).await.unwrap();
    let copy = directory.path().join("backup.sqlite");
    store.back_up(&copy, NOW).await.unwrap();
    let restored = Store::open(&copy).await.unwrap();
    assert_eq!(restored.backup_mark().await.unwrap(), Some(NOW));
    assert!(restored.open_offer(&offer, NOW).await.unwrap().is_some());
    restored.recover(&recovery(Vec::new()), NOW).await.unwrap();
    assert_eq!(restored.open_offer(&offer, NOW).await.unwrap(), None);
    assert_eq!(restored.backup_mark().await.unwrap(), None);
    assert_eq!(
        store.backup_mark().await.unwrap(),
        None,
        "the original has no mark"
    );
}
