use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use jumin_http::Client;
use jumin_identity::{ClaimPath, DidUrl, FileKey};
use jumin_keys::{Agency, KeyCommand, UpdateKeys};
use jumin_registry::client::LedgerClient;
use jumin_registry::{Claims, Localized, NetworkTrust};
use jumin_verifier::{Verdict, VerifierIdentity};
use url::Url;

use crate::desk::{Desk, Mode, Scanned};
use crate::evidence::EvidenceFiles;
use crate::home::{Home, Settings, read_bounded, write_atomic};
use crate::outcome::Outcome;
use crate::picture::{MAX_PICTURE_BYTES, draw_code, is_picture, read_code};
use crate::serve::{ServeArgs, print_link, serve};
use crate::setup::{NewOffice, REQUEST_KEYS, SetUp, set_up};
use crate::standing::{Standing, standing};
use crate::store::Store;
use crate::sync::{Ledger, Patience};

/// Exit code of `verify` for any verdict but `valid`.
const NOT_VALID: u8 = 1;

/// Exit code of `init` while the office's DID waits to be accredited.
const AWAITS_ACCREDITATION: u8 = 3;

/// Serves an office's desks: requests, scans, verdicts.
#[derive(Debug, Parser)]
#[command(name = "jumin-counter", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a counter's home: keys, a DID on the ledger and, with --governor, its accreditation; exit code 3: have the
    /// printed DID accredited, then run it again.
    Init(InitArgs),
    /// Looks at and changes the counter's keys and its DID.
    #[command(subcommand)]
    Key(Box<KeyCommand<HomeArgs>>),
    /// Gets the newest ledger bundle, status lists and dictionaries.
    Sync(HomeArgs),
    /// Starts a request and draws it as a QR code.
    Request(RequestArgs),
    /// Checks scanned codes; prints the verdict as JSON; exit code 0 only for `valid`.
    Verify(VerifyArgs),
    /// Serves the desk's page and API at one address, and wallets (OpenID4VP) at another.
    Serve(ServeArgs),
    /// Prints a link that lets one browser use the desk for twelve hours; it can be opened once, within ten minutes.
    SignIn(HomeArgs),
    /// Copies the database into a file while the server runs.
    Backup(BackupArgs),
}

#[derive(Debug, Args)]
pub(crate) struct HomeArgs {
    /// The counter's folder.
    #[arg(long, env = "JUMIN_COUNTER_HOME")]
    pub(crate) home: PathBuf,
}

#[derive(Debug, Args)]
struct InitArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// A ledger node; may be given several times.
    #[arg(long = "node", required = true, num_args = 1..)]
    nodes: Vec<Url>,
    /// The network's trust file (network.json).
    #[arg(long)]
    trust: PathBuf,
    /// The governance key, to accredit the office in development.
    #[arg(long)]
    governor: Option<PathBuf>,
    /// With --governor: a claim that the office may ask for, such as address.sido; may be given several times; all claims
    /// if it is not given.
    #[arg(long = "claim", value_name = "CLAIM", requires = "governor")]
    claims: Vec<ClaimPath>,
    /// The office's name in Korean.
    #[arg(long, default_value = "종로구청 민원실")]
    name_ko: String,
    /// The office's name in English.
    #[arg(long, default_value = "Jongno-gu Civil Service Counter")]
    name_en: String,
    /// The folder or medium for the key that the DID's first change needs; by default beside the home.
    #[arg(long, value_name = "DIR")]
    update_keys: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RequestArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// The service: age-19, address, identity or one of the office's own.
    #[arg(long)]
    service: String,
    /// Where to write the QR code (PNG).
    #[arg(long)]
    out: Option<PathBuf>,
    /// Prints the code's text, too.
    #[arg(long)]
    text: bool,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// Pictures of codes, texts of codes, files with texts, or - for standard input.
    #[arg(required = true)]
    codes: Vec<String>,
    /// The one-way request that this answers.
    #[arg(long)]
    request: Option<String>,
}

#[derive(Debug, Args)]
struct BackupArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// The file to make; it must not be there yet.
    #[arg(long)]
    out: PathBuf,
}

impl Cli {
    /// Does what the command line says.
    pub async fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Init(args) => init(args).await,
            Command::Key(command) => key(*command).await,
            Command::Sync(args) => sync(args).await,
            Command::Request(args) => request(args).await,
            Command::Verify(args) => verify(args).await,
            Command::Serve(args) => serve(args).await,
            Command::SignIn(args) => print_link(&Home::at(args.home)).await,
            Command::Backup(args) => backup(args).await,
        }
    }
}

