//! One function for each command.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jumin_wallet_core::{
    Answer, Choice, Consent, DeviceStore, Mode, NetworkSettings, SecretService, VaultError,
    VerifiedRequest, Wallet,
};

use super::arguments::{Accept, Arguments, Command, Init, NetworkFile, Present};
use super::failure::Failure;
use super::output::Done;
use super::{Language, ask, pictures, tell};

/// Does what was asked for on the command line.
pub(crate) async fn run(arguments: Arguments, language: Language) -> Result<Done, Failure> {
    let home = home(arguments.home)?;
    let open = || opened(&home, language);
    match arguments.command {
        Command::Init(init) => make(&home, init, language).await,
        Command::Accept(accept) => self::accept(&open()?, accept, language).await,
        Command::List => Ok(Done::Documents(open()?.documents(now())?)),
        Command::Show { id } => {
            let found = open()?.document(&id, now())?;
            found.map(Done::Document).ok_or_else(|| unknown(&id))
        }
        Command::Status { id } => {
            let found = open()?.document_status(&id, now()).await?;
            found.map(Done::Status).ok_or_else(|| unknown(&id))
        }
        Command::Present(present) => self::present(&open()?, present, language).await,
        Command::Agencies => Ok(Done::Agencies(open()?.agencies(now()).await?)),
        Command::Activity { limit } => Ok(Done::Activity(open()?.activity(limit)?)),
        Command::Delete { id, yes } => delete(&open()?, &id, yes, language),
        Command::Sync => Ok(Done::Synced(open()?.sync(now()).await?)),
        Command::Network(file) => {
            open()?.renew_network(&settings(&file)?)?;
            Ok(Done::NetworkRenewed)
        }
        Command::ChangePin => {
            let wallet = Wallet::open(&home)?;
            wallet.change_secret(&ask::pin(language)?, &ask::next_pin(language)?, now())?;
            Ok(Done::PinChanged)
        }
        Command::Erase { yes } => {
            let question = language.pick(
                "지갑과 모든 문서를 영영 지울까요?",
                "Destroy this wallet with all its documents for good?",
            );
            confirm(yes, question)?;
            Wallet::erase(&home)?;
            Ok(Done::Erased)
        }
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn home(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let data = || match set("XDG_DATA_HOME") {
        Some(data) => Some(PathBuf::from(data)),
        None => Some(PathBuf::from(set("HOME")?).join(".local/share")),
    };
    given
        .or_else(|| Some(data()?.join("jumin-wallet")))
        .ok_or_else(|| Failure::new("home_missing", "name the wallet's folder with --home"))
}

fn opened(home: &Path, language: Language) -> Result<Wallet, Failure> {
    let wallet = Wallet::open(home)?;
    wallet.unlock(&ask::pin(language)?, now())?;
    Ok(wallet)
}

fn unknown(id: &str) -> Failure {
    Failure::new(
        "unknown_document",
        format!("this wallet has no document {id}"),
    )
}

fn confirm(yes: bool, question: &str) -> Result<(), Failure> {
    if yes || ask::agreed(question)? {
        return Ok(());
    }
    Err(Failure::new("declined", "nothing was done"))
}

fn settings(file: &NetworkFile) -> Result<NetworkSettings, Failure> {
    let trust = pictures::read_file(&file.trust)?;
    let anchors = file.trust_anchors.as_deref();
    Ok(NetworkSettings::new(&file.nodes, &trust, anchors)?)
}

async fn make(home: &Path, init: Init, language: Language) -> Result<Done, Failure> {
    let network = settings(&init.network)?;
    let device: Option<Arc<dyn DeviceStore>> = match init.no_keyring {
        true => None,
        false => Some(Arc::new(
            SecretService::connect().map_err(VaultError::from)?,
        )),
    };
    let secret = ask::first_pin(device.is_some(), language)?;
    let wallet = Wallet::create(home, &secret, device, &network)?;
    // The wallet is made with or without a network; the next command with one fetches the records.
    let synced = wallet.sync(now()).await.is_ok();
    Ok(Done::Made {
        home: wallet.home(),
        network: network.trust.network.to_string(),
        protection: wallet.protection(),
        synced,
    })
}

async fn accept(wallet: &Wallet, accept: Accept, language: Language) -> Result<Done, Failure> {
    let text = pictures::text_or_picture(&accept.offer)?;
    let open = wallet.read_offer(&text).await?;
    if !accept.yes {
        let preview = wallet.preview(&open, now()).await?;
        println!("{}", tell::offer(&preview, language));
        if let Some(refused) = preview.refused {
            return Err(refused.into());
        }
        confirm(false, language.pick("받을까요?", "Accept it?"))?;
    }
    let stored = wallet.accept(&open, accept.tx_code.as_deref(), now());
    Ok(Done::Accepted(stored.await?))
}

fn delete(wallet: &Wallet, id: &str, yes: bool, language: Language) -> Result<Done, Failure> {
    let question = language.pick(
        "이 문서를 지울까요? 다시 받으려면 새로 발급받아야 합니다.",
        "Delete this document? To have it again it must be issued again.",
    );
    // Without a terminal the command itself is the decision, as with `rm`.
    confirm(yes || !ask::somebody(), question)?;
    match wallet.delete(id, now())? {
        true => Ok(Done::Deleted(id.to_owned())),
        false => Err(unknown(id)),
    }
}

async fn present(wallet: &Wallet, present: Present, language: Language) -> Result<Done, Failure> {
    let choice = Choice {
        document: present.credential.clone(),
        disclose: present.disclose.clone(),
        accept_unknown_verifier: present.accept_unknown_verifier,
        reuse: present.reuse,
    };
    if let (Some(agency), Some(service)) = (&present.to, &present.service) {
        require_out(&present)?;
        if !present.yes {
            let consent = wallet.one_way_consent(agency, service, &choice, now());
            agree(&consent.await?, language)?;
        }
        let (answer, _) = wallet.one_way(agency, service, &choice, now()).await?;
        return presented(&present, answer);
    }
    let texts = present
        .request
        .iter()
        .map(|request| pictures::text_or_picture(request))
        .collect::<Result<Vec<_>, _>>()?;
    let request = wallet.read_request(&texts, now()).await?;
    if request.mode() == Mode::Qr {
        require_out(&present)?;
    }
    if !present.yes {
        let consent = wallet.consent(&request, &choice, now())?;
        agree_or_decline(wallet, &request, &consent, language).await?;
    }
    let answer = wallet.answer(&request, &choice, now()).await?;
    presented(&present, answer)
}

fn require_out(present: &Present) -> Result<(), Failure> {
    match &present.out {
        Some(out) => pictures::require_writable(out),
        None if present.text => Ok(()),
        None => Err(Failure::new(
            "out_missing",
            "say where to write the QR code with --out, or give --text",
        )),
    }
}

fn agree(consent: &Consent, language: Language) -> Result<(), Failure> {
    println!("{}", tell::consent(consent, language));
    confirm(false, language.pick("보일까요?", "Present it?"))
}

async fn agree_or_decline(
    wallet: &Wallet,
    request: &VerifiedRequest,
    consent: &Consent,
    language: Language,
) -> Result<(), Failure> {
    let agreed = agree(consent, language);
    if agreed.is_err() && ask::somebody() {
        wallet.decline(request).await?;
    }
    agreed
}

fn presented(present: &Present, mut answer: Answer) -> Result<Done, Failure> {
    let files = match &present.out {
        Some(out) => pictures::write_codes(&answer.frames, out)?,
        None => Vec::new(),
    };
    let codes = answer.frames.len();
    if !present.text {
        answer.frames.clear();
    }
    Ok(Done::Presented {
        answer,
        files,
        codes,
    })
}
