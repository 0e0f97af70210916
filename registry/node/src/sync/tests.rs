//! Sources of a state, honest and hostile, over real HTTP.

mod network;

use std::sync::atomic::Ordering;

use jumin_http::Url;
use network::{Network, Trick, serve};

use super::*;

async fn attempt(network: &Network, store: &Arc<Store>, sources: &[Url]) -> anyhow::Result<()> {
    let known = Known {
        genesis: &network.genesis,
        trust: &network.trust,
        sources,
    };
    fetch(store, &known).await
}

/// What becomes of one attempt with one source.
async fn verdict(network: &Network, trick: Trick) -> Result<(), &'static str> {
    let (url, _) = serve(network, trick).await;
    let store = network.empty_store();
    let known = Known {
        genesis: &network.genesis,
        trust: &network.trust,
        sources: &[],
    };
    let http = Client::new().unwrap();
    let attempted = from(&Source::new(&http, &url), &store, &known).await;
    if attempted.is_err() {
        assert_eq!(
            store.applied().unwrap(),
            None,
            "{trick:?} left a state behind"
        );
    }
    attempted.map_err(|error| error.code())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn state_is_fetched_whole_in_several_chunks() {
    let network = Network::new();
    let (url, asked) = serve(&network, Trick::None).await;
    let store = network.empty_store();
    attempt(&network, &store, &[url]).await.unwrap();
    network.require_same(store);
    assert!(asked.chunks.load(Ordering::Relaxed) > 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_source_is_refused_with_its_reason() {
    let network = Network::new();
    for (trick, code) in [
        (Trick::AlterValue, "not_in_state"),
        (Trick::RenameKey, "not_in_state"),
        (Trick::InventKey, "malformed"),
        (Trick::DropRecord, "not_in_state"),
        (Trick::DropFirst, "not_in_state"),
        (Trick::Reorder, "not_in_state"),
        (Trick::Truncate, "malformed"),
        (Trick::EndEarly, "not_in_state"),
        (Trick::SmallChunks, "small_chunk"),
        (Trick::Empty, "malformed"),
        (Trick::OtherRoot, "signature_invalid"),
        (Trick::OtherNetwork, "wrong_network"),
        (Trick::Oversized, "answer_too_large"),
        (Trick::Endless, "answer_too_large"),
        (Trick::Garbage, "malformed"),
        (Trick::Gone, "status"),
    ] {
        assert_eq!(verdict(&network, trick).await, Err(code), "{trick:?}");
    }
    assert_eq!(verdict(&network, Trick::None).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn next_source_is_used_after_one_that_lies_late() {
    let network = Network::new();
    let (liar, lied) = serve(&network, Trick::AlterLast).await;
    let (honest, asked) = serve(&network, Trick::None).await;
    let store = network.empty_store();
    attempt(&network, &store, &[liar, honest]).await.unwrap();
    network.require_same(store);
    // What the liar gave before it lied was true, and needs not be fetched twice.
    assert!(asked.chunks.load(Ordering::Relaxed) < lied.chunks.load(Ordering::Relaxed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_fetch_goes_on_where_it_was() {
    let network = Network::new();
    let store = network.empty_store();
    let bytes = {
        let (url, _) = serve(&network, Trick::None).await;
        let http = Client::new().unwrap();
        let source = Source::new(&http, &url);
        let start = source.checkpoint().await.unwrap();
        let root = start.header.state_root;
        let mut restorer = Restorer::open(store.clone(), &start).unwrap();
        let bytes = source.chunk(&root, None).await.unwrap();
        let chunk = Chunk::parse(&bytes).unwrap();
        restorer.add(chunk.entries, chunk.proof).unwrap();
        bytes
    };
    assert!(store.is_restoring().unwrap());
    // The source has a newer state meanwhile, and still the one that was begun with.
    let (url, asked) = serve(&network, Trick::MovedOn).await;
    attempt(&network, &store, &[url]).await.unwrap();
    assert!(!bytes.is_empty());
    assert_eq!(asked.from_start.load(Ordering::Relaxed), 0);
    assert!(!store.is_restoring().unwrap());
    network.require_same(store);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn source_that_serves_others_too_is_waited_for() {
    let network = Network::new();
    assert_eq!(verdict(&network, Trick::Busy).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetch_of_another_state_starts_anew() {
    let network = Network::new();
    let store = network.empty_store();
    let other = Network::with_records(4_000);
    {
        let (url, _) = serve(&other, Trick::None).await;
        let http = Client::new().unwrap();
        let source = Source::new(&http, &url);
        let start = source.checkpoint().await.unwrap();
        let root = start.header.state_root;
        let mut restorer = Restorer::open(store.clone(), &start).unwrap();
        let chunk = Chunk::parse(&source.chunk(&root, None).await.unwrap()).unwrap();
        restorer.add(chunk.entries, chunk.proof).unwrap();
    }
    let (url, _) = serve(&network, Trick::None).await;
    attempt(&network, &store, &[url]).await.unwrap();
    network.require_same(store);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trust_file_that_names_other_validators_or_is_too_old_is_not_passed_over() {
    let mut network = Network::new();
    let (url, _) = serve(&network, Trick::None).await;
    network.trust.validators = vec![[7; 32]];
    let store = network.empty_store();
    let http = Client::new().unwrap();
    let source = Source::new(&http, &url);
    let known = Known {
        genesis: &network.genesis,
        trust: &network.trust,
        sources: &[],
    };
    let refused = from(&source, &store, &known).await.err();
    assert_eq!(
        refused.map(|error| error.code()),
        Some("not_this_committee")
    );
    network.trust.as_of -= TRUSTING_PERIOD + 3_600;
    let sources = [url.clone()];
    let error = attempt(&network, &store, &sources).await.unwrap_err();
    assert!(error.to_string().contains("trust file"), "{error}");
}
