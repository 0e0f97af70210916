use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use jumin_http::{Listen, TlsFiles};

use crate::api::{self, Limit};
use crate::application::unix_ms;
use crate::certified;
use crate::check;
use crate::home::Home;
use crate::ledger::Ledger;
use crate::store::Store;
use crate::sync::{self, Known};
use crate::upkeep;
use crate::validator::Validator;
use crate::votes::{self, Votes};

/// How long a network of one may take for its first block before the API opens anyway.
const FIRST_BLOCK: Duration = Duration::from_secs(10);

/// How many bytes must fit on the disk.
const ROOM: usize = 4 * 1024 * 1024;

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
    /// What the operator says about votes that are not as they should be.
    pub votes: Votes,
    /// A block that the operator knows was certified: a validator that is alone doesn't start with older data.
    pub expect_height: Option<u64>,
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

    let data = home.data();
    std::fs::create_dir_all(&data).context("cannot create the data directory")?;
    require_room(&data)?;
    let ledger = open_ledger(&home, options.votes).await?;
    tell_if_long_away(&ledger, home.config.keep_days);
    let state_file = home.state();
    let proxies = home.config.trusted_proxies.clone();
    let limit = Limit::new(home.config.requests_per_second, proxies.clone());
    let directory = home.path.clone();
    let noted = certified::read(&directory)?;
    let expected = options.expect_height.max(noted).unwrap_or_default();
    let validator = Validator::start(home, ledger.clone(), expected).await;
    let validator = validator.map_err(|error| explain(error, &data))?;
    wait_for_first_block(&ledger).await;

    std::fs::write(directory.join("address"), &url).context("cannot write the address file")?;
    println!("listening on {}", bound.base_url());
    let noting = tokio::spawn(certified::keep(directory.clone(), ledger.clone()));
    let app = router(ledger.clone(), &validator, limit, state_file)?;
    let ended = engine_ended(&validator);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopping = async move {
        tokio::select! {
            () = jumin_http::shutdown_signal() => {}
            _ = stopped => {}
        }
    };
    let served = jumin_http::serve(bound.behind(proxies), app, stopping);
    tokio::pin!(served);
    let served = tokio::select! {
        served = &mut served => served,
        () = ended => {
            drop(stop);
            served.await
        }
    };
    noting.abort();
    validator.stop().map_err(|error| explain(error, &data))?;
    certified::write(&directory, &ledger)?;
    served.context("the API failed")
}

/// Opens the state, fetched or built anew if it has to be, and checks that this validator may vote and a part of its state.
async fn open_ledger(home: &Home, said: Votes) -> anyhow::Result<Arc<Ledger>> {
    let digest = home.genesis.block()?.header().digest();
    let path = home.state();
    let store = match Store::open(&path, &digest) {
        Ok(store) => store,
        Err(error) if error.is_in_use() => {
            return Err(error)
                .context("cannot open the state database; is this validator running already?");
        }
        Err(error) => return Err(error).context(check::recovery(&path)),
    };
    votes::require(home, &store, said)?;
    let store = Arc::new(store);
    fetch_state(home, &store).await?;
    let ledger = Ledger::open(&home.genesis, store, home.config.capacity());
    let ledger = ledger.with_context(|| check::recovery(&path))?;
    let ledger = ledger.keeping(home.upkeep());
    check::sample(&ledger).with_context(|| check::recovery(&path))?;
    Ok(Arc::new(ledger))
}

/// Tells a node that others go on without: nobody may have the blocks any more that it lacks.
fn tell_if_long_away(ledger: &Ledger, keep_days: u32) {
    let is_alone = ledger.set().keys_at(ledger.epoch()).len() == 1;
    let (applied, now_ms) = (ledger.applied(), unix_ms(SystemTime::now()));
    let said = upkeep::long_away(applied.height, applied.time_ms, now_ms, keep_days);
    if let Some(said) = said.filter(|_| !is_alone) {
        tracing::warn!("{said}");
    }
}

/// Requires that the disk takes a little more than a block.
fn require_room(data: &Path) -> anyhow::Result<()> {
    let path = data.join("room");
    let written = std::fs::File::create(&path).and_then(|mut file| {
        file.write_all(&[0; ROOM])?;
        file.sync_all()
    });
    let removed = std::fs::remove_file(&path);
    written.and(removed).with_context(|| {
        format!(
            "cannot write to {}: make room there and start again; nothing that was finalized is lost",
            data.display()
        )
    })
}

/// Says why an engine ended that can't say it itself.
fn explain(error: anyhow::Error, data: &Path) -> anyhow::Error {
    match require_room(data) {
        Err(full) => full.context(error.to_string()),
        Ok(()) => error,
    }
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

/// Builds the API and starts what counts for it.
fn router(
    ledger: Arc<Ledger>,
    validator: &Validator,
    limit: Limit,
    state_file: PathBuf,
) -> anyhow::Result<axum::Router> {
    let counts = api::install()?;
    tokio::spawn(api::keep_up(counts.clone()));
    tokio::spawn(api::watch_blocks(ledger.clone()));
    let context = api::Context::new(ledger, validator, limit, counts, state_file);
    Ok(api::router(context))
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
