//! Taking what a batch needs: all of it or, whoever is refused or dies on the way, nothing.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use super::*;

/// An offer that was redeemed, by its number.
async fn redeemed(store: &Store) -> u64 {
    let (offer, handle) = (Secret::random(), Secret::random());
    let new = NewOffer {
        resident: "r000001",
        configuration: "resident-card",
        handle: handle.reveal(),
        actor: "admin",
        id: &offer,
        tx_code: "123456",
        expires: NOW + 600,
    };
    store.add_offer(&new, NOW).await.unwrap();
    let token = Secret::random();
    let redemption = Redemption {
        code: &offer.code_of_offer(),
        tx_code: "123456",
        configurations: None,
        token: &token,
        token_expires: NOW + 600,
    };
    store.redeem(&redemption, NOW).await.unwrap();
    store.authorize(&token, NOW).await.unwrap().unwrap().offer
}

fn batch<'a>(
    id: &'a str,
    offer: u64,
    nonce: [u8; 32],
    holders: &'a [[u8; 32]],
) -> NewCredential<'a> {
    NewCredential {
        id,
        offer,
        resident: "r000001",
        configuration: "resident-card",
        vct: "urn:jumin:resident-card:1",
        list: 1,
        holders,
        issued: NOW,
        expires: NOW + 1000,
        nonce_digest: nonce,
        nonce_expires: NOW + 300,
    }
}

/// Draws 0, 0, 1, 1, 2, 2 …: every index once more than it is free.
fn twice() -> impl FnMut() -> u32 + Send {
    let mut drawn = 0;
    move || {
        drawn += 1;
        (drawn - 1) / 2
    }
}

/// The lists, with how many of their indexes are used.
async fn used(store: &Store) -> Vec<(u32, u64)> {
    let lists = store.lists().await.unwrap();
    lists.iter().map(|list| (list.number, list.used)).collect()
}

async fn copies(store: &Store) -> Vec<u32> {
    let rows = sqlx::query("SELECT idx FROM copies ORDER BY idx");
    let rows = rows.fetch_all(&store.reader).await.unwrap();
    rows.iter().map(|row| sqlx::Row::get(row, 0)).collect()
}

#[tokio::test]
async fn no_index_is_given_out_twice() {
    let (store, _directory) = store().await;
    for at in 0..3_u8 {
        let offer = redeemed(&store).await;
        let id = format!("c{at}");
        let holders = [[2 * at; 32], [2 * at + 1; 32]];
        let new = batch(&id, offer, [at; 32], &holders);
        let mut draw = twice();
        let drawn = store.issue(&new, &mut draw, |indexes| Ok(indexes.to_vec()));
        let first = u32::from(at) * 2;
        assert_eq!(drawn.await.unwrap(), [first, first + 1]);
    }
    assert_eq!(used(&store).await, [(1, 6)]);
}

#[tokio::test]
async fn refused_batch_takes_nothing_and_is_not_signed() {
    let (store, _directory) = store().await;
    let (first, second) = (redeemed(&store).await, redeemed(&store).await);
    let new = batch("c1", first, [1; 32], &[[1; 32]]);
    store.issue(&new, &mut twice(), |_| Ok(())).await.unwrap();
    let used_key = [[2; 32], [1; 32]];
    for new in [
        batch("c2", first, [2; 32], &[[2; 32]]),
        batch("c2", second, [1; 32], &[[2; 32]]),
        batch("c2", second, [2; 32], &used_key),
    ] {
        let mut draw = twice();
        let refused = store.issue(&new, &mut draw, |_| -> Result<(), _> {
            unreachable!("a refused batch is not signed")
        });
        assert!(matches!(
            refused.await,
            Err(RecordError::TokenUsed | RecordError::NonceUsed | RecordError::KeyUsed)
        ));
        assert_eq!(used(&store).await, [(1, 1)]);
        assert_eq!(copies(&store).await, [0]);
        assert!(store.credential("c2").await.unwrap().is_none());
    }
    let new = batch("c2", second, [2; 32], &[[2; 32]]);
    store.issue(&new, &mut twice(), |_| Ok(())).await.unwrap();
}