async fn backup(args: BackupArgs) -> Result<ExitCode> {
    let home = Home::at(&args.home.home);
    home.settings()?;
    let store = Store::open(&home.database()).await?;
    store.back_up(&args.out, crate::clock::unix_now()).await?;
    println!("{}", args.out.display());
    Ok(ExitCode::SUCCESS)
}

async fn init(args: InitArgs) -> Result<ExitCode> {
    let trust = read_bounded(&args.trust)
        .with_context(|| format!("cannot read {}", args.trust.display()))?;
    let trust: NetworkTrust = serde_json::from_slice(&trust)
        .with_context(|| format!("{} is no trust file", args.trust.display()))?;
    let governor = args.governor.as_deref().map(read_key).transpose()?;
    let office = NewOffice {
        nodes: args.nodes,
        trust,
        name: Localized {
            ko: args.name_ko,
            en: args.name_en,
        },
        claims: match args.claims.as_slice() {
            [] => Claims::Any,
            claims => Claims::Only(claims.to_vec()),
        },
        governor,
        update_keys: args
            .update_keys
            .map_or_else(|| UpdateKeys::beside(&args.home.home), UpdateKeys::at),
    };
    let home = Home::at(args.home.home);
    match set_up(&home, office, Client::new()?).await? {
        SetUp::Ready(settings) => {
            println!("{}", settings.did);
            Ok(ExitCode::SUCCESS)
        }
        SetUp::AwaitsAccreditation(did) => {
            println!("{did}");
            eprintln!(
                "The registry takes this DID once somebody has accredited it. Have the governors or an accreditor \
                 accredit it as a verifier (jumin-registry-node govern accredit, or accredit), then run this command again."
            );
            Ok(ExitCode::from(AWAITS_ACCREDITATION))
        }
    }
}

async fn key(command: KeyCommand<HomeArgs>) -> Result<ExitCode> {
    let home = Home::at(command.place().home.clone());
    let settings = home.settings()?;
    let agency = Agency {
        did: settings.did,
        home: home.root().to_owned(),
        keys: home.keys(),
        ledger: LedgerClient::new(settings.nodes, settings.trust, Client::new()?),
    };
    command.run(&agency, crate::clock::unix_now()).await?;
    Ok(ExitCode::SUCCESS)
}

fn read_key(path: &Path) -> Result<FileKey> {
    let pem = read_bounded(path).with_context(|| format!("cannot read {}", path.display()))?;
    let pem = zeroize::Zeroizing::new(String::from_utf8(pem).unwrap_or_default());
    FileKey::from_pkcs8_pem(&pem).with_context(|| format!("{} holds no key", path.display()))
}

async fn sync(args: HomeArgs) -> Result<ExitCode> {
    let home = Home::at(args.home);
    let (ledger, _) = open_ledger(&home)?;
    let report = ledger.sync().await?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(ExitCode::SUCCESS)
}

