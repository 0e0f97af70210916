//! Validators that start with an older copy of their own votes.

use std::time::Duration;

use commonware_runtime::Storage as _;

use super::checker::Violation;
use super::scenario::Scenario;
use super::town::Town;
use super::trouble::Trouble;
use super::{play, recover};

impl Town {
    /// Takes a node's votes of the present epoch away, as an older copy of its folder does that was made before it.
    pub(super) async fn take_votes(&mut self, index: usize) {
        let ledger = self.nodes[index].ledger().cloned();
        self.nodes[index].crash();
        self.wait(Duration::from_millis(100)).await;
        if let Some(ledger) = ledger {
            let votes = format!("{}-simplex-{}", self.nodes[index].name(), ledger.epoch());
            // There are none when the epoch has just begun.
            let _ = self.context.remove(&votes, None).await;
        }
    }

    async fn until(&mut self, index: usize, votes: bool) -> Result<(), Violation> {
        let begin = self.now_ms();
        loop {
            self.wait(Duration::from_millis(50)).await;
            self.check(false)?;
            let ledger = self.nodes[index].ledger().ok_or("the node is down")?;
            if ledger.knows_its_votes() && ledger.may_vote() == votes {
                return Ok(());
            }
            if self.now_ms() - begin > 120_000 {
                return Err(format!("node {index} votes: {}", !votes));
            }
        }
    }
}

fn scenario(seed: u64) -> Scenario {
    Scenario {
        epoch_blocks: 30,
        ..Scenario::calm(seed)
    }
}

#[test]
fn validator_with_an_older_copy_of_its_votes_follows_and_signs_nothing_twice() {
    play(scenario(31), async |town| {
        town.start();
        for (round, height) in [40, 90].into_iter().enumerate() {
            town.reach(height).await?;
            town.take_votes(round).await;
            town.start();
            town.until(round, false).await?;
            town.until(round, true).await?;
            // Who signs twice is shut out by the others.
            town.check_blocked().await?;
        }
        recover(town, &mut Trouble::default()).await?;
        town.check_blocked().await
    })
    .unwrap();
}

#[test]
fn older_copy_is_noticed_also_when_all_others_start_with_it() {
    play(scenario(32), async |town| {
        town.start();
        town.reach(40).await?;
        town.take_votes(2).await;
        town.restart(&[0, 1, 3]).await;
        town.until(2, false).await?;
        town.until(2, true).await?;
        recover(town, &mut Trouble::default()).await?;
        town.check_blocked().await
    })
    .unwrap();
}

#[test]
fn network_that_was_off_comes_up_with_the_votes_of_before() {
    play(scenario(33), async |town| {
        town.start();
        for round in 0..2 {
            town.reach(12 + 40 * round).await?;
            town.restart(&[0, 1, 2, 3]).await;
            for index in 0..4 {
                town.until(index, true).await?;
            }
        }
        recover(town, &mut Trouble::default()).await?;
        town.check_blocked().await
    })
    .unwrap();
}

#[test]
fn validator_does_not_vote_before_enough_others_have_answered() {
    play(scenario(34), async |town| {
        town.start();
        town.reach(12).await?;
        town.restart(&[0, 1, 2, 3]).await;
        for index in [2, 3] {
            town.nodes[index].crash();
        }
        // One other is there, and with this node they are no quorum.
        town.wait(Duration::from_secs(20)).await;
        for index in [0, 1] {
            let ledger = town.nodes[index].ledger().ok_or("the node is down")?;
            assert!(!ledger.may_vote());
        }
        town.start();
        town.until(0, true).await?;
        recover(town, &mut Trouble::default()).await.map(drop)
    })
    .unwrap();
}
