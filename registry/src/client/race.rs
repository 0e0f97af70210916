//! Asks several nodes so that a silent one costs a second, not the answer.

use std::{
    future::{Future, pending, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tokio::time::sleep;

/// After this long without a sign of life of one node, the next is asked as well.
const SILENT: Duration = Duration::from_millis(800);
/// After this long the next is asked also if an answer has begun to come: long enough that a large one on a thin line is
/// seldom fetched twice.
const SLOW: Duration = Duration::from_secs(10);

/// Whether a node's answer has begun to come.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<AtomicBool>);

impl Heard {
    /// Takes note that it has.
    pub(super) fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_marked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Asks one after the other, the next as soon as one fails, is silent or slow, and takes the first answer; those asked
/// before may still give it.
///
/// # Errors
/// What went wrong with each, once all have failed.
pub(super) async fn first_answer<N, T, E, F>(
    mut nodes: impl Iterator<Item = N>,
    ask: impl Fn(N, Heard) -> F,
) -> Result<T, Vec<E>>
where
    F: Future<Output = Result<T, E>>,
{
    let (mut asked, mut failures) = (Vec::new(), Vec::new());
    loop {
        let newest = nodes.next().map(|node| {
            let heard = Heard::default();
            asked.push(Box::pin(ask(node, heard.clone())));
            heard
        });
        if asked.is_empty() {
            return Err(failures);
        }
        tokio::select! {
            biased;
            ended = any(&mut asked) => match ended {
                Ok(answer) => return Ok(answer),
                Err(failure) => failures.push(failure),
            },
            () = impatience(newest) => {}
        }
    }
}

/// Waits for any of them to end, and takes it out.
async fn any<F: Future>(asked: &mut Vec<Pin<Box<F>>>) -> F::Output {
    poll_fn(|context| {
        for index in 0..asked.len() {
            if let Poll::Ready(output) = asked[index].as_mut().poll(context) {
                drop(asked.swap_remove(index));
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    })
    .await
}

/// Ends when it is time to ask the next; never if there was none to ask this time.
async fn impatience(newest: Option<Heard>) {
    let Some(heard) = newest else {
        return pending().await;
    };
    sleep(SILENT).await;
    if heard.is_marked() {
        sleep(SLOW - SILENT).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// What a node does: after how long its answer begins and ends, and whether it is one.
    type Node = (u64, u64, bool);
    const NEVER: u64 = 1_000_000;

    async fn ask(nodes: &[Node]) -> (Result<u64, Vec<u64>>, u64) {
        let began = Instant::now();
        let numbered = (0_u64..).zip(nodes);
        let first = first_answer(
            numbered,
            |(number, (begins, ends, good)), heard| async move {
                sleep(Duration::from_millis(*begins)).await;
                heard.mark();
                sleep(Duration::from_millis(ends - begins)).await;
                if *good { Ok(number) } else { Err(number) }
            },
        );
        let first = first.await;
        let took = u64::try_from(began.elapsed().as_millis()).unwrap();
        (first, took)
    }

    #[tokio::test(start_paused = true)]
    async fn silent_node_is_left_for_the_next_within_a_second() {
        let (first, took) = ask(&[(NEVER, NEVER, true), (10, 20, true)]).await;
        assert_eq!(first, Ok(1));
        assert!(took < 1_000, "{took}");
        let silent = [(NEVER, NEVER, true); 3];
        let (first, took) = ask(&[&silent[..], &[(10, 20, true)]].concat()).await;
        assert_eq!(first, Ok(3));
        assert!(took < 3_000, "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn node_that_fails_is_replaced_at_once() {
        let (first, took) = ask(&[(5, 10, false), (5, 10, false), (5, 10, true)]).await;
        assert_eq!((first, took), (Ok(2), 30));
    }

    #[tokio::test(start_paused = true)]
    async fn slow_nodes_are_waited_for_where_no_other_is_faster() {
        let (first, took) = ask(&[(3_000, 3_100, true), (4_000, 4_100, true)]).await;
        assert_eq!((first, took), (Ok(0), 3_100));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_sends_its_answer_for_minutes_does_not_hold_up_the_next() {
        let (first, took) = ask(&[(10, 60_000, true), (10, 20, true)]).await;
        assert_eq!((first, took), (Ok(1), 10_020));
    }

    #[tokio::test(start_paused = true)]
    async fn long_answer_that_is_coming_is_not_asked_for_twice() {
        let asked = std::cell::Cell::new(0);
        let first = first_answer(0..3, |number, heard| {
            asked.set(asked.get() + 1);
            heard.mark();
            async move {
                sleep(Duration::from_secs(9)).await;
                Ok::<_, ()>(number)
            }
        });
        assert_eq!(first.await, Ok(0));
        assert_eq!(asked.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn every_failure_is_told_once_all_have_failed() {
        let (first, _) = ask(&[(10, 20, false), (900, 1_000, false)]).await;
        assert_eq!(first, Err(vec![0, 1]));
        assert_eq!(ask(&[]).await.0, Err(vec![]));
    }
}
