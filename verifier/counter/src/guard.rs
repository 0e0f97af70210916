use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;
use url::Url;

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
    let headers = request.headers();
    let ours = is_loopback(peer.ip())
        && host_is_ours(headers, &office.public_url)
        && origin_is_ours(headers, &office.public_url);
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

fn host_is_ours(headers: &HeaderMap, public_url: &str) -> bool {
    // HTTP/2 has the authority in the URI instead; browsers always send one of both.
    let Some(host) = headers.get(header::HOST) else {
        return true;
    };
    let Some(url) = host
        .to_str()
        .ok()
        .and_then(|host| Url::parse(&format!("http://{host}")).ok())
    else {
        return false;
    };
    name_is_ours(&url, public_url)
}

fn origin_is_ours(headers: &HeaderMap, public_url: &str) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let origin = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
    origin.is_some_and(|origin| name_is_ours(&origin, public_url))
}

fn name_is_ours(url: &Url, public_url: &str) -> bool {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let public = Url::parse(public_url).ok();
    loopback || public.is_some_and(|public| public.host() == url.host())
}
