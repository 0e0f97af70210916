//! Status changes from being asked for to the block that made them final.

use super::*;

/// Which changes of a batch are final and in which block, the newest first.
async fn changes(store: &Store, id: &str) -> Vec<(CredentialStatus, bool, Option<u64>)> {
    let changes = store.status_changes(id).await.unwrap();
    let changes = changes.into_iter();
    changes
        .map(|change| {
            (
                change.to,
                change.r#final,
                change.block.map(|block| block.height),
            )
        })
        .collect()
}

#[tokio::test]
async fn change_is_final_with_the_block_of_its_list() {
    let (store, _directory) = store().await;
    issued(&store, "c1", 10).await;
    ask(&store, "c1", CredentialStatus::Suspended)
        .await
        .unwrap();
    assert_eq!(
        changes(&store, "c1").await,
        [(CredentialStatus::Suspended, false, None)]
    );
    let (row, _) = sign(&store).await;
    store
        .version_finalized(&row, block(row.version), NOW)
        .await
        .unwrap();
    let change = store.status_changes("c1").await.unwrap().remove(0);
    assert_eq!(change.block, Some(block(1)));
    assert_eq!(
        (change.actor.as_str(), change.reason.as_str()),
        ("admin", "lost")
    );
}

#[tokio::test]
async fn renewed_list_takes_no_credit_for_earlier_changes() {
    let (store, _directory) = store().await;
    issued(&store, "c1", 10).await;
    ask(&store, "c1", CredentialStatus::Revoked).await.unwrap();
    for _ in 0..2 {
        let (row, _) = sign(&store).await;
        store
            .version_finalized(&row, block(row.version), NOW)
            .await
            .unwrap();
    }
    assert_eq!(
        changes(&store, "c1").await,
        [(CredentialStatus::Revoked, true, Some(101))]
    );
}

#[tokio::test]
async fn change_overtaken_before_its_list_is_final_without_a_block() {
    let (store, _directory) = store().await;
    issued(&store, "c1", 10).await;
    ask(&store, "c1", CredentialStatus::Suspended)
        .await
        .unwrap();
    ask(&store, "c1", CredentialStatus::Revoked).await.unwrap();
    let (row, _) = sign(&store).await;
    store
        .version_finalized(&row, block(row.version), NOW)
        .await
        .unwrap();
    assert_eq!(
        changes(&store, "c1").await,
        [
            (CredentialStatus::Revoked, true, Some(101)),
            (CredentialStatus::Suspended, true, None),
        ]
    );
}

#[tokio::test]
async fn change_on_its_way_becomes_final_while_a_later_one_waits() {
    let (store, _directory) = store().await;
    issued(&store, "c1", 10).await;
    ask(&store, "c1", CredentialStatus::Suspended)
        .await
        .unwrap();
    let (first, _) = sign(&store).await;
    ask(&store, "c1", CredentialStatus::Revoked).await.unwrap();
    assert_eq!(
        store
            .version_finalized(&first, block(1), NOW)
            .await
            .unwrap(),
        1
    );
    let between = store.credential("c1").await.unwrap().unwrap();
    assert_eq!(
        (between.status, between.pending),
        (CredentialStatus::Suspended, Some(CredentialStatus::Revoked)),
        "what the anchored list says"
    );
    let (second, _) = sign(&store).await;
    store
        .version_finalized(&second, block(2), NOW)
        .await
        .unwrap();
    assert_eq!(
        changes(&store, "c1").await,
        [
            (CredentialStatus::Revoked, true, Some(102)),
            (CredentialStatus::Suspended, true, Some(101)),
        ]
    );
}

#[tokio::test]
async fn list_signed_anew_carries_the_same_changes_and_the_version_before_stays_known() {
    let (store, _directory) = store().await;
    issued(&store, "c1", 10).await;
    ask(&store, "c1", CredentialStatus::Suspended)
        .await
        .unwrap();
    sign(&store).await;
    let entries = store.next_version(1).await.unwrap();
    assert_eq!(entries.version, 2);
    let row = VersionRow {
        list: 1,
        version: 2,
        digest: [7; 32],
        token: "t".to_owned(),
        signed: NOW,
        expires: NOW + 86_400,
    };
    store.add_version(&row).await.unwrap();
    store.version_finalized(&row, block(2), NOW).await.unwrap();
    assert_eq!(
        changes(&store, "c1").await,
        [(CredentialStatus::Suspended, true, Some(102))]
    );
    let after = store.credential("c1").await.unwrap().unwrap();
    assert_eq!(
        (after.status, after.pending),
        (CredentialStatus::Suspended, None)
    );
    assert!(store.version(1, 1).await.unwrap().is_some());
}
