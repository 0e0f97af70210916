//! The issuer's command line.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use jumin_http::{TlsFiles, TrustedProxies};
use jumin_identity::FileKey;
use jumin_issuer::{
    Backup, CredentialStatus, EntryArgs, Home, IssuerKeyCommand, Recover, RevokeArgs, SetUp,
    Settings, chain, import_csv, serve, set_account, set_up, settings, system_clock,
};
use jumin_keys::UpdateKeys;
use url::Url;
use zeroize::Zeroizing;

/// Exit code of `init` while the issuer's DID waits to be accredited.
const AWAITS_ACCREDITATION: u8 = 3;
const PASSWORD: &str = "JUMIN_ISSUER_PASSWORD";

/// Issues resident credentials over OpenID4VCI and keeps their status.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes keys, a DID on the ledger and a sample register; exit code 3: have the printed DID accredited, then run it again.
    Init(Init),
    /// Serves wallets, verifiers and the console.
    Serve(Serve),
    /// Looks at and changes the issuer's keys and its DID.
    #[command(subcommand)]
    Key(Box<IssuerKeyCommand>),
    /// Adds residents from a CSV file; all of them, or none if a row is wrong.
    Import {
        /// The issuer's folder.
        #[arg(long, env = "JUMIN_ISSUER_HOME")]
        home: PathBuf,
        file: PathBuf,
    },
    /// Makes an account for the console, or gives it a new password; reads it from JUMIN_ISSUER_PASSWORD or asks.
    Account {
        /// The issuer's folder.
        #[arg(long, env = "JUMIN_ISSUER_HOME")]
        home: PathBuf,
        #[arg(long)]
        name: String,
    },
    /// Copies the database into a file while the server runs.
    Backup(Backup),
    /// Brings a database that was put back from a copy up to what the ledger has; until then the issuer signs nothing.
    Recover(Recover),
    /// Revokes a credential by its place in a status list, known here or not.
    Revoke(RevokeArgs),
    /// Suspends one likewise.
    Suspend(EntryArgs),
    /// Ends the suspension of one likewise.
    Reinstate(EntryArgs),
}

#[derive(Args)]
struct Init {
    /// The issuer's folder.
    #[arg(long, env = "JUMIN_ISSUER_HOME")]
    home: PathBuf,
    /// A ledger node's URL; may be given more than once.
    #[arg(long = "node", required = true)]
    nodes: Vec<Url>,
    /// The trust file of the ledger's network.
    #[arg(long)]
    trust: PathBuf,
    /// A governor's key (development): also accredits the issuer and anchors the types.
    #[arg(long)]
    governor: Option<PathBuf>,
    /// The agency's name in Korean.
    #[arg(long, default_value = "서울특별시 종로구")]
    name_ko: String,
    /// The agency's name in English.
    #[arg(long, default_value = "Jongno-gu, Seoul")]
    name_en: String,
    /// What wallets and verifiers call the issuer.
    #[arg(long)]
    public_url: Option<String>,
    /// The folder or medium for the key that the DID's first change needs; by default beside the home.
    #[arg(long, value_name = "DIR")]
    update_keys: Option<PathBuf>,
}

