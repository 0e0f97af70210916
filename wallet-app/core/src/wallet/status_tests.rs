use jumin_identity::{DidUrl, FileKey, Signer, Status, StatusList, sign_status_list};
use jumin_registry::testing::TestAgency;
use jumin_registry::{
    AnchorKind, NewKey, Operation, OperationSigner, Record, RecordKey, Role, sign_operation,
};

use super::stage::*;
use super::status::{DocumentStatus, Standing};

const ENTRIES: u32 = 64;
const DAY: u64 = 24 * 3600;

/// Is a list in the making: what it says, who signs it, and what of it is anchored.
struct Published {
    entries: Vec<(u32, Status)>,
    anchored: bool,
    signer: Option<FileKey>,
    expires: u64,
    next_update: Option<u64>,
}

impl Published {
    fn of(entries: &[(u32, Status)]) -> Self {
        Self {
            entries: entries.to_vec(),
            anchored: true,
            signer: None,
            expires: NOW + DAY,
            next_update: Some(NOW + DAY),
        }
    }

    /// Puts the list on the issuer's server and its digest on the ledger.
    fn publish(self, stage: &Stage) {
        let mut list = StatusList::new(ENTRIES);
        for (index, status) in self.entries {
            list.set(index, status).unwrap();
        }
        let issuer = &stage.scene.issuer;
        let uri = format!("{}/status/1", stage.scene.base.lock().unwrap());
        let signer: &dyn Signer = match &self.signer {
            Some(key) => key,
            None => &issuer.key,
        };
        let kid: DidUrl = issuer.kid();
        let token = sign_status_list(&list, &uri, NOW - 60, self.expires, 300, &kid, &[], signer);
        *stage.scene.status_list.lock().unwrap() = Some(token.unwrap());
        let digest = if self.anchored {
            list.digest()
        } else {
            [7; 32]
        };
        let mut ledger = stage.ledger.ledger.lock().unwrap();
        ledger.set_time(NOW - 50);
        ledger.anchor(
            issuer,
            AnchorKind::StatusList,
            &uri,
            1,
            digest,
            self.next_update,
        );
    }
}

async fn asked(stage: &Stage) -> DocumentStatus {
    let id = stage.wallet.documents(NOW).unwrap()[0].id.clone();
    stage
        .wallet
        .document_status(&id, NOW)
        .await
        .unwrap()
        .unwrap()
}

async fn status_after(published: Published) -> (Standing, Option<&'static str>) {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    published.publish(&stage);
    let status = asked(&stage).await;
    (status.status, status.reason)
}

#[tokio::test]
async fn status_is_that_of_the_anchored_list() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    Published::of(&[(40, Status::Invalid)]).publish(&stage);
    let status = asked(&stage).await;
    assert_eq!(status.status, Standing::Valid);
    assert_eq!(status.list_age_seconds, Some(60));
    assert!(status.block.is_some() && status.reason.is_none());
}

#[tokio::test]
async fn one_revoked_copy_revokes_and_one_suspended_suspends() {
    let revoked = Published::of(&[(1, Status::Invalid), (2, Status::Suspended)]);
    assert_eq!(status_after(revoked).await, (Standing::Revoked, None));
    let suspended = Published::of(&[(2, Status::Suspended)]);
    assert_eq!(status_after(suspended).await, (Standing::Suspended, None));
}

#[tokio::test]
async fn list_that_cannot_be_relied_on_leaves_the_status_unknown() {
    let all_revoked = || {
        Published::of(&[
            (0, Status::Invalid),
            (1, Status::Invalid),
            (2, Status::Invalid),
        ])
    };
    let unanchored = Published {
        anchored: false,
        ..all_revoked()
    };
    let stranger = Published {
        signer: Some(FileKey::generate().unwrap()),
        ..all_revoked()
    };
    let expired = Published {
        expires: NOW - 1,
        ..all_revoked()
    };
    let overdue = Published {
        next_update: Some(NOW - 40),
        ..all_revoked()
    };
    for (published, reason) in [
        (unanchored, "status_list_not_anchored"),
        (stranger, "status_list_invalid"),
        (expired, "status_list_expired"),
        (overdue, "status_list_overdue"),
    ] {
        assert_eq!(
            status_after(published).await,
            (Standing::Unknown, Some(reason))
        );
    }
}

