use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use jumin_http::{Client, Url};
use jumin_identity::b64url_decode;
use jumin_registry::{Checkpoint, NetworkTrust, ProvenRecord, RecordKey};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::figures::{Refusals, Stopwatch, Times};
use super::{Amount, Target, unix_now};

const MAX_ANSWER: usize = 256 * 1024;
const MAX_KEYS_BYTES: u64 = 64 * 1024 * 1024;
/// How old the checkpoint of a checked answer may be, in seconds, and how far ahead.
const MAX_AGE: u64 = 120;
const MAX_AHEAD: u64 = 60;

/// Loads nodes with reads.
#[derive(Args)]
pub struct Reads {
    #[command(flatten)]
    target: Target,
    /// The keys of records that exist, one a line, as `load operations --keys-out` writes them.
    #[arg(long)]
    keys: PathBuf,
    /// What is asked for.
    #[arg(long, value_enum, default_value_t = Kind::Records)]
    kind: Kind,
    /// Of so many answers one is checked to the end: certificate, age, proof.
    #[arg(long, default_value_t = 100)]
    prove_one_of: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// `/v1/records/{key}`
    Records,
    /// `/1.0/identifiers/{did}`, of the DIDs among the keys.
    Resolution,
}

/// One thing to read.
struct Asked {
    url: Url,
    key: RecordKey,
}

#[derive(Default)]
struct Seen {
    times: Times,
    refusals: Refusals,
    proven: u64,
    broken: u64,
}

impl Reads {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        self.target.check()?;
        ensure!(self.prove_one_of > 0, "--prove-one-of is 1 at least");
        let http = Client::new()?;
        let reader = self.target.reader(&http)?;
        // Follows the network to its validators of today, whom the answers are checked with.
        let checkpoint = reader.checkpoint().await;
        checkpoint.context("cannot read the newest checkpoint")?;
        let trust = Arc::new(reader.followed());
        let asked = Arc::new(self.asked()?);
        let amount = Arc::new(self.target.amount());

        let stopwatch = Stopwatch::start();
        let mut clients = JoinSet::new();
        for _ in 0..self.target.clients {
            let shared = (asked.clone(), trust.clone(), amount.clone());
            clients.spawn(read_some(http.clone(), shared, self.prove_one_of));
        }
        let mut all = Seen::default();
        while let Some(seen) = clients.join_next().await {
            all.add(seen?);
        }
        let what = match self.kind {
            Kind::Records => "records read",
            Kind::Resolution => "DIDs resolved",
        };
        let mut figures = stopwatch.figures(what, all.times);
        figures.refusals = all.refusals;
        (figures.proven, figures.broken) = (all.proven, all.broken);
        figures.clients = self.target.clients;
        figures.validators = trust.validators.len();
        figures.print(self.target.json)?;
        ensure!(
            figures.broken == 0,
            "{} answers do not hold",
            figures.broken
        );
        Ok(())
    }

    /// What to read from which node, in turn.
    fn asked(&self) -> anyhow::Result<Vec<Asked>> {
        let file = &self.keys;
        let size = std::fs::metadata(file).map(|metadata| metadata.len());
        let size = size.with_context(|| format!("cannot read {}", file.display()))?;
        ensure!(size <= MAX_KEYS_BYTES, "{} is too large", file.display());
        let text = std::fs::read_to_string(file)?;
        let mut asked = Vec::new();
        for (node, line) in self.target.node.iter().cycle().zip(text.lines()) {
            let key: RecordKey = line.parse().context("a line is not a record's key")?;
            if let Some(url) = self.url(node, &key)? {
                asked.push(Asked { url, key });
            }
        }
        ensure!(
            !asked.is_empty(),
            "there is nothing to read in {}",
            file.display()
        );
        Ok(asked)
    }

    fn url(&self, node: &Url, key: &RecordKey) -> anyhow::Result<Option<Url>> {
        let name = key.to_string();
        let path = match (self.kind, key) {
            (Kind::Records, _) => ["v1", "records", name.as_str()],
            (Kind::Resolution, RecordKey::Did(did)) => ["1.0", "identifiers", did.as_str()],
            (Kind::Resolution, _) => return Ok(None),
        };
        let mut url = node.clone();
        let segments = url.path_segments_mut();
        let mut segments = segments.map_err(|()| anyhow::anyhow!("a node's URL can't be used"))?;
        segments.pop_if_empty().extend(path);
        drop(segments);
        Ok(Some(url))
    }
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.proven += other.proven;
        self.broken += other.broken;
        for (code, count) in other.refusals {
            *self.refusals.entry(code).or_default() += count;
        }
    }

    fn refused(&mut self, code: String) {
        *self.refusals.entry(code).or_default() += 1;
    }
}

type Shared = (Arc<Vec<Asked>>, Arc<NetworkTrust>, Arc<Amount>);

async fn read_some(http: Client, (asked, trust, amount): Shared, prove_one_of: u64) -> Seen {
    let mut seen = Seen::default();
    while let Some(number) = amount.take() {
        let one = &asked[usize::try_from(number).unwrap_or_default() % asked.len()];
        let start = Instant::now();
        let answer = match http.get(&one.url, "application/json", MAX_ANSWER).await {
            Ok(answer) if answer.is_success() => answer,
            Ok(answer) => {
                seen.refused(answer.status.to_string());
                continue;
            }
            Err(error) => {
                seen.refused(error.code().to_owned());
                continue;
            }
        };
        seen.times.add(start.elapsed());
        if number % prove_one_of == 0 {
            match holds(&answer.body, &one.key, &trust) {
                Some(()) => seen.proven += 1,
                None => seen.broken += 1,
            }
        }
    }
    seen
}

/// Checks an answer as a reader does who believes nobody: certificate, age, and that the record is there.
fn holds(body: &[u8], key: &RecordKey, trust: &NetworkTrust) -> Option<()> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let proof = match &answer["didDocumentMetadata"]["juminProof"] {
        Value::Null => &answer,
        proof => proof,
    };
    let bytes = |member: &str| b64url_decode(proof[member].as_str()?).ok();
    let checkpoint = Checkpoint::from_bytes(&bytes("checkpoint")?).ok()?;
    let checkpoint = checkpoint.verify(trust).ok()?;
    checkpoint
        .require_fresh(unix_now(), MAX_AGE, MAX_AHEAD)
        .ok()?;
    let proven = ProvenRecord {
        key: key.clone(),
        value: bytes("value"),
        proof: bytes("proof")?,
    };
    proven.verify(key, &checkpoint).ok()?.map(|_| ())
}