/// Ends an issuance at each point where it waits, as a kill does. Once the end of its transaction was asked for, all of it
/// may be there; never a part.
#[tokio::test]
async fn issuance_that_dies_takes_all_or_nothing() {
    let (store, _directory) = store().await;
    let offer = redeemed(&store).await;
    let new = batch("c1", offer, [1; 32], &[[1; 32], [2; 32]]);
    for steps in 0.. {
        let mut draw = twice();
        let mut issuance = pin!(store.issue(&new, &mut draw, |indexes| Ok(indexes.to_vec())));
        let mut ended = None;
        for _ in 0..steps {
            if let Poll::Ready(answer) = until_woken(issuance.as_mut()).await {
                ended = Some(answer);
                break;
            }
        }
        let all = (vec![0, 1], vec![(1, 2)], true);
        let found = taken(&store).await;
        match ended {
            Some(Ok(indexes)) => assert_eq!(indexes, [0, 1]),
            // The one before was killed with its end on the way.
            Some(Err(error)) => assert!(matches!(error, RecordError::TokenUsed), "{error}"),
            None if found == all => {}
            None => {
                assert_eq!(found, (vec![], vec![(1, 0)], false));
                continue;
            }
        }
        assert_eq!(found, all);
        return;
    }
}

#[tokio::test]
async fn issuance_that_dies_while_it_draws_or_signs_takes_nothing() {
    let (store, _directory) = store().await;
    let offer = redeemed(&store).await;
    for dies_at in 0..3 {
        let own = store.clone();
        let issuance = tokio::spawn(async move {
            let new = batch("c1", offer, [1; 32], &[[1; 32], [2; 32]]);
            let mut drawn = 0..;
            let mut draw = || {
                let index = drawn.next().unwrap();
                assert_ne!(index, dies_at, "killed while it draws");
                index
            };
            let sign = |_: &[u32]| -> Result<(), _> { panic!("killed while it signs") };
            own.issue(&new, &mut draw, sign).await
        });
        assert!(issuance.await.unwrap_err().is_panic());
        assert_eq!(taken(&store).await, (vec![], vec![(1, 0)], false));
    }
    let new = batch("c1", offer, [1; 32], &[[1; 32], [2; 32]]);
    let mut draw = twice();
    let drawn = store.issue(&new, &mut draw, |indexes| Ok(indexes.to_vec()));
    assert_eq!(drawn.await.unwrap(), [0, 1], "no index was lost");
}

/// The indexes taken, the lists with what is used of them, and whether the batch is there.
async fn taken(store: &Store) -> (Vec<u32>, Vec<(u32, u64)>, bool) {
    let batch = store.credential("c1").await.unwrap();
    (copies(store).await, used(store).await, batch.is_some())
}

/// Polls once after the future can go on.
async fn until_woken<F: Future>(mut future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    let mut polled = false;
    std::future::poll_fn(move |context| {
        if polled {
            return Poll::Ready(Poll::Pending);
        }
        let answer = future.as_mut().poll(context);
        if answer.is_ready() {
            return Poll::Ready(answer);
        }
        polled = true;
        Poll::Pending
    })
    .await
}

#[tokio::test]
async fn full_list_gives_out_nothing() {
    let (store, _directory) = store().await;
    let offer = redeemed(&store).await;
    let full = i64::try_from(crate::indexes::most_used()).unwrap();
    let fill = sqlx::query("UPDATE status_lists SET used = ? - 1").bind(full);
    fill.execute(&store.writer).await.unwrap();
    let new = batch("c1", offer, [1; 32], &[[1; 32], [2; 32]]);
    let refused = store.issue(&new, &mut twice(), |_| Ok(())).await;
    assert!(matches!(refused, Err(RecordError::ListFull)));
    assert!(store.credential("c1").await.unwrap().is_none());
}