#[tokio::test]
async fn silence_leaves_the_status_unknown() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    assert_eq!(asked(&stage).await.reason, Some("status_list_not_anchored"));
    Published::of(&[(0, Status::Invalid)]).publish(&stage);
    *stage.scene.status_list.lock().unwrap() = None;
    let status = asked(&stage).await;
    assert_eq!(status.reason, Some("status_list_missing"));
    *stage.ledger.cut.lock().unwrap() = true;
    let status = asked(&stage).await;
    assert_eq!(
        (status.status, status.reason),
        (Standing::Unknown, Some("ledger_unreachable"))
    );
    assert!(
        stage
            .wallet
            .document_status("nothing", NOW)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn document_that_an_ended_key_signed_is_told_to_be_issued_anew() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    Published::of(&[]).publish(&stage);
    assert_eq!(asked(&stage).await.status, Standing::Valid);
    let issuer = &stage.scene.issuer;
    let next = FileKey::generate().unwrap();
    {
        let mut ledger = stage.ledger.ledger.lock().unwrap();
        let Some(Record::Did(record)) = ledger.record(&RecordKey::Did(issuer.did.clone())) else {
            panic!("the issuer is not on the ledger");
        };
        let mut document = record.document;
        let new = NewKey {
            fragment: "key-2".to_owned(),
            public_key: FileKey::generate().unwrap().public_key().clone(),
        };
        document.rotate_key("key-1", new, 0, NOW - 40).unwrap();
        let operation = Operation::UpdateDid {
            did: issuer.did.clone(),
            version: record.version,
            document,
            next_key_hash: next.public_key().thumbprint(),
        };
        let signer = [OperationSigner::Jwk(&issuer.next)];
        let signed = sign_operation(ledger.network(), &operation, &signer).unwrap();
        ledger.apply(&signed).unwrap();
    }
    assert_eq!(asked(&stage).await.status, Standing::KeyEnded);
}

/// Has the wallet accept a card of an office below a ministry, whose own grant runs out ten seconds later.
async fn card_by_an_office_below_a_ministry() -> (Stage, TestAgency) {
    let (stage, ministry) = Stage::below_a_ministry(NOW + 10).await;
    stage.accept().await.unwrap();
    Published::of(&[]).publish(&stage);
    (stage, ministry)
}

/// Asks `after` seconds from now on.
async fn asked_after(stage: &Stage, after: u64) -> Standing {
    *stage.ledger.now.lock().unwrap() = NOW + after;
    let id = stage.wallet.documents(NOW).unwrap()[0].id.clone();
    let status = stage.wallet.document_status(&id, NOW + after).await;
    status.unwrap().unwrap().status
}

#[tokio::test]
async fn ended_ministry_stays_ended_when_the_office_ran_out() {
    let (stage, ministry) = card_by_an_office_below_a_ministry().await;
    assert_eq!(asked_after(&stage, 1).await, Standing::Valid);
    {
        let mut ledger = stage.ledger.ledger.lock().unwrap();
        ledger.set_time(NOW + 2);
        ledger.end_accreditation(&ministry.did, Role::Accreditor, 1);
    }
    for after in [2, 9, 10, 600] {
        let standing = asked_after(&stage, after).await;
        assert_eq!(standing, Standing::IssuerNotAccredited, "{after}");
    }
    // A new grant to the ministry revives nothing, and a clock that lags behind the ledger's hides nothing.
    {
        let mut ledger = stage.ledger.ledger.lock().unwrap();
        ledger.set_time(NOW + 601);
        let until = NOW + 365 * DAY;
        ledger.accredit(&ministry.did, Role::Accreditor, &[CARD], NOW + 601, until);
    }
    assert_eq!(
        asked_after(&stage, 602).await,
        Standing::IssuerNotAccredited
    );
    assert_eq!(asked(&stage).await.reason, Some("clock_wrong"));
}

#[tokio::test]
async fn office_that_ran_out_leaves_its_documents_as_they_are_and_hands_out_no_new_ones() {
    let (stage, _) = card_by_an_office_below_a_ministry().await;
    assert_eq!(asked_after(&stage, 20).await, Standing::Valid);
    let open = stage.wallet.read_offer(&stage.offer()).await.unwrap();
    let refused = stage.wallet.accept(&open, Some(CODE), NOW + 20).await;
    assert_eq!(refused.unwrap_err().code(), "issuer_not_accredited");
}

#[tokio::test]
async fn document_of_a_deactivated_issuer_says_so_and_a_revoked_one_stays_revoked() {
    for (entries, expected) in [
        (vec![], Standing::IssuerDeactivated),
        (vec![(1, Status::Invalid)], Standing::Revoked),
    ] {
        let stage = Stage::new().await;
        stage.accept().await.unwrap();
        Published::of(&entries).publish(&stage);
        {
            let mut ledger = stage.ledger.ledger.lock().unwrap();
            ledger.set_time(NOW - 20);
            ledger.deactivate(&stage.scene.issuer);
        }
        assert_eq!(asked(&stage).await.status, expected);
    }
}

#[tokio::test]
async fn list_answers_until_the_second_in_which_a_newer_one_is_due() {
    let due = |next_update| Published {
        next_update: Some(next_update),
        ..Published::of(&[])
    };
    assert_eq!(status_after(due(NOW + 1)).await.0, Standing::Valid);
    let overdue = status_after(due(NOW)).await;
    assert_eq!(overdue, (Standing::Unknown, Some("status_list_overdue")));
}
