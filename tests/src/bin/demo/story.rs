use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use jumin_identity::qr_version;
use jumin_registry::Role;
use jumin_tests::{
    Check, Codec, Ports, Settings, Stack, StackOptions, Tampering, Wallet, read_qr, tamper,
};
use serde_json::Value;

use crate::narrator::{Narrator, seconds};

const VALIDATORS: usize = 4;
/// The built-in services fetch newer evidence from this age on.
const REFRESH_AFTER: Duration = Duration::from_secs(3);
const NEXT_CHECK: Duration = Duration::from_secs(5);

/// Plays the story, and one presentation with window and page where a script for it is given; fails unless every step came
/// out right.
pub fn play(out: &Path, faces: Option<&Path>) -> Result<()> {
    let out = std::path::absolute(out)?;
    if out.exists() {
        fs::remove_dir_all(&out).context("cannot remove the last demonstration")?;
    }
    fs::create_dir_all(&out)?;
    let mut narrator =
        Narrator::begin("주민등록증 한 장의 이야기 · The story of one resident registration card");
    let started = Instant::now();
    println!(
        "    검증인 넷, 발급기관, 창구를 띄웁니다 · Starting four validators, an agency and a counter"
    );
    let mut scene = Scene::set(&out)?;
    println!("      ✓ {}\n", seconds(started.elapsed()));
    scene.play(&mut narrator);
    let directory = scene.stack.directory().to_owned();
    drop(scene);
    if let Some(script) = faces {
        narrator.step(
            "지갑 창과 창구 화면으로 한 번 더 해 봅니다",
            "Once more, with the wallet's window and the counter's page",
            || crate::faces::play(script, &out),
        );
    }
    // The data may hold keys; the logs may explain a failure.
    let result = narrator.end();
    if result.is_ok() {
        fs::remove_dir_all(directory)?;
        println!("pictures and verdicts: {}", out.display());
        println!("demo: ok");
    }
    result
}

struct Scene {
    stack: Stack,
    wallet: Wallet,
    out: PathBuf,
    resident: String,
    credential: String,
    last_check: Instant,
}

impl Scene {
    fn set(out: &Path) -> Result<Self> {
        let options = StackOptions {
            directory: out.join("run"),
            settings: Settings::default(),
            ports: Ports::free(VALIDATORS)?,
        };
        let stack = Stack::launch(&options)?;
        let wallet = stack.wallet("wallet")?;
        stack.counter.sync()?;
        Ok(Self {
            stack,
            wallet,
            out: out.to_owned(),
            resident: String::new(),
            credential: String::new(),
            last_check: Instant::now(),
        })
    }

    fn play(&mut self, narrator: &mut Narrator) {
        narrator.step(
            "구청이 주민등록증을 발급하고 시민이 지갑에 담습니다",
            "The district office issues a card; the citizen's wallet accepts it",
            || self.issue(),
        );
        narrator.step(
            "창구가 주소를 묻고, 시민이 보여 줍니다",
            "The counter asks for the address; the citizen shows it (strict, two codes)",
            || self.strict(),
        );
        narrator.step(
            "화면 없는 창구에서 나이만 보여 줍니다",
            "At a desk without a display the citizen shows an age only (one-way, one code)",
            || self.one_way(),
        );
        narrator.step(
            "같은 그림을 다시 내면 거절됩니다",
            "The same picture a second time is refused",
            || self.replay(),
        );
        narrator.step(
            "내용을 고친 그림은 거절됩니다",
            "A picture with a changed address is refused",
            || self.tampered(),
        );
        narrator.step(
            "통신이 끊겨도 확인합니다",
            "With the network cut, the counter still checks",
            || self.network_cut(),
        );
        narrator.step(
            "기관이 효력을 정지합니다",
            "The agency suspends the card",
            || self.status_change("suspend", "suspended"),
        );
        narrator.step(
            "기관이 정지를 풉니다",
            "The agency reinstates the card",
            || self.status_change("reinstate", "valid"),
        );
        narrator.step(
            "기관이 폐기합니다",
            "The agency revokes the card",
            || self.status_change("revoke", "revoked"),
        );
        narrator.step(
            "기관의 발급 자격이 끝납니다",
            "The agency's accreditation ends",
            || self.accreditation_ends(),
        );
    }

