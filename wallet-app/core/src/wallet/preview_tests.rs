use jumin_identity::ResponseMode;
use jumin_registry::Role;

use super::preview::OfferPreview;
use super::stage::*;
use crate::{ActivityFilter, Choice, ConsentDocument};

async fn preview(stage: &Stage) -> OfferPreview {
    let open = stage.wallet.read_offer(&stage.offer()).await.unwrap();
    stage.wallet.preview(&open, NOW).await.unwrap()
}

#[tokio::test]
async fn offer_names_the_accredited_issuer_of_its_server_before_it_is_accepted() {
    let stage = Stage::new().await;
    let preview = preview(&stage).await;
    assert!(preview.issuer.accredited && preview.issuer.checked.unwrap().online);
    assert_eq!(
        preview.issuer.did,
        Some(stage.scene.issuer_did().to_string())
    );
    assert_eq!(preview.issuer.name.unwrap().ko, "서울특별시 종로구");
    let [document] = preview.documents.as_slice() else {
        panic!("not one document");
    };
    assert_eq!(document.name.ko, "주민등록증");
    let card = document.card.as_ref().unwrap();
    assert!(card.title.is_empty() && card.lines.is_empty() && card.portrait.is_none());
    assert!(stage.wallet.documents(NOW).unwrap().is_empty());
}

#[tokio::test]
async fn issuer_that_is_not_accredited_is_named_so_with_the_reason() {
    let stage = Stage::new().await;
    {
        let mut ledger = stage.ledger.ledger.lock().unwrap();
        ledger.set_time(NOW - 10);
        ledger.end_accreditation(&stage.scene.issuer_did(), Role::Issuer, stage.grant);
    }
    let issuer = preview(&stage).await.issuer;
    assert_eq!(
        (issuer.accredited, issuer.not_accredited_because),
        (false, Some("ended"))
    );
    assert_eq!(issuer.name, None);
}

#[tokio::test]
async fn server_that_no_issuer_names_belongs_to_nobody() {
    let stage = Stage::new().await;
    let relay = stage
        .scene
        .base
        .lock()
        .unwrap()
        .replace("127.0.0.1", "localhost");
    *stage.scene.base.lock().unwrap() = relay;
    let issuer = preview(&stage).await.issuer;
    assert_eq!(issuer.not_accredited_because, Some("no_issuer_at_server"));
    assert!(!issuer.accredited && issuer.did.is_none() && issuer.name.is_none());
}

#[tokio::test]
async fn silent_ledger_is_no_accreditation() {
    let stage = Stage::new().await;
    *stage.ledger.cut.lock().unwrap() = true;
    let issuer = preview(&stage).await.issuer;
    assert!(!issuer.accredited && issuer.checked.is_none());
    assert_eq!(issuer.not_accredited_because, Some("ledger_unreachable"));
}

#[tokio::test]
async fn face_of_a_card_shows_name_and_dates_of_issue_but_no_number_and_no_address() {
    let stage = Stage::new().await;
    let document = stage.accept().await.unwrap();
    let face = stage.wallet.face(&document.id).unwrap().unwrap();
    assert_eq!(face.title, "홍길동");
    let lines: Vec<&str> = face.lines.iter().map(|line| line.path.as_str()).collect();
    assert_eq!(lines, ["issue_date", "issuing_authority"]);
    let all = serde_json::to_string(&face).unwrap();
    assert!(
        !all.contains("900101") && !all.contains("서울특별시\"") && !all.contains("1990-01-01")
    );
    assert_eq!(stage.wallet.face("nothing").unwrap(), None);
}

#[tokio::test]
async fn consent_names_what_stays_hidden_and_the_other_document_that_would_do() {
    let stage = Stage::new().await;
    let first = stage.accept().await.unwrap();
    let second = stage.accept().await.unwrap();
    let request = stage.request("address", ResponseMode::QrCode);
    let request = stage.wallet.read_request(&[request], NOW).await.unwrap();
    let consent = stage
        .wallet
        .consent(&request, &Choice::default(), NOW)
        .unwrap();
    let [
        ConsentDocument {
            document,
            disclosed,
            always,
            hidden,
            ..
        },
    ] = consent.documents.as_slice()
    else {
        panic!("not one document");
    };
    assert_eq!(document.id, second.id);
    let alternatives: Vec<&str> = consent.alternatives.iter().map(|d| d.id.as_str()).collect();
    assert_eq!(alternatives, [first.id.as_str()]);
    assert!(disclosed.iter().any(|claim| claim.path == "address.sido"));
    assert!(!disclosed.iter().any(|claim| claim.path == "birthdate"));
    let hidden: Vec<&str> = hidden.iter().map(|name| name.ko.as_str()).collect();
    assert!(hidden.contains(&"주민등록번호") && hidden.contains(&"생년월일"));
    assert!(!hidden.contains(&"도로명"));
    assert!(always.iter().all(|claim| !claim.selectively_disclosable));
}

#[tokio::test]
async fn log_speaks_in_names_and_is_searched_by_them() {
    let stage = Stage::new().await;
    let document = stage.accept().await.unwrap();
    let request = stage.request("address", ResponseMode::QrCode);
    let request = stage.wallet.read_request(&[request], NOW).await.unwrap();
    stage
        .wallet
        .answer(&request, &Choice::default(), NOW)
        .await
        .unwrap();
    let listed = |search: Option<&str>, of: Option<&str>| {
        let filter = ActivityFilter {
            search: search.map(str::to_owned),
            document: of.map(str::to_owned),
            limit: 100,
        };
        stage.wallet.history(&filter).unwrap()
    };
    let all = listed(None, None);
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].document_name.as_ref().unwrap().ko, "주민등록증");
    assert!(all[0].claims.iter().any(|name| name.ko == "도로명"));
    assert_eq!(listed(Some(" ROAD name"), None).len(), 1);
    assert_eq!(listed(Some("종로구"), None).len(), 2);
    assert_eq!(listed(Some("홍길동"), None).len(), 0);
    assert_eq!(listed(None, Some(&document.id)).len(), 2);
    assert_eq!(listed(None, Some("another")).len(), 0);
    stage.wallet.delete(&document.id, NOW).unwrap();
    let after = listed(Some("resident registration card"), None);
    assert_eq!(after.len(), 3);
}