#[derive(Args)]
struct Serve {
    /// The issuer's folder.
    #[arg(long, env = "JUMIN_ISSUER_HOME")]
    home: PathBuf,
    /// Settings to use instead of the home's issuer.toml.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where wallets and verifiers are served; this one may be reached from everywhere.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Where the console listens, for the agency's staff and programs only.
    #[arg(long)]
    console_listen: Option<SocketAddr>,
    /// The console's own address, https://NAME[:PORT]: required where it listens for other machines.
    #[arg(long)]
    console_url: Option<Url>,
    /// What wallets and verifiers call the issuer: what the DID document has.
    #[arg(long)]
    public_url: Option<String>,
    /// Certificate chain (PEM), for HTTPS at both.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key (PEM), for HTTPS at both.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(error) = jumin_http::protect_process() {
        eprintln!("error: the process cannot be protected: {error}");
        return ExitCode::FAILURE;
    }
    jumin_http::init_tracing();
    match run(Cli::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Init(init) => return run_init(init).await,
        Command::Serve(serve) => run_serve(serve).await?,
        Command::Key(command) => {
            command.run(system_clock()).await?;
        }
        Command::Import { home, file } => {
            let count = import_csv(&Home::existing(&home)?, &file, system_clock()).await?;
            println!("{count} residents added");
        }
        Command::Account { home, name } => {
            let password = new_password()?;
            set_account(&Home::existing(&home)?, &name, &password, system_clock()).await?;
            println!("{name} can sign in");
        }
        Command::Backup(backup) => backup.run(system_clock()).await?,
        Command::Recover(recover) => recover.run(system_clock()).await?,
        Command::Revoke(entries) => entries.run(system_clock()).await?,
        Command::Suspend(entry) => {
            entry
                .run(CredentialStatus::Suspended, system_clock())
                .await?;
        }
        Command::Reinstate(entry) => entry.run(CredentialStatus::Valid, system_clock()).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes the new password from the environment, or asks for it twice.
fn new_password() -> anyhow::Result<Zeroizing<String>> {
    if let Some(password) = std::env::var(PASSWORD).ok().filter(|text| !text.is_empty()) {
        return Ok(Zeroizing::new(password));
    }
    anyhow::ensure!(
        std::io::stdin().is_terminal(),
        "there is no terminal to ask for the password; give it in {PASSWORD}"
    );
    let ask = |question| rpassword::prompt_password(question).map(Zeroizing::new);
    let (first, again) = (ask("New password: ")?, ask("Once more: ")?);
    anyhow::ensure!(first == again, "the two entries differ");
    Ok(first)
}

async fn run_init(init: Init) -> anyhow::Result<ExitCode> {
    let governor = init
        .governor
        .map(|path| -> anyhow::Result<FileKey> {
            let pem = std::fs::read_to_string(&path)
                .with_context(|| format!("can't read {}", path.display()))?;
            FileKey::from_pkcs8_pem(&pem).with_context(|| format!("{} isn't a key", path.display()))
        })
        .transpose()?;
    let trust = std::path::absolute(&init.trust)?;
    let settings = Settings {
        nodes: init.nodes,
        trust,
        name_ko: init.name_ko,
        name_en: init.name_en,
        public_url: init.public_url.as_deref().map(settings::without_slash),
        listen: settings::default_listen(),
        console_listen: settings::default_console(),
        console_url: None,
        trusted_proxies: TrustedProxies::default(),
    };
    let home = Home::at(&init.home)?;
    let beside = UpdateKeys::beside(&init.home);
    let update_keys = init.update_keys.map_or(beside, UpdateKeys::at);
    let (governor, now) = (governor.as_ref(), system_clock());
    match set_up(&home, &settings, &update_keys, governor, now).await? {
        SetUp::Ready(did) => {
            println!("{did}");
            Ok(ExitCode::SUCCESS)
        }
        SetUp::AwaitsAccreditation(did) => {
            println!("{did}");
            eprintln!(
                "The registry takes this DID once somebody has accredited it. Have the governors or an accreditor \
                 accredit it as an issuer (jumin-registry-node govern accredit, or accredit), then run this command again."
            );
            Ok(ExitCode::from(AWAITS_ACCREDITATION))
        }
    }
}

async fn run_serve(options: Serve) -> anyhow::Result<()> {
    let home = Home::existing(&options.home)?;
    let path = options.config.unwrap_or_else(|| home.path("issuer.toml"));
    let mut settings = Settings::read(&path)?;
    settings.listen = options.listen.unwrap_or(settings.listen);
    settings.console_listen = options.console_listen.unwrap_or(settings.console_listen);
    settings.console_url = options.console_url.or(settings.console_url);
    if let Some(url) = options.public_url {
        settings.public_url = Some(settings::without_slash(&url));
    }
    let tls = options
        .tls_cert
        .zip(options.tls_key)
        .map(|(cert, key)| TlsFiles { cert, key });
    serve(&home, &settings, tls, jumin_http::shutdown_signal()).await?;
    Ok(())
}
