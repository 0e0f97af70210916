//! What the command line says and refuses, without any server.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use jumin_registry::testing::TestLedger;
use tempfile::TempDir;

const PASSPHRASE: &str = "correct horse";

struct Desk(TempDir);

impl Desk {
    /// Makes a folder with a network's trust file.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trust = TestLedger::new(1_800_000_000).trust().to_json();
        std::fs::write(folder.path().join("network.json"), trust).unwrap();
        Self(folder)
    }

    /// Makes a wallet in it too.
    fn with_wallet() -> Self {
        let desk = Self::new();
        let output = desk.init(PASSPHRASE);
        assert!(output.status.success(), "{output:?}");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn init(&self, pin: &str) -> Output {
        let trust = self.path("network.json");
        let trust = trust.to_str().unwrap();
        let node = "http://127.0.0.1:1";
        self.run(
            pin,
            &["init", "--no-keyring", "--node", node, "--trust", trust],
        )
    }

    fn run(&self, pin: &str, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_jumin-wallet-cli"))
            .arg("--home")
            .arg(self.path("wallet"))
            .args(arguments)
            .env_remove("JUMIN_TRUST_ANCHORS")
            .env("LC_ALL", "C.UTF-8")
            .env("JUMIN_WALLET_PIN", pin)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

fn code_of(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    let line = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(line.trim_end().lines().count(), 1, "{line}");
    let (_, code) = line.rsplit_once('[').unwrap();
    code.split(']').next().unwrap().to_owned()
}

#[test]
fn error_is_one_line_with_a_code_and_an_object_in_json() {
    let desk = Desk::with_wallet();
    assert_eq!(code_of(&desk.run("wrong horse!", &["list"])), "wrong_pin");
    let output = desk.run(PASSPHRASE, &["show", "nothing", "--json"]);
    assert_eq!(code_of(&output), "unknown_document");
    let error: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(error["error"]["code"], "unknown_document");
    let korean = desk.run(PASSPHRASE, &["show", "nothing", "--lang", "ko"]);
    let korean = String::from_utf8(korean.stderr).unwrap();
    assert!(korean.starts_with("오류: 이 지갑에 그런 문서가 없습니다."));
}

#[test]
fn second_init_changes_nothing() {
    let desk = Desk::with_wallet();
    assert_eq!(code_of(&desk.init("another horse")), "wallet_exists");
    assert!(desk.run(PASSPHRASE, &["list"]).status.success());
}

#[test]
fn damaged_vault_is_named_and_erasing_makes_room() {
    let desk = Desk::with_wallet();
    let file = desk.path("wallet/wallet.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[5000] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(code_of(&desk.run(PASSPHRASE, &["list"])), "vault_damaged");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    assert_eq!(
        code_of(&desk.run(PASSPHRASE, &["erase"])),
        "confirmation_needed"
    );
    assert!(desk.run(PASSPHRASE, &["erase", "--yes"]).status.success());
    assert!(desk.init(PASSPHRASE).status.success());
}

#[test]
fn lost_record_of_tries_is_told_with_the_time_that_it_costs() {
    let desk = Desk::with_wallet();
    let file = desk.path("wallet/tries.json");
    let forged = "{\"failed\":0,\"last\":0}";
    for (content, language, told) in [
        (None, "en", "wait 30 seconds"),
        (Some(forged), "ko", "30초 뒤에 다시"),
    ] {
        match content {
            None => std::fs::remove_file(&file).unwrap(),
            Some(content) => std::fs::write(&file, content).unwrap(),
        }
        let refused = desk.run(PASSPHRASE, &["list", "--lang", language]);
        let line = String::from_utf8(refused.stderr).unwrap();
        assert!(
            line.contains("[pin_count_lost]") && line.contains(told),
            "{line}"
        );
    }
}

#[test]
fn pin_can_be_changed() {
    let desk = Desk::with_wallet();
    let output = Command::new(env!("CARGO_BIN_EXE_jumin-wallet-cli"))
        .arg("--home")
        .arg(desk.path("wallet"))
        .arg("change-pin")
        .env("JUMIN_WALLET_PIN", PASSPHRASE)
        .env("JUMIN_WALLET_NEW_PIN", "battery staple")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(code_of(&desk.run(PASSPHRASE, &["list"])), "wrong_pin");
    assert!(desk.run("battery staple", &["list"]).status.success());
}

#[test]
fn what_can_not_be_read_is_named() {
    let desk = Desk::with_wallet();
    for (arguments, code) in [
        (vec!["accept", "hello", "--yes"], "not_an_offer"),
        (vec!["accept", "offer.png", "--yes"], "file_unreadable"),
        (
            vec!["present", "--request", "hello", "--text"],
            "code_unreadable",
        ),
        (
            vec!["present", "--request", "openid4vp://?a=b", "--text"],
            "not_a_request",
        ),
        (
            vec!["present", "--to", "a", "--service", "age-19"],
            "out_missing",
        ),
        (
            vec!["present", "--to", "a", "--service", "age-19", "--text"],
            "nothing_fits",
        ),
        (vec!["agencies"], "no_bundle"),
        (vec!["sync"], "ledger_unreachable"),
    ] {
        assert_eq!(code_of(&desk.run(PASSPHRASE, &arguments)), code);
    }
    let again = Desk(tempfile::tempdir().unwrap());
    std::fs::write(again.path("network.json"), b"{}").unwrap();
    assert_eq!(code_of(&again.init(PASSPHRASE)), "bad_trust_file");
}
