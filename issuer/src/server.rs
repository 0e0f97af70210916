//! Runs the issuer: both listeners and what goes on behind them.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jumin_http::{Bound, Listen, ServeError, TlsFiles};
use jumin_identity::{Did, Signer, builtin_types};
use jumin_keys::{KeysError, UpdateKeys};
use thiserror::Error;

use crate::address::{AddressError, settled_address};
use crate::app::{App, ConsoleEdge, Documents, chain, system_clock};
use crate::certificate::{CertificateError, certify};
use crate::claims::Configuration;
use crate::compare::{Remedy, Standing};
use crate::console::{AgencyView, DeviceKey, Localized, Passwords, RecentViews};
use crate::counts::{Counts, Few};
use crate::dictionary::publish_dictionaries;
use crate::home::{Home, HomeError};
use crate::indexes::StatusIndexes;
use crate::issue::IssuerKey;
use crate::ledger::IssuerLedger;
use crate::metadata::Names;
use crate::publish::Publisher;
use crate::routes;
use crate::secret::NonceKey;
use crate::settings::Settings;
use crate::setup::{
    LEDGER_KEYS, SIGNING_KEYS, SetupError, authority, keep_followed, key_url, open_ledger,
};
use crate::standing::vouched_from;
use crate::store::{Store, StoreError};

/// How long the start waits for the ledger before it goes on without.
const STARTUP_PATIENCE: Duration = Duration::from_secs(15);
const HOUR: Duration = Duration::from_secs(3600);

