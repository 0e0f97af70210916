//! Korean for what can go wrong, by code.

use jumin_wallet_core::VaultError;

/// Returns the sentence for a code.
pub(super) fn sentence(code: &str) -> Option<&'static str> {
    let found = SENTENCES.iter().find(|(known, _)| *known == code);
    found.map(|(_, sentence)| *sentence)
}

/// Returns the sentence for what tells how long to wait, or how many tries are left.
pub(super) fn of_vault(error: &VaultError) -> Option<String> {
    Some(match error {
        VaultError::TooSoon { seconds } => {
            format!("여러 번 틀렸습니다. {seconds}초 뒤에 다시 입력하세요.")
        }
        VaultError::CountLost { seconds } => format!(
            "틀린 횟수를 적어 둔 기록이 없어졌거나 바뀌었습니다. 파일이 손상되었거나, 누군가 PIN을 더 맞혀 보려고 손댔을 수 있습니다. \
             {seconds}초 뒤에 다시 입력할 수 있습니다."
        ),
        VaultError::WrongSecret { left, seconds } => {
            let mut out = "PIN 또는 암호 문구가 틀렸습니다.".to_owned();
            if let Some(left) = left {
                out += &format!(" {left}번 더 틀리면 완전히 잠깁니다.");
            }
            if *seconds > 0 && *left != Some(0) {
                out += &format!(" {seconds}초 뒤에 다시 입력하세요.");
            }
            out
        }
        _ => return None,
    })
}