    fn issue(&mut self) -> Result<Vec<String>> {
        let resident = self.stack.issuer.adult()?;
        self.resident = resident["id"]
            .as_str()
            .context("a resident without id")?
            .to_owned();
        let offer = self.stack.issuer.offer(&self.resident, "resident-card")?;
        self.wallet.accept(&offer)?;
        self.credential = self.stack.issuer.credential_id(&self.resident)?;
        Ok(vec![
            format!("주민 resident: {}", name_of(&resident)),
            format!("기관 agency:   {}", self.stack.issuer.did()?),
        ])
    }

    fn strict(&mut self) -> Result<Vec<String>> {
        let check = self.present_and_check("strict", "address")?;
        require(&check, "valid")?;
        ensure!(
            check.json["assurance"] == "strict",
            "assurance: {}",
            check.json["assurance"]
        );
        let mut lines = saw(&check);
        lines.push(self.describe_qr("strict-answer.png")?);
        Ok(lines)
    }

    fn one_way(&mut self) -> Result<Vec<String>> {
        let picture = self.out.join("one-way-answer.png");
        let counter = self.stack.counter.did()?;
        self.wallet
            .present_to(&counter, "age-19", &picture)?
            .success()?;
        let check = self.check("one-way", &picture)?;
        require(&check, "valid")?;
        ensure!(
            check.json["assurance"] == "one-way",
            "assurance: {}",
            check.json["assurance"]
        );
        Ok(saw(&check))
    }

    fn replay(&mut self) -> Result<Vec<String>> {
        let strict = self.check("replay-strict", &self.out.join("strict-answer.png"))?;
        require(&strict, "replayed")?;
        let one_way = self.check("replay-one-way", &self.out.join("one-way-answer.png"))?;
        require(&one_way, "replayed")?;
        Ok(saw(&strict))
    }

    fn tampered(&mut self) -> Result<Vec<String>> {
        let picture = self.ask_and_answer("tampered", "address")?;
        let codec = Codec::of_issuer(self.stack.http(), &self.stack.issuer.url())?;
        let original = codec.decode_presentation(&read_qr(&picture)?)?;
        let forged = tamper(&original, Tampering::Disclosure)?;
        let check = self.check_texts("tampered", &Codec::plain().encode_presentation(&forged)?)?;
        ensure!(!check.accepted, "a forged presentation was accepted");
        require(&check, "signature_invalid")?;
        Ok(saw(&check))
    }

    fn network_cut(&mut self) -> Result<Vec<String>> {
        self.stack.cut_network()?;
        let result = self.present_and_check("network-cut", "address");
        self.stack.restore_network()?;
        let check = result?;
        require(&check, "valid")?;
        ensure!(
            check.json["checked"]["network"] == "offline",
            "checked: {}",
            check.json["checked"]
        );
        Ok(saw(&check))
    }

    fn status_change(&mut self, action: &str, expected: &str) -> Result<Vec<String>> {
        let picture = self.ask_and_answer(action, "address")?;
        let start = Instant::now();
        self.stack.issuer.change_status(&self.credential, action)?;
        let anchored = start.elapsed();
        self.await_refresh();
        let check = self.check(action, &picture)?;
        require(&check, expected)?;
        ensure!(
            start.elapsed() < NEXT_CHECK + anchored,
            "seen only after {}",
            seconds(start.elapsed())
        );
        let mut lines = vec![format!(
            "원장에 기록 anchored after {}, 창구에서 seen after {}",
            seconds(anchored),
            seconds(start.elapsed())
        )];
        lines.extend(saw(&check));
        Ok(lines)
    }