/// Why the issuer doesn't run.
#[derive(Debug, Error)]
pub enum ServerError {
    #[error("this home has no issuer; run `jumin-issuer init` first")]
    NotSetUp,
    #[error("the issuer isn't set up right")]
    Setup(#[from] SetupError),
    #[error(
        "a console that listens for other machines needs --tls-cert, --tls-key and --console-url"
    )]
    Console,
    #[error("the home can't be used")]
    Home(#[from] HomeError),
    #[error("the keys can't be used")]
    Keys(#[from] KeysError),
    #[error("the database can't be used")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("the certificate can't be made")]
    Certificate(#[from] CertificateError),
    #[error("the listener failed")]
    Serve(#[from] ServeError),
}

/// Runs the issuer in `home` until `shutdown` completes.
pub async fn serve(
    home: &Home,
    settings: &Settings,
    tls: Option<TlsFiles>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServerError> {
    let did = home.did()?.ok_or(ServerError::NotSetUp)?;
    UpdateKeys::require_none_in(&home.path(""))?;
    let _lock = home.lock()?;
    let public = bind(settings.listen, tls.clone()).await?;
    let console_url = settings.console_url.as_ref();
    // Passwords pass no network in the clear, and a name that others chose is not the console's.
    let for_others = !settings.console_listen.ip().is_loopback();
    if for_others && (tls.is_none() || console_url.is_none()) {
        return Err(ServerError::Console);
    }
    let console = bind(settings.console_listen, tls.clone()).await?;
    let edge = ConsoleEdge::new(console.address(), tls.is_some(), console_url);
    let app = open(home, settings, did, &public.base_url(), edge).await?;
    start(&app, home).await;
    home.write("console-address", console.base_url().as_bytes())?;
    home.write("address", public.base_url().as_bytes())?;
    println!("console on {}", console.base_url());
    println!("listening on {}", public.base_url());

    let (stop, stopped) = tokio::sync::watch::channel(());
    let ended = |mut stopped: tokio::sync::watch::Receiver<()>| async move {
        let _ = stopped.changed().await;
    };
    tokio::spawn(async move {
        shutdown.await;
        drop(stop);
    });
    let (first, second) = tokio::join!(
        jumin_http::serve(
            public.behind(settings.trusted_proxies.clone()),
            routes::public(Arc::clone(&app.0)),
            ended(stopped.clone())
        ),
        jumin_http::serve(console, routes::console(Arc::clone(&app.0)), ended(stopped)),
    );
    app.0.store.close().await;
    first?;
    Ok(second?)
}

async fn bind(address: std::net::SocketAddr, tls: Option<TlsFiles>) -> Result<Bound, ServeError> {
    jumin_http::bind(&Listen { address, tls }).await
}

/// The issuer's ledger, with the key that signs its operations.
pub fn issuer_ledger(
    home: &Home,
    settings: &Settings,
    did: Did,
) -> Result<IssuerLedger, SetupError> {
    let (fragment, key) = home.keys().current(LEDGER_KEYS)?;
    Ok(IssuerLedger {
        ledger: open_ledger(home, &settings.nodes, &settings.trust)?,
        kid: key_url(&did, &fragment)?,
        did,
        signer: Arc::new(key),
    })
}

/// Opens everything; asks the ledger for nothing that was asked before.
async fn open(
    home: &Home,
    settings: &Settings,
    did: Did,
    listening: &str,
    console: ConsoleEdge,
) -> Result<(Arc<App>, IssuerLedger), ServerError> {
    let store = Store::open(&home.database()).await?;
    let ledger = issuer_ledger(home, settings, did.clone())?;
    let given = settings.public_url.as_deref();
    let public_url = settled_address(&store, &ledger, given, listening).await?;
    let (fragment, signing_key) = home.keys().current(SIGNING_KEYS)?;
    let authority = authority(home)?;
    let x5c = certify(
        &authority,
        &settings.name_en,
        &public_url,
        &did,
        signing_key.public_key(),
    )?;
    let issuer = Arc::new(IssuerKey {
        kid: key_url(&did, &fragment)?,
        x5c,
        signer: Arc::new(signing_key),
        vouched_from: Arc::default(),
        did,
    });
    let indexes = Arc::new(StatusIndexes::default());
    let publisher = Arc::new(Publisher::new(
        store.clone(),
        ledger.clone(),
        Arc::clone(&issuer),
        public_url.clone(),
        Arc::clone(&indexes),
        system_clock,
    ));
    let names = Names {
        ko: settings.name_ko.clone(),
        en: settings.name_en.clone(),
    };
    let types: Vec<_> = builtin_types()
        .into_iter()
        .filter_map(|one| {
            let configuration = Configuration::ALL
                .into_iter()
                .find(|c| c.vct() == one.vct())?;
            Some((configuration, one))
        })
        .collect();
    let app = App {
        documents: Documents::new(&public_url, &names, &issuer, &types),
        store,
        issuer,
        public_url,
        types,
        nonces: NonceKey::new(&*home.secret_bytes("keys/nonce")?),
        ledger: ledger.clone(),
        names: Localized {
            ko: settings.name_ko.clone(),
            en: settings.name_en.clone(),
        },
        console,
        console_token: home.secret("console-token")?,
        passwords: Passwords::default(),
        devices: DeviceKey::new(&*home.secret_bytes("keys/device")?),
        unknown_names: Few::default(),
        views: RecentViews::default(),
        agency_view: AgencyView::default(),
        indexes,
        publisher,
        counts: Counts::default(),
        clock: system_clock,
    };
    Ok((Arc::new(app), ledger))
}

/// Finds out anew from when on the ledger vouches for this issuer; what was known stays where the ledger can't be asked now.
async fn renew_vouched_from(app: &App) {
    let types: Vec<_> = app.types.iter().map(|(_, one)| one.vct()).collect();
    match vouched_from(&app.ledger.ledger, &app.issuer, &types, app.now()).await {
        Ok(from) => app.issuer.vouched_from.store(from, Ordering::Relaxed),
        Err(error) => {
            tracing::warn!(problem = %chain(&error), "the ledger can't be asked about this issuer now");
        }
    }
}

/// Publishes what must be published before credentials make sense; goes on in the background if the ledger is slow.
async fn start((app, ledger): &(Arc<App>, IssuerLedger), home: &Home) {
    let first_round = async {
        renew_vouched_from(app).await;
        // The round logs its own problems and the publisher repeats it.
        let _ = app.publisher.round().await;
        if let Err(error) = publish_dictionaries(app, ledger).await {
            tracing::warn!(problem = %chain(&error), "the QR dictionaries aren't all published yet");
        }
    };
    if tokio::time::timeout(STARTUP_PATIENCE, first_round)
        .await
        .is_err()
    {
        tracing::warn!("the ledger doesn't answer; nothing is signed until it does");
    }
    if let Standing::Conflicts(conflicts) = app.publisher.standing() {
        println!("NOT ISSUING.");
        for conflict in &conflicts {
            println!("  {conflict}");
        }
        println!("{}", Remedy::of(&conflicts).text());
    }
    tokio::spawn(Arc::clone(&app.publisher).run());
    tokio::spawn(keep_house(home.clone(), Arc::clone(app), ledger.clone()));
}

async fn keep_house(home: Home, app: Arc<App>, ledger: IssuerLedger) {
    loop {
        if let Err(error) = keep_followed(&home, &ledger.ledger) {
            tracing::warn!(problem = %chain(&error), "the ledger's validators could not be written down");
        }
        if let Err(error) = app.store.forget_expired(app.now()).await {
            tracing::warn!(problem = %chain(&error), "expired offers could not be deleted");
        }
        if let Err(error) = app.forget_ended_sessions().await {
            tracing::warn!(problem = %chain(&error), "ended sessions could not be deleted");
        }
        let published = publish_dictionaries(&app, &ledger).await;
        let pause = match published.is_ok() && app.issuer.is_vouched_for() {
            true => HOUR,
            false => STARTUP_PATIENCE,
        };
        tokio::time::sleep(pause).await;
        renew_vouched_from(&app).await;
    }
}
