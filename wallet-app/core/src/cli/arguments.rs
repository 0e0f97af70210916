//! Arguments, as `--help` shows them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::Language;

/// Holds a citizen's credentials and presents them.
#[derive(Debug, Parser)]
#[command(name = "jumin-wallet-cli", version)]
pub(crate) struct Arguments {
    /// The wallet's folder.
    #[arg(long, global = true, env = "JUMIN_WALLET_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// Language of the answer; else that of LANG.
    #[arg(long, global = true, value_enum)]
    pub lang: Option<Language>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a wallet. The PIN comes from JUMIN_WALLET_PIN, else it is asked for.
    Init(Init),
    /// Accept a document from the agency that offers it.
    Accept(Accept),
    /// List the documents.
    List,
    /// Show what a document says.
    Show {
        /// The document.
        id: String,
    },
    /// Ask the agency's record and the ledger whether a document still holds.
    Status {
        /// The document.
        id: String,
    },
    /// Present a document: to who asks, or to an agency of your choice.
    Present(Present),
    /// List the agencies that may ask for documents.
    Agencies,
    /// List what was shown to whom.
    Activity {
        /// At most this many lines.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Delete a document with its keys.
    Delete {
        /// The document.
        id: String,
        /// Don't ask.
        #[arg(long)]
        yes: bool,
    },
    /// Fetch the ledger's records for use without a network.
    Sync,
    /// Replace the network file by a newer one of the same network.
    Network(NetworkFile),
    /// Set a new PIN or passphrase (the new one from JUMIN_WALLET_NEW_PIN, else it is asked for).
    ChangePin,
    /// Destroy the wallet: for one that is damaged or locked for good.
    Erase {
        /// Don't ask.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    #[command(flatten)]
    pub network: NetworkFile,
    /// Protect the wallet by a passphrase of at least 10 characters alone, where there is no desktop keyring.
    #[arg(long)]
    pub no_keyring: bool,
}

/// What a wallet must be told of its network.
#[derive(Debug, Args)]
pub(crate) struct NetworkFile {
    /// A node of the ledger; give several.
    #[arg(long = "node", required = true, value_name = "URL", num_args = 1..)]
    pub nodes: Vec<String>,
    /// The network's trust file, network.json.
    #[arg(long, value_name = "FILE")]
    pub trust: PathBuf,
    /// Further authorities for TLS and verifiers' certificates (PEM); JUMIN_TRUST_ANCHORS names more.
    #[arg(long, value_name = "FILE")]
    pub trust_anchors: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// The offer: a link, its JSON, or a picture of its QR code.
    pub offer: String,
    /// The transaction code that the agency gave you.
    #[arg(long, value_name = "CODE")]
    pub tx_code: Option<String>,
    /// Don't ask.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Present {
    /// The request: the text of its code or a picture of it (several if it has several codes), or an openid4vp:// link.
    #[arg(
        long,
        value_name = "TEXT|PICTURE|LINK",
        conflicts_with = "to",
        required_unless_present = "to",
        num_args = 1..
    )]
    pub request: Vec<String>,
    /// The agency to present to without a request: its DID or its name on the ledger.
    #[arg(long, value_name = "AGENCY", requires = "service")]
    pub to: Option<String>,
    /// What it is for, with --to: age-19 or address.
    #[arg(long, value_name = "SERVICE", conflicts_with = "request")]
    pub service: Option<String>,
    /// The document to present; else the newest that fits.
    #[arg(long, value_name = "ID")]
    pub credential: Option<String>,
    /// Disclose nothing but these claims: paths, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "PATHS")]
    pub disclose: Option<Vec<String>>,
    /// Present even to a verifier without accreditation, or to one that asks for more than it is accredited for.
    #[arg(long)]
    pub accept_unknown_verifier: bool,
    /// Show a copy again when all are used; whoever has seen it before can tell that it is you.
    #[arg(long)]
    pub reuse: bool,
    /// Don't ask.
    #[arg(long)]
    pub yes: bool,
    /// Where to write the QR code (PNG); of several codes, NAME-01.png and so on.
    #[arg(long, value_name = "PNG")]
    pub out: Option<PathBuf>,
    /// Print the text of the codes.
    #[arg(long)]
    pub text: bool,
}