#[rustfmt::skip]
const SENTENCES: &[(&str, &str)] = &[
    ("wallet_exists", "이 폴더에는 이미 지갑이 있습니다."),
    ("wallet_unfinished", "이 폴더의 지갑에는 열쇠 파일이 없습니다. 다른 폴더를 쓰거나 erase로 지우십시오."),
    ("wallet_missing", "이 폴더에는 지갑이 없습니다. init으로 만드십시오."),
    ("wallet_in_use", "다른 프로그램이 이 지갑을 쓰고 있습니다."),
    ("wallet_locked", "지갑이 잠겨 있습니다."),
    ("pin_too_short", "PIN은 6자 이상이어야 합니다."),
    ("passphrase_too_short", "키링 없이 쓰려면 암호 문구가 10자 이상이어야 합니다."),
    ("pin_missing", "PIN을 입력할 터미널이 없습니다. JUMIN_WALLET_PIN으로 넘겨 주십시오."),
    ("pin_mismatch", "두 번 입력한 값이 다릅니다."),
    ("pin_locked_out", "10번 틀려 잠겼습니다. 문서는 더 이상 열 수 없습니다. erase로 지우고 새로 만든 뒤 문서를 다시 발급받으십시오."),
    ("no_keyring", "데스크톱 키링(Secret Service)을 쓸 수 없습니다. 키링의 잠금을 풀거나 다시 로그인한 뒤 시도하세요. 새 지갑이라면 init --no-keyring으로 암호 문구만 쓰는 지갑을 만들 수 있습니다."),
    ("keyring_entry_missing", "키링에 이 지갑의 비밀값이 없습니다. 되살릴 수 없으면 erase로 지우고 문서를 다시 발급받으십시오."),
    ("vault_damaged", "지갑 파일이 손상되었습니다. 아무것도 바꾸지 않았습니다. 폴더의 사본을 되돌리거나 erase로 지우고 문서를 다시 발급받으십시오."),
    ("vault_newer", "더 새로운 판의 프로그램이 만든 지갑입니다."),
    ("disk_full", "디스크가 가득 찼습니다. 틀린 횟수를 적을 수 없으면 지갑을 열지 않습니다."),
    ("storage_failed", "지갑 폴더를 읽거나 쓸 수 없습니다."),
    ("storage_read_only", "지갑 폴더에 쓸 수 없습니다. 읽기 전용이거나 권한이 없습니다. 틀린 횟수를 적을 수 없으면 지갑을 열지 않습니다."),
    ("not_an_offer", "발급 안내가 아닙니다."),
    ("offer_gone", "이미 쓰였거나 기한이 지난 발급 안내입니다. 기관에 새로 요청하세요."),
    ("offer_refused", "기관이 거절했습니다. 확인 번호가 틀렸거나, 발급 안내가 이미 쓰였거나 기한이 지났습니다."),
    ("tx_code_missing", "기관이 알려 준 확인 번호가 필요합니다(--tx-code)."),
    ("tx_code_form", "확인 번호의 자릿수나 글자가 맞지 않습니다."),
    ("issuer_error", "기관 서버가 요청을 거절했습니다."),
    ("issuer_wrong_answer", "기관 서버의 응답이 올바르지 않습니다."),
    ("issuer_mismatch", "제안에 적힌 기관과 서버가 다릅니다."),
    ("foreign_server", "이 서버는 그 기관의 서버로 등록되어 있지 않습니다. 다른 누군가가 대신 응답하고 있을 수 있습니다."),
    ("no_issuer_at_server", "이 서버를 자기 서버로 등록한 기관이 없습니다. 아무것도 보내거나 저장하지 않았습니다."),
    ("accreditation_unknown", "인가 여부를 확인하지 못했습니다. 아무것도 보내거나 저장하지 않았습니다."),
    ("issuer_not_accredited", "이 증명서의 발급 인가가 없는 기관입니다. 아무것도 저장하지 않았습니다."),
    ("issuer_deactivated", "발급 기관의 식별자가 폐지되었습니다."),
    ("unknown_type", "원장에 없는 문서 종류입니다."),
    ("type_integrity", "문서 종류의 정의가 원장과 다릅니다."),
    ("wrong_credential", "요청한 문서가 아닙니다. 아무것도 저장하지 않았습니다."),
    ("signature_invalid", "문서의 서명이 맞지 않습니다."),
    ("expired", "유효 기간이 지난 문서입니다. 다시 발급받으십시오."),
    ("not_yet_valid", "아직 유효 기간이 시작되지 않은 문서입니다. 이 기기의 시계를 확인하십시오."),
    ("unknown_document", "이 지갑에 그런 문서가 없습니다."),
    ("ledger_unreachable", "원장에 연결할 수 없습니다."),
    ("ledger_proof_invalid", "노드의 응답이 증명되지 않았습니다. 믿을 수 없습니다."),
    ("trust_expired", "네트워크 정보가 너무 오래되어 더 믿을 수 없습니다. 기관에서 새 네트워크 파일을 받으십시오."),
    ("other_network", "이 지갑과 다른 네트워크의 파일입니다."),
    ("network_file_older", "이 지갑이 알고 있는 것보다 오래된 파일입니다. 기관에서 새 파일을 받으십시오."),
    ("ledger_went_back", "원장이 전에 본 것보다 오래된 상태를 보입니다. 노드를 믿을 수 없습니다."),
    ("ledger_forked", "원장에 같은 높이의 서로 다른 블록이 있습니다."),
    ("ledger_stale", "원장의 최신 블록이 너무 오래되었습니다. 이 기기의 시계도 확인하십시오."),
    ("clock_wrong", "이 기기의 시계가 원장보다 늦습니다. 시계를 맞추십시오."),
    ("no_bundle", "네트워크가 없고, 저장해 둔 원장 기록도 없거나 오래되었습니다. 연결된 곳에서 sync를 실행하십시오."),
    ("no_such_agency", "그런 이름의 등록된 기관이 없습니다."),
    ("ambiguous_agency", "이름이 비슷한 기관이 여럿입니다. 식별자로 지정하십시오."),
    ("not_a_request", "문서 제시 요청이 아닙니다."),
    ("request_incomplete", "요청 코드가 아직 다 읽히지 않았습니다."),
    ("request_unsigned", "서명이 없어 누가 요청하는지 알 수 없습니다."),
    ("request_signature_invalid", "요청의 서명이 맞지 않습니다."),
    ("request_expired", "기한이 지난 요청입니다. 새 요청을 받으십시오."),
    ("request_not_yet_valid", "요청 시각이 미래입니다. 이 기기의 시계를 확인하십시오."),
    ("foreign_verifier", "요청한 기관이 이 지갑의 네트워크에 없습니다."),
    ("untrusted_certificate", "요청한 곳의 인증서를 믿을 수 없습니다."),
    ("beyond_accreditation", "이 기관에 등록된 권한보다 많은 항목을 요청합니다. 아무것도 보이지 않았습니다. 그래도 제시하려면 --accept-unknown-verifier를 붙이십시오."),
    ("unknown_verifier", "이 문서를 요청할 자격이 등록되지 않은 곳입니다. 아무것도 보이지 않았습니다. 그래도 제시하려면 --accept-unknown-verifier를 붙이십시오."),
    ("unknown_service", "그런 업무가 없습니다."),
    ("service_needs_request", "이 업무는 요청을 받아야만 제시할 수 있습니다. 아무것도 보이지 않았습니다."),
    ("nothing_fits", "요청에 맞는 문서가 지갑에 없습니다."),
    ("claims_withheld", "요청에 필요한 항목을 공개하지 않기로 하여, 아무것도 보이지 않았습니다."),
    ("copies_used_up", "한 번만 쓰는 사본을 모두 썼습니다. 다시 발급받거나, 같은 사본을 다시 보이려면 --reuse를 붙이십시오(같은 사람임이 드러날 수 있습니다)."),
    ("verifier_refused", "요청한 곳의 서버가 거절했습니다."),
    ("unreachable", "서버에 연결할 수 없습니다."),
    ("no_qr_code", "그림에서 QR 코드를 찾지 못했습니다."),
    ("out_missing", "QR 코드를 쓸 곳을 --out으로 정하거나 --text를 붙이십시오."),
    ("confirmation_needed", "확인할 터미널이 없습니다. 동의하면 --yes를 붙이십시오."),
    ("declined", "취소했습니다."),
];