    fn accreditation_ends(&mut self) -> Result<Vec<String>> {
        let wallet = self.stack.wallet("second-wallet")?;
        self.stack.issue_card(&wallet)?;
        self.wallet = wallet;
        let before = self.present_and_check("accredited", "address")?;
        require(&before, "valid")?;
        let governor = self.stack.governor()?;
        governor.end_accreditation(&self.stack.issuer.did()?, Role::Issuer)?;
        let picture = self.ask_and_answer("accreditation-ended", "address")?;
        self.await_refresh();
        let check = self.check("accreditation-ended", &picture)?;
        require(&check, "issuer_not_accredited")?;
        Ok(saw(&check))
    }

    /// Asks at the counter, answers with the wallet, checks the answer.
    fn present_and_check(&mut self, name: &str, service: &str) -> Result<Check> {
        let picture = self.ask_and_answer(name, service)?;
        self.check(name, &picture)
    }

    fn ask_and_answer(&self, name: &str, service: &str) -> Result<PathBuf> {
        let request = self.out.join(format!("{name}-request.png"));
        let answer = self.out.join(format!("{name}-answer.png"));
        self.stack.counter.request(service, &request)?;
        self.wallet
            .present(&request.display().to_string(), &answer)?
            .success()?;
        Ok(answer)
    }

    fn check(&mut self, name: &str, picture: &Path) -> Result<Check> {
        let check = self.stack.counter.verify_picture(picture)?;
        self.keep(name, check)
    }

    fn check_texts(&mut self, name: &str, texts: &[String]) -> Result<Check> {
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let check = self.stack.counter.verify(&texts)?;
        self.keep(name, check)
    }

    fn keep(&mut self, name: &str, check: Check) -> Result<Check> {
        self.last_check = Instant::now();
        let file = self.out.join(format!("{name}-verdict.json"));
        fs::write(file, serde_json::to_vec_pretty(&check.json)?)?;
        Ok(check)
    }

    // A counter asks the ledger again only once its evidence is this old.
    fn await_refresh(&self) {
        std::thread::sleep(REFRESH_AFTER.saturating_sub(self.last_check.elapsed()));
    }

    fn describe_qr(&self, picture: &str) -> Result<String> {
        let texts = read_qr(&self.out.join(picture))?;
        let text = texts.first().context("no QR code")?;
        let version =
            qr_version(text.len()).map_or_else(String::new, |version| format!("{version}-L, "));
        Ok(format!(
            "QR: {version}{}자 characters → {picture}",
            text.len()
        ))
    }
}

fn require(check: &Check, expected: &str) -> Result<()> {
    if check.verdict != expected || check.accepted != (expected == "valid") {
        bail!("expected {expected}, but the counter said {}", check.json);
    }
    Ok(())
}

fn saw(check: &Check) -> Vec<String> {
    let mut lines = vec![format!(
        "창구 counter: {}{}",
        check.verdict,
        reason(&check.json)
    )];
    if let Some(claims) = check.json["claims"].as_object()
        && !claims.is_empty()
    {
        lines.push(format!(
            "보인 것 disclosed: {}",
            serde_json::to_string(claims).unwrap_or_default()
        ));
    }
    let checked = &check.json["checked"];
    if let Some(age) = checked["checkpoint_age_seconds"].as_u64() {
        let network = checked["network"].as_str().unwrap_or("?");
        let status = checked["status_list_age_seconds"].as_u64();
        let status = status.map_or_else(|| "-".into(), |age| format!("{age} s"));
        lines.push(format!(
            "근거 evidence: {network}, 원장 ledger {age} s, 상태 status {status} old"
        ));
    }
    lines
}

fn reason(verdict: &Value) -> String {
    verdict["reason"]
        .as_str()
        .map_or_else(String::new, |reason| format!(" ({reason})"))
}

fn name_of(resident: &Value) -> String {
    let name = &resident["name"];
    name["hangul"]
        .as_str()
        .or(name.as_str())
        .unwrap_or("?")
        .to_owned()
}
