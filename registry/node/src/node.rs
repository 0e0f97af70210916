use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jumin_http::{Listen, TlsFiles};

use crate::api;
use crate::home::Home;
use crate::ledger::Ledger;
use crate::store::Store;
use crate::sync::{self, Known};
use crate::validator::Validator;
use crate::votes;

/// How long a network of one may take for its first block before the API opens anyway.
const FIRST_BLOCK: Duration = Duration::from_secs(10);

/// How one validator is run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The directory that `init` or `dev` made.
    pub home: PathBuf,
    /// Where the API listens instead of the address in `config.toml`.
    pub listen: Option<SocketAddr>,
    /// Serves the API over HTTPS.
    pub tls: Option<TlsFiles>,
    /// The base URL that this node tells others, without a trailing slash.
    pub public_url: Option<String>,
    /// The operator's word that this validator's votes are gone for good.
    pub votes_lost: bool,
}

/// Runs a validator until it is told to stop.
///
/// # Errors
/// When the home can't be used, a port is taken, or the engine fails.
pub async fn run(options: RunOptions) -> anyhow::Result<()> {
    let home = Home::load(&options.home)?;
    let address = options.listen.unwrap_or(home.config.api_listen);
    let bound = jumin_http::bind(&Listen {
        address,
        tls: options.tls,
    })
    .await?;
    let url = options.public_url.unwrap_or_else(|| bound.base_url());

    std::fs::create_dir_all(home.data()).context("cannot create the data directory")?;
    let genesis = home.genesis.clone();
    let digest = genesis.block()?.header().digest();
    let store = Store::open(&home.data().join("state.redb"), &digest)
        .context("cannot open the state database; is this validator running already?")?;
    votes::require(&home, &store, options.votes_lost)?;
    let store = Arc::new(store);
    fetch_state(&home, &store).await?;
    let ledger = Arc::new(Ledger::open(&genesis, store, home.config.capacity())?);
    let requests = home.config.requests_per_second;
    let directory = home.path.clone();
    let validator = Validator::start(home, ledger.clone()).await?;
    wait_for_first_block(&ledger).await;

    std::fs::write(directory.join("address"), &url).context("cannot write the address file")?;
    println!("listening on {}", bound.base_url());
    let app = api::router(api::Context::new(ledger, &validator, requests));
    let ended = engine_ended(&validator);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopping = async move {
        tokio::select! {
            () = jumin_http::shutdown_signal() => {}
            _ = stopped => {}
        }
    };
    let served = jumin_http::serve(bound, app, stopping);
    tokio::pin!(served);
    let served = tokio::select! {
        served = &mut served => served,
        () = ended => {
            drop(stop);
            served.await
        }
    };
    validator.stop()?;
    served.context("the API failed")
}

/// Fetches the state when there is none and the settings say from where.
async fn fetch_state(home: &Home, store: &Arc<Store>) -> anyhow::Result<()> {
    if store.applied()?.is_some() {
        return Ok(());
    }
    let sources = home.sources()?;
    if sources.is_empty() {
        anyhow::ensure!(
            !store.is_restoring()?,
            "fetching the state was interrupted: name nodes under `sync` in config.toml, or remove data/state.redb to replay all blocks"
        );
        return Ok(());
    }
    let known = Known {
        genesis: &home.genesis,
        trust: &home.trust()?,
        sources: &sources,
    };
    sync::fetch(store, &known).await
}

/// Lets a network of one start with something to prove; the validators of a larger one start in any order.
async fn wait_for_first_block(ledger: &Ledger) {
    if ledger.trust().validators.len() == 1 {
        let mut heights = ledger.applied_heights();
        let first = heights.wait_for(|height| *height > 0);
        // When it doesn't come, /readyz says so.
        let _ = tokio::time::timeout(FIRST_BLOCK, first).await;
    }
}

/// Completes when the engine has ended by itself.
async fn engine_ended(validator: &Validator) {
    while !validator.is_finished() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