async fn request(args: RequestArgs) -> Result<ExitCode> {
    let desk = open_desk(&Home::at(args.home.home)).await?;
    let started = desk.start(&args.service, Mode::Qr, "").await?;
    if let Some(out) = &args.out {
        for (index, text) in started.qr.iter().enumerate() {
            let path = numbered(out, index);
            write_atomic(&path, &draw_code(text)?)
                .with_context(|| format!("cannot write {}", path.display()))?;
            eprintln!("{}", path.display());
        }
    }
    if args.text || args.out.is_none() {
        for text in &started.qr {
            println!("{text}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Names the file of a further frame: `qr.png`, `qr-2.png`, `qr-3.png`, …
fn numbered(path: &Path, index: usize) -> PathBuf {
    if index == 0 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{}.{extension}", index + 1))
}

async fn verify(args: VerifyArgs) -> Result<ExitCode> {
    let desk = open_desk(&Home::at(args.home.home)).await?;
    let desk = desk.with_patience(Patience::COMMAND);
    let mut texts = Vec::new();
    for code in &args.codes {
        texts.extend(read_argument(code)?);
    }
    let outcome = match desk.scan("cli", &texts, args.request.as_deref()).await? {
        Scanned::Decided(outcome) => *outcome,
        Scanned::Progress { received, needed } => {
            let reason = format!("Only {received} of at least {needed} codes were given.");
            desk.unreadable(Verdict::Malformed, reason).await?
        }
    };
    print_outcome(&outcome)?;
    Ok(match outcome.verdict {
        Verdict::Valid => ExitCode::SUCCESS,
        _ => ExitCode::from(NOT_VALID),
    })
}

fn print_outcome(outcome: &Outcome) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, outcome)?;
    writeln!(stdout)?;
    eprintln!("{}", outcome.line());
    Ok(())
}

/// Says whether an argument is meant as a picture's path; texts of codes have no such ending.
fn names_a_picture(code: &str) -> bool {
    let extension = Path::new(code).extension().and_then(OsStr::to_str);
    extension.is_some_and(|name| {
        ["png", "jpg", "jpeg"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// Reads one argument: a picture's code, the lines of a text file or of standard input, or the
/// argument itself.
fn read_argument(code: &str) -> Result<Vec<String>> {
    let bytes = if code == "-" {
        let mut bytes = Vec::new();
        let limit = MAX_PICTURE_BYTES as u64 + 1;
        std::io::stdin()
            .lock()
            .take(limit)
            .read_to_end(&mut bytes)?;
        bytes
    } else if Path::new(code).is_file() {
        let mut bytes = Vec::new();
        let limit = MAX_PICTURE_BYTES as u64 + 1;
        let file = std::fs::File::open(code).with_context(|| format!("cannot read {code}"))?;
        file.take(limit).read_to_end(&mut bytes)?;
        bytes
    } else if names_a_picture(code) {
        bail!("there is no picture {code}");
    } else {
        return Ok(vec![code.to_owned()]);
    };
    if is_picture(&bytes) {
        // A picture without a readable code says nothing: that is a verdict, too.
        let text = read_code(&bytes).unwrap_or_else(|error| {
            eprintln!("{code}: {error}");
            String::new()
        });
        return Ok(vec![text]);
    }
    let text = String::from_utf8(bytes).unwrap_or_default();
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    Ok(if lines.is_empty() {
        vec![String::new()]
    } else {
        lines
    })
}

/// Keeps the evidence fresh between scans, so that a desk seldom waits for the network.
pub(crate) async fn keep_fresh(desk: Arc<Desk>) {
    let mut told = Vec::new();
    let shortest = desk.services().map(|policy| policy.refresh_after).min();
    // A little ahead of when a check would ask for itself.
    let pause = shortest.unwrap_or(60).saturating_sub(1).clamp(2, 60);
    let pause = Duration::from_secs(pause);
    loop {
        desk.ledger()
            .refresh(pause.as_secs().saturating_sub(1))
            .await;
        let found = unaccredited(&desk);
        if found != told {
            for (service, standing, claims) in &found {
                let claims = claims.join(", ");
                tracing::warn!(
                    service,
                    ?standing,
                    claims,
                    "the office asks for more than it is accredited for"
                );
            }
            told = found;
        }
        tokio::time::sleep(pause).await;
    }
}

/// Lists the services for which the office is not accredited, with the claims that go beyond.
fn unaccredited(desk: &Desk) -> Vec<(String, Standing, Vec<String>)> {
    let (view, now) = (desk.ledger().view(), crate::clock::unix_now());
    let standings = desk.services().map(|policy| {
        let office = desk.verifier().did();
        let (standing, beyond) = standing(view.as_deref(), office, policy, now);
        let beyond = beyond.into_iter().map(|claim| claim.path).collect();
        (policy.service.clone(), standing, beyond)
    });
    let doubtful = |one: &(String, Standing, Vec<String>)| {
        matches!(one.1, Standing::Beyond | Standing::NotAccredited)
    };
    standings.filter(doubtful).collect()
}

fn open_ledger(home: &Home) -> Result<(Ledger, Settings)> {
    let settings = home.settings()?;
    let files = EvidenceFiles::open(&home.ledger())
        .with_context(|| "cannot open the folder of the ledger's evidence")?;
    let ledger = Ledger::open(
        files,
        settings.nodes.clone(),
        settings.trust.clone(),
        Client::new()?,
    )?;
    if let Some(damage) = ledger.damage() {
        tracing::warn!(code = damage.code(), "the bundle on disk is not believed");
    }
    Ok((ledger, settings))
}

pub(crate) async fn open_desk(home: &Home) -> Result<Desk> {
    let (ledger, settings) = open_ledger(home)?;
    let store = Store::open(&home.database()).await?;
    let (fragment, signer) = home.keys().current(REQUEST_KEYS)?;
    let kid = DidUrl::new(&settings.did, &fragment)?;
    let verifier = VerifierIdentity { kid };
    Ok(Desk::new(verifier, signer, home.services()?, store, ledger))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picture_that_is_not_there_is_an_error_and_not_an_unreadable_code() {
        assert!(read_argument("/nowhere/answer.png").is_err());
        assert_eq!(read_argument("JUMIN1.X").unwrap(), ["JUMIN1.X"]);
    }
}
