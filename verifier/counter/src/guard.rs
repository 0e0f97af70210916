use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jumin_http::{Problem, asked_host, is_loopback_host, is_same_origin};
use url::{Host, Url};

use crate::routes::Office;

/// Lets only this machine, and only pages that the counter itself serves, use the desk's routes:
/// there is no password, so a web page from elsewhere must not be able to reach them through the
/// clerk's browser (neither by cross-site requests nor by a name that resolves to loopback).
pub async fn desk_only(
    State(office): State<Office>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    // Programs other than browsers send no origin; another local program's page is not ours either.
    let headers = request.headers();
    let ours = is_loopback(peer.ip())
        && host_is_ours(&request, &office.public_url)
        && (!headers.contains_key(header::ORIGIN) || is_same_origin(headers));
    if ours {
        next.run(request).await
    } else {
        let detail = "The desk's routes are for this machine only.";
        Problem::new(StatusCode::FORBIDDEN, "desk_only", detail).into_response()
    }
}

fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => {
            address.is_loopback()
                || address
                    .to_ipv4_mapped()
                    .is_some_and(|address| address.is_loopback())
        }
    }
}

/// Takes no name but this machine's own, and the one that the office gave its counter.
fn host_is_ours(request: &Request, public_url: &str) -> bool {
    let Some(asked) = asked_host(request) else {
        return false;
    };
    let public = Url::parse(public_url).ok();
    is_loopback_host(&asked) || public.is_some_and(|public| public.host() == Some(borrowed(&asked)))
}

fn borrowed(host: &Host) -> Host<&str> {
    match host {
        Host::Domain(name) => Host::Domain(name),
        Host::Ipv4(address) => Host::Ipv4(*address),
        Host::Ipv6(address) => Host::Ipv6(*address),
    }
}
