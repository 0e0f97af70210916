use jumin_registry::Localized;
use zeroize::Zeroizing;

use super::*;
use crate::vault::{Database, UnlockSecret, testing_vault};

const NOW: u64 = 1_800_000_000;

fn note(kind: ActivityKind) -> NewActivity {
    NewActivity {
        kind,
        vct: Some("urn:jumin:resident-card:1".into()),
        party: Some(ActivityParty {
            id: "did:jumin:dev:agency".into(),
            name: Some(Localized {
                ko: "기관".into(),
                en: "Agency".into(),
            }),
            accredited: true,
        }),
        claims: vec!["name.hangul".into()],
        outcome: "done",
    }
}

fn document(copies: usize) -> NewDocument {
    let name = |text: &str| Localized {
        ko: text.into(),
        en: text.into(),
    };
    NewDocument {
        vct: "urn:jumin:resident-card:1".into(),
        configuration: "resident-card".into(),
        issuer: "did:jumin:dev:issuer".into(),
        issuer_url: "https://issuer.example".into(),
        issuer_name: name("issuer"),
        type_metadata: b"{}".to_vec(),
        dictionary: None,
        issued_at: NOW,
        not_before: NOW,
        expires: NOW + 100,
        copies: (0..copies)
            .map(|index| NewCopy {
                compact: format!("copy {index}"),
                issuer_key: [2; 33],
                holder_key: Zeroizing::new(vec![index as u8]),
            })
            .collect(),
    }
}

fn database() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let secret = UnlockSecret::new("correct horse".into());
    let database = testing_vault(folder.path(), &secret).1;
    (folder, database)
}

#[test]
fn copy_is_used_once_and_the_note_is_written_with_it() {
    let (_folder, mut database) = database();
    let id = database
        .add_document(&document(2), &note(ActivityKind::Accepted), NOW)
        .unwrap();
    let first = database.next_copy(&id, 0).unwrap().unwrap();
    let shown = note(ActivityKind::Shown);
    let used = database
        .use_copies(&[(first.number, false)], &shown, Some(&id), NOW)
        .unwrap();
    assert!(used.is_some());
    let again = database
        .use_copies(&[(first.number, false)], &shown, Some(&id), NOW)
        .unwrap();
    assert!(again.is_none());
    assert_eq!(database.activity(None, 10).unwrap().len(), 2);
    let second = database.next_copy(&id, 0).unwrap().unwrap();
    assert_ne!(second.number, first.number);
    assert_eq!(database.document(&id).unwrap().unwrap().copies_left, 1);
}

#[test]
fn used_up_copies_come_back_longest_unused_first_and_only_for_reuse() {
    let (_folder, mut database) = database();
    let id = database
        .add_document(&document(2), &note(ActivityKind::Accepted), NOW)
        .unwrap();
    let shown = note(ActivityKind::Shown);
    let mut seen = Vec::new();
    for step in 0..3 {
        let copy = database.next_copy(&id, 0).unwrap().unwrap();
        assert_eq!(copy.used, step == 2);
        seen.push(copy.number);
        database
            .use_copies(&[(copy.number, copy.used)], &shown, Some(&id), NOW + step)
            .unwrap()
            .unwrap();
    }
    assert_eq!(seen[2], seen[0]);
}

#[test]
fn failed_store_leaves_nothing_behind() {
    let (_folder, mut database) = database();
    let mut broken = document(1);
    broken.copies.extend(document(1).copies);
    database
        .0
        .execute_batch("CREATE UNIQUE INDEX one ON copy (compact)")
        .unwrap();
    assert!(
        database
            .add_document(&broken, &note(ActivityKind::Accepted), NOW)
            .is_err()
    );
    assert!(database.documents().unwrap().is_empty());
    assert!(database.activity(None, 10).unwrap().is_empty());
}

#[test]
fn deleted_document_takes_its_keys_along_and_stays_in_the_log() {
    let (_folder, mut database) = database();
    let id = database
        .add_document(&document(3), &note(ActivityKind::Accepted), NOW)
        .unwrap();
    assert!(
        database
            .delete_document(&id, &note(ActivityKind::Deleted), NOW + 1)
            .unwrap()
    );
    let copies: u32 = database
        .0
        .query_row("SELECT count(*) FROM copy", [], |row| row.get(0))
        .unwrap();
    assert_eq!(copies, 0);
    let log = database.activity(None, 10).unwrap();
    assert_eq!(log[0].kind, ActivityKind::Deleted);
    assert_eq!(log[0].document.as_deref(), Some(id.as_str()));
    assert!(
        !database
            .delete_document(&id, &note(ActivityKind::Deleted), NOW + 2)
            .unwrap()
    );
}

#[test]
fn remembered_checkpoint_never_goes_back() {
    let (_folder, database) = database();
    let at = |height| Remembered {
        height,
        time_ms: height * 1000,
        digest: [1; 32],
    };
    database.remember(at(7)).unwrap();
    database.remember(at(5)).unwrap();
    assert_eq!(database.remembered().unwrap(), Some(at(7)));
}

#[test]
fn setting_that_cannot_be_read_is_not_taken_for_one_that_was_never_written() {
    let (_folder, database) = database();
    let unreadable = "INSERT INTO setting VALUES ('last-checkpoint', CAST('{' AS BLOB))";
    database.0.execute(unreadable, []).unwrap();
    assert_eq!(database.remembered().unwrap_err().code(), "vault_damaged");
}
