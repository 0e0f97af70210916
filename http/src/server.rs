use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::crowd::{Bounds, Crowd};
use crate::install_crypto_provider;
use crate::proxies::TrustedProxies;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// Why a listener could not be opened or served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {address}")]
    Bind {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("the TLS certificate or key cannot be used")]
    Tls(#[source] std::io::Error),
    #[error("the listener failed")]
    Serve(#[source] std::io::Error),
}

/// The PEM files of a server's certificate chain and private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// Where to listen, and whether with TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    pub address: SocketAddr,
    pub tls: Option<TlsFiles>,
}

/// An open listener that serves nobody yet.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<RustlsConfig>,
    proxies: TrustedProxies,
}

impl Bound {
    /// Names the reverse proxies before this listener: one of them may hold as many connections as all together may.
    #[must_use]
    pub fn behind(self, proxies: TrustedProxies) -> Self {
        Self { proxies, ..self }
    }

    /// The address that was bound, with the port the system chose for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL without a trailing slash.
    pub fn base_url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }
}

/// Opens a listener, reading its TLS files if it has any.
pub async fn bind(listen: &Listen) -> Result<Bound, ServeError> {
    let tls = match &listen.tls {
        None => None,
        Some(files) => {
            install_crypto_provider();
            let config = RustlsConfig::from_pem_file(&files.cert, &files.key).await;
            Some(config.map_err(ServeError::Tls)?)
        }
    };
    let failed = |source| ServeError::Bind {
        address: listen.address,
        source,
    };
    let listener = TcpListener::bind(listen.address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Bound {
        listener,
        address,
        tls,
        proxies: TrustedProxies::default(),
    })
}

/// Serves `app` until `shutdown` completes, then lets open requests finish for three seconds. As many connections are open
/// as the process has room for (see [`Bounds::of_process`]).
pub async fn serve(
    bound: Bound,
    app: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    serve_within(bound, app, shutdown, Bounds::of_process()).await
}

/// [`serve`]s with bounds of one's own on open connections; those above them are closed unanswered.
pub async fn serve_within(
    bound: Bound,
    app: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
    bounds: Bounds,
) -> Result<(), ServeError> {
    let handle = Handle::new();
    let stopper = handle.clone();
    tokio::spawn(async move {
        shutdown.await;
        stopper.graceful_shutdown(Some(SHUTDOWN_GRACE));
    });
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let crowd = Crowd::new(bounds, bound.proxies);
    let mut server = axum_server::from_tcp(bound.listener)
        .map_err(ServeError::Serve)?
        .handle(handle)
        .first_request_timeout(FIRST_REQUEST_TIMEOUT);
    // It runs between requests too.
    server
        .http_builder()
        .http1()
        .header_read_timeout(bounds.idle);
    let served = match bound.tls {
        None => server.acceptor(crowd).serve(app).await,
        Some(tls) => {
            let tls = RustlsAcceptor::new(tls).acceptor(crowd);
            server.acceptor(tls).serve(app).await
        }
    };
    served.map_err(ServeError::Serve)
}

/// Wraps `router` with a body limit in bytes, a time limit and the security headers of an API.
///
/// Headers that a route sets itself are kept.
pub fn layers(router: Router, max_body: usize) -> Router {
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    router
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(max_body))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            REQUEST_TIMEOUT,
        ))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::CACHE_CONTROL, "no-store"))
        .layer(header(header::REFERRER_POLICY, "no-referrer"))
        .layer(header(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ))
        .layer(TraceLayer::new_for_http().make_span_with(span))
}

/// Names a request in the log by its route only: paths and queries may carry an offer's secret or somebody's name.
fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str);
    tracing::debug_span!("request", method = %request.method(), route)
}

/// Sends logs to standard error, filtered by `RUST_LOG` (warnings and notices by default).
pub fn init_tracing() {
    use std::io::IsTerminal;
    use tracing_subscriber::EnvFilter;
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,jumin=info"));
    // An error only says that a subscriber is there already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}

/// Completes at the first SIGTERM or interrupt.
pub async fn shutdown_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupt => {}
        () = terminate() => {}
    }
}

#[cfg(unix)]
async fn terminate() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminate() {
    std::future::pending::<()>().await;
}
