//! An office below a ministry whose accreditation is ended: its cards are refused for good, whatever runs out or is granted since.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use jumin_registry::{AnchorKind, RecordKey, Role};
use jumin_tests::{Agency, Governor, Issuer, Program, Stack, Wallet, run, unix_now, wait_until};

const DAY: u64 = 86_400;
/// Each of the office's grants lasts so long, in seconds: long enough to issue a card.
const SHORT: u64 = 30;
/// How many such grants a slow machine may take.
const TRIES: usize = 8;
const CARD: &str = "urn:jumin:resident-card:1";

struct Scene {
    stack: Stack,
    governor: Governor,
    ministry: Agency,
    office: Issuer,
    wallet: Wallet,
}

/// A card in the wallet, and when its issuer's grant runs out.
struct Card {
    id: String,
    until: u64,
}

impl Scene {
    fn start() -> Result<Self> {
        let stack = Stack::start()?;
        let governor = stack.governor()?;
        let ministry = Agency::accreditor(
            &governor,
            "행정안전부",
            "Ministry of the Interior and Safety",
        )?;
        let office = stack.another_issuer_accredited("office", |did| {
            ministry.accredit_issuer(&governor, did, short())
        })?;
        let wallet = stack.wallet("wallet")?;
        Ok(Self {
            stack,
            governor,
            ministry,
            office,
            wallet,
        })
    }

    fn accept_card(&self) -> Result<String> {
        let resident = self.office.adult()?["id"].as_str().map(str::to_owned);
        let resident = resident.context("a resident without an id")?;
        let offer = self.office.offer(&resident, "resident-card")?;
        let accepted = self.wallet.accept(&offer)?;
        Ok(accepted["id"].as_str().context("no id")?.to_owned())
    }

    /// Tells whether the ledger has what counters need to read the office's cards.
    fn has_published(&self) -> Result<bool> {
        let issuer: jumin_identity::Did = self.office.did()?.parse()?;
        let list = format!("{}/status/1", self.office.url());
        for (kind, name) in [
            (AnchorKind::Dictionary, CARD.to_owned()),
            (AnchorKind::StatusList, list),
        ] {
            let issuer = issuer.clone();
            let key = RecordKey::Anchor { issuer, kind, name };
            if self.governor.record(&key)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Issues a card under a grant that soon runs out.
    fn card_under_a_short_grant(&self) -> Result<Card> {
        let did = self.office.did()?;
        for _ in 0..TRIES {
            let period = short();
            self.ministry
                .accredit_issuer(&self.governor, &did, period)?;
            let published = wait_until("publication", Duration::from_secs(SHORT / 2), || {
                Ok(self.has_published()?.then_some(()))
            });
            if published.is_ok()
                && let Ok(id) = self.accept_card()
            {
                let until = period.1;
                return Ok(Card { id, until });
            }
        }
        bail!("no card within {SHORT} seconds")
    }

    /// What a counter says of a card that the wallet shows it.
    fn verdict(&self, card: &str, name: &str) -> Result<String> {
        let request = self.stack.path(&format!("{name}-request.png"));
        let answer = self.stack.path(&format!("{name}-answer.png"));
        self.stack.counter.sync()?;
        self.stack.counter.request("age-19", &request)?;
        self.wallet
            .present_document(card, &request, &answer)?
            .success()?;
        Ok(self.stack.counter.verify_picture(&answer)?.verdict)
    }

    /// What counter and wallet say of a card.
    fn told(&self, card: &str, name: &str) -> Result<(String, String)> {
        Ok((self.verdict(card, name)?, self.wallet.status(card)?))
    }

    /// How the node's explorer says that the office's grants stand, in their order.
    fn standings(&self) -> Result<Vec<String>> {
        let did = self.office.did()?;
        let node = self.stack.network.urls().remove(0);
        let all = self
            .stack
            .http()
            .get(&format!("{node}/v1/accreditations?limit=100"), &[])?
            .success()?;
        let all = all["accreditations"].as_array().context("no list")?;
        let office = all.iter().find(|one| one["subject"] == did.as_str());
        let grants = office.and_then(|office| office["grants"].as_array());
        let grants = grants.context("the office has no grants")?.iter();
        let standing = |grant: &serde_json::Value| grant["standing"].as_str().map(str::to_owned);
        Ok(grants.filter_map(standing).collect())
    }

    /// What the command line says of the office.
    fn listed(&self) -> Result<String> {
        let did = self.office.did()?;
        let node = self.stack.network.urls().remove(0);
        let trust = self.stack.network.trust_file().display().to_string();
        let arguments = ["accreditations", &did, "--node", &node, "--network", &trust];
        let listed = run(Program::Node, self.stack.settings(), &arguments)?;
        Ok(listed.success()?.stdout)
    }
}

/// A period that covers the present and soon is over; cards are dated to the day, so it begins with it.
fn short() -> (u64, u64) {
    let now = unix_now();
    (now - now % DAY, now + SHORT)
}

fn said(verdict: &str, status: &str) -> (String, String) {
    (verdict.to_owned(), status.to_owned())
}

#[test]
fn ended_ministry_stays_ended_when_the_office_ran_out_and_a_new_grant_revives_nothing() -> Result<()>
{
    let mut scene = Scene::start()?;
    let card = scene.card_under_a_short_grant()?;
    assert_eq!(scene.told(&card.id, "issued")?, said("valid", "valid"));

    let ministry = scene.ministry.did.to_string();
    scene
        .governor
        .end_accreditation(&ministry, Role::Accreditor)?;
    let refused = said("issuer_not_accredited", "issuer_not_accredited");
    assert_eq!(scene.told(&card.id, "ended")?, refused);

    wait_until("the grant runs out", Duration::from_secs(120), || {
        Ok((unix_now() > card.until).then_some(()))
    })?;
    assert_eq!(scene.told(&card.id, "ran-out")?, refused);
    assert!(scene.standings()?.iter().all(|one| one == "ended"));
    let listed = scene.listed()?;
    assert!(
        listed.contains("ended with what it hangs below"),
        "{listed}"
    );
    assert!(!listed.contains("in force"), "{listed}");

    // Governance trusts the ministry again from now on, and the ministry the office.
    let (now, did) = (unix_now(), scene.office.did()?);
    let until = now + 30 * DAY;
    scene
        .governor
        .accredit_again(&ministry, Role::Accreditor, now, until)?;
    scene
        .ministry
        .accredit_issuer(&scene.governor, &did, (now, until))?;
    assert_eq!(scene.told(&card.id, "again")?, refused);
    assert_eq!(
        scene.standings()?.last().map(String::as_str),
        Some("in_force")
    );

    // What it issues under the new grant is dated into it, and stands.
    scene.office.kill()?;
    scene.office.serve()?;
    let second = scene.accept_card()?;
    assert_eq!(scene.told(&second, "second")?, said("valid", "valid"));
    assert_eq!(scene.told(&card.id, "first")?, refused);
    Ok(())
}
