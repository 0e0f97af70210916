//! The counter as a server: one listener for the desk, one for wallets.

use std::io::{IsTerminal as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Args;
use jumin_http::{Bound, Listen, OwnNames, SessionCookie, TlsFiles, TrustedProxies};
use jumin_keys::UpdateKeys;
use tokio::sync::watch;
use url::Url;

use crate::cli::{HomeArgs, keep_fresh, open_desk};
use crate::clock::unix_now;
use crate::home::{Home, write_atomic};
use crate::routes::{self, Office};
use crate::sign_in::{Secret, digest, link};
use crate::store::Store;
use crate::wallets;

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// Where the desk's page and API listen, for the office's staff and programs only.
    #[arg(long, default_value = "127.0.0.1:7300")]
    desk_listen: SocketAddr,
    /// The desk's own address, https://NAME[:PORT]: required where it listens for other machines.
    #[arg(long)]
    desk_url: Option<Url>,
    /// Where wallets that answer online are served; this one may be reached from everywhere.
    #[arg(long, default_value = "127.0.0.1:7301")]
    listen: SocketAddr,
    /// What the counter calls itself to wallets.
    #[arg(long)]
    public_url: Option<Url>,
    /// The address of a reverse proxy before the wallets' listener, which may then hold as many connections as all together;
    /// may be given several times.
    #[arg(long = "trusted-proxy", value_name = "ADDRESS")]
    trusted_proxies: Vec<IpAddr>,
    /// Certificate chain (PEM), for HTTPS at both.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key (PEM), for HTTPS at both.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl ServeArgs {
    fn tls(&self) -> Option<TlsFiles> {
        let files = self.tls_cert.clone().zip(self.tls_key.clone());
        files.map(|(cert, key)| TlsFiles { cert, key })
    }

    async fn bind(&self, address: SocketAddr) -> Result<Bound> {
        let tls = self.tls();
        Ok(jumin_http::bind(&Listen { address, tls }).await?)
    }

    /// The desk's token and cookies pass no network in the clear, and a name that others chose is not the desk's.
    fn check_desk(&self) -> Result<()> {
        let here = self.desk_listen.ip().is_loopback();
        let guarded = self.tls_cert.is_some() && self.desk_url.is_some();
        ensure!(
            here || guarded,
            "a desk that listens for other machines ({}) needs --tls-cert, --tls-key and --desk-url",
            self.desk_listen
        );
        Ok(())
    }
}

/// Serves until the program is told to end.
pub(crate) async fn serve(args: ServeArgs) -> Result<ExitCode> {
    args.check_desk()?;
    let home = Home::at(&args.home.home);
    UpdateKeys::require_none_in(home.root())?;
    let desk = Arc::new(open_desk(&home).await?);
    let at_desk = args.bind(args.desk_listen).await?;
    let at_wallets = args.bind(args.listen).await?;
    let desk_url = address(args.desk_url.as_ref(), &at_desk);
    let port = at_desk.address().port();
    let office = Office {
        name: home.settings()?.name,
        public_url: Arc::from(address(args.public_url.as_ref(), &at_wallets)),
        names: Arc::new(OwnNames::of(at_desk.address(), args.desk_url.as_ref())),
        token: digest(&home.desk_token()?),
        cookie: Arc::new(SessionCookie::new("jumin-desk", port, args.tls().is_some())),
        desk: Arc::clone(&desk),
    };
    let write = |path: PathBuf, url: &str| {
        write_atomic(&path, url.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))
    };
    write(home.desk_address(), &desk_url)?;
    write(home.address(), &at_wallets.base_url())?;
    greet(&home, &at_wallets, &desk_url, desk.store()).await?;

    let keeper = tokio::spawn(keep_fresh(desk));
    let (stop, stopped) = watch::channel(());
    tokio::spawn(async move {
        jumin_http::shutdown_signal().await;
        drop(stop);
    });
    let proxies = TrustedProxies::new(args.trusted_proxies);
    let (first, second) = tokio::join!(
        jumin_http::serve(
            at_desk,
            routes::router(office.clone()),
            ended(stopped.clone())
        ),
        jumin_http::serve(
            at_wallets.behind(proxies),
            wallets::router(office),
            ended(stopped)
        ),
    );
    keeper.abort();
    first?;
    second?;
    Ok(ExitCode::SUCCESS)
}

async fn ended(mut stopped: watch::Receiver<()>) {
    let _ = stopped.changed().await;
}

/// Returns what a listener is called: as the operator says, else by where it is; without a trailing slash.
fn address(given: Option<&Url>, bound: &Bound) -> String {
    let url = given.map_or_else(|| bound.base_url(), Url::to_string);
    url.trim_end_matches('/').to_owned()
}

/// Says where the counter is, and to a person how to get in. A log gets no link: it is read by others.
async fn greet(home: &Home, wallets: &Bound, desk_url: &str, store: &Store) -> Result<()> {
    println!("listening on {}", wallets.base_url());
    println!("the desk is at {desk_url}/");
    match std::io::stdout().is_terminal() {
        true => println!(
            "open it with this link, once: {}",
            new_link(home, store).await?.as_str()
        ),
        false => println!("a link that opens it: jumin-counter sign-in --home {home}"),
    }
    Ok(std::io::stdout().flush()?)
}

/// Prints a link that lets a browser in.
pub(crate) async fn print_link(home: &Home) -> Result<ExitCode> {
    home.settings()?;
    let store = Store::open(&home.database()).await?;
    println!("{}", new_link(home, &store).await?.as_str());
    Ok(ExitCode::SUCCESS)
}

async fn new_link(home: &Home, store: &Store) -> Result<Secret> {
    let address = std::fs::read_to_string(home.desk_address())
        .context("nobody knows where the desk is: start it first (jumin-counter serve)")?;
    let code = store.new_sign_in(unix_now()).await?;
    Ok(link(address.trim(), &code))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn refused(arguments: &[&str]) -> bool {
        let all = ["serve", "--home", "x"].iter().chain(arguments);
        Only::parse_from(all).serve.check_desk().is_err()
    }

    #[test]
    fn desk_for_other_machines_needs_tls_and_a_name_of_its_own() {
        let elsewhere = ["--desk-listen", "0.0.0.0:7300"];
        let tls = ["--tls-cert", "c.pem", "--tls-key", "k.pem"];
        let name = ["--desk-url", "https://desk.example:7300"];
        assert!(!refused(&[]));
        assert!(
            !refused(&["--listen", "0.0.0.0:7301"]),
            "wallets may come from everywhere"
        );
        assert!(refused(&elsewhere));
        assert!(refused(&[&elsewhere[..], &tls].concat()));
        assert!(refused(&[&elsewhere[..], &name].concat()));
        assert!(!refused(&[&elsewhere[..], &tls, &name].concat()));
    }
}
