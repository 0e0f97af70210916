//! The command line against a real Secret Service: each test runs its own bus and its own gnome-keyring-daemon, in folders
//! of their own. A machine without them fails these tests rather than skipping them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use jumin_registry::testing::TestLedger;
use tempfile::TempDir;

/// Starts the keyring daemon on the session's bus, unlocked by a password, runs the rest, and ends the daemon.
const WITH_KEYRING: &str = r#"
printf %s login-password | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &
daemon=$!
trap 'kill $daemon 2>/dev/null' EXIT
n=0
until dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
        string:org.freedesktop.secrets 2>/dev/null | grep -q 'boolean true'; do
    n=$((n + 1)); [ $n -lt 300 ] || { echo 'no Secret Service' >&2; exit 99; }; sleep 0.1
done
"#;

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "run", "data", "config", "cache"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let trust = TestLedger::new(1_800_000_000).trust().to_json();
        std::fs::write(folder.path().join("network.json"), trust).unwrap();
        let desk = Self(folder);
        private(&desk.path("run"));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a shell script in which `$wallet` is the command line with its folder.
    fn run(&self, script: &str, bus: bool, pin: &str) -> Output {
        let program = env!("CARGO_BIN_EXE_jumin-wallet-cli");
        let wallet = format!(
            "wallet='{program} --home {}'\n",
            self.path("wallet").display()
        );
        let mut command = match bus {
            true => {
                let mut command = Command::new("dbus-run-session");
                command.args(["--", "sh", "-c"]);
                command
            }
            false => {
                let mut command = Command::new("sh");
                command.arg("-c");
                command
            }
        };
        command
            .arg(wallet + script)
            .current_dir(self.0.path())
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("GNOME_KEYRING_CONTROL")
            .env_remove("DISPLAY")
            .env_remove("JUMIN_TRUST_ANCHORS")
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("JUMIN_WALLET_PIN", pin)
            .stdin(Stdio::null());
        command
            .output()
            .expect("dbus-run-session and sh are installed")
    }

    fn with_keyring(&self, script: &str, pin: &str) -> Output {
        self.run(&format!("{WITH_KEYRING}{script}"), true, pin)
    }
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
}

const INIT: &str = "$wallet init --node http://127.0.0.1:1 --trust network.json";

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn worked(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    said(output)
}

fn failed_with(output: &Output, code: &str) {
    let said = said(output);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains(&format!("[{code}]")), "{said}");
}

#[test]
fn wallet_opens_again_after_a_new_login_with_the_same_keyring() {
    let desk = Desk::new();
    let made = worked(&desk.with_keyring(&format!("{INIT} --json && $wallet list"), "135790"));
    assert!(made.contains("\"protection\": \"keyring\"") && made.contains("No documents."));
    worked(&desk.with_keyring("$wallet list", "135790"));
}

#[test]
fn older_record_of_tries_that_is_put_back_is_noticed_by_the_keyring() {
    let desk = Desk::new();
    worked(&desk.with_keyring(INIT, "135790"));
    let fresh = desk.path("wallet/tries.json");
    let before = std::fs::read(&fresh).unwrap();
    let five = "for try in 1 2 3 4 5; do $wallet list; done; exit 1";
    let wrong = desk.with_keyring(five, "000000");
    failed_with(&wrong, "wrong_pin");
    assert!(said(&wrong).contains("5 tries left; wait 30 seconds before the next try"));
    std::fs::write(&fresh, before).unwrap();
    failed_with(
        &desk.with_keyring("$wallet list", "135790"),
        "pin_count_lost",
    );
}

#[test]
fn right_pin_opens_nothing_where_the_keyring_is_another() {
    let desk = Desk::new();
    worked(&desk.with_keyring(INIT, "135790"));
    std::fs::remove_dir_all(desk.path("data")).unwrap();
    std::fs::create_dir(desk.path("data")).unwrap();
    failed_with(
        &desk.with_keyring("$wallet list", "135790"),
        "keyring_entry_missing",
    );
}

#[test]
fn without_a_bus_it_says_so_and_names_the_way_out() {
    let desk = Desk::new();
    let output = desk.run(INIT, false, "135790");
    failed_with(&output, "no_keyring");
    assert!(said(&output).contains("--no-keyring"));
    assert!(!desk.path("wallet/vault.json").exists());
    let init = format!("{INIT} --no-keyring");
    failed_with(&desk.run(&init, false, "135790"), "passphrase_too_short");
    worked(&desk.run(&format!("{init} && $wallet list"), false, "correct horse"));
}

#[test]
fn bus_without_a_keyring_is_found_out_before_anything_is_made() {
    let desk = Desk::new();
    let output = desk.run(INIT, true, "135790");
    failed_with(&output, "no_keyring");
    assert!(!desk.path("wallet/vault.json").exists());
}

#[test]
fn erased_wallet_leaves_nothing_in_the_keyring() {
    let desk = Desk::new();
    let script = format!("{INIT} && $wallet erase --yes && $wallet list");
    failed_with(&desk.with_keyring(&script, "135790"), "wallet_missing");
    worked(&desk.with_keyring(&format!("{INIT} && $wallet list"), "135790"));
}

#[test]
fn keyring_that_never_answers_is_given_up_with_advice() {
    let desk = Desk::new();
    worked(&desk.with_keyring(INIT, "135790"));
    let program = env!("CARGO_BIN_EXE_jumin-wallet-cli");
    let other = INIT.replace("$wallet", &format!("{program} --home other"));
    for command in ["$wallet list", &other] {
        let stuck =
            format!("kill -STOP $daemon; {command}; code=$?; kill -CONT $daemon; exit $code");
        let output = desk.with_keyring(&stuck, "135790");
        failed_with(&output, "no_keyring");
        assert!(said(&output).contains("did not answer within 5 seconds"));
        assert!(said(&output).contains("log out and in again"));
    }
    assert!(!desk.path("other/vault.json").exists());
    worked(&desk.with_keyring("$wallet list", "135790"));
}
