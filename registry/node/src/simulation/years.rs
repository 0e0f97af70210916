//! Networks that have little to do, and those that have done it for long.

use std::time::Duration;

use commonware_runtime::Storage as _;

use super::checker::Violation;
use super::scenario::Scenario;
use super::town::Town;
use super::trouble::Trouble;
use super::{play, recover};
use crate::mempool::Outcome;
use crate::upkeep::Upkeep;

/// An operation is final within this on good links, wherever it comes in.
const PROMPT_MS: u64 = 400;

/// Gives a node an operation, and returns how many milliseconds it takes until this node has it final.
async fn finality(town: &mut Town, index: usize) -> Result<u64, Violation> {
    let flight = town.workload.fresh();
    let begin = town.now_ms();
    let answer = town.nodes[index].submit(&flight.bytes, begin);
    assert_eq!(answer, Ok(Outcome::Pending));
    loop {
        town.wait(Duration::from_millis(5)).await;
        town.check(false)?;
        let ledger = town.nodes[index].ledger().ok_or("the node is down")?;
        if let Ok(Some(Outcome::Finalized(_))) = ledger.outcome(&flight.hash) {
            return Ok(town.now_ms() - begin);
        }
        if town.now_ms() - begin > 60_000 {
            return Err("an operation waits for an idle network".to_owned());
        }
    }
}

/// An idle network as it is in production.
fn idle(seed: u64) -> Scenario {
    Scenario {
        idle: Duration::from_secs(10),
        epoch_blocks: 50,
        ..Scenario::calm(seed)
    }
}

#[test]
fn idle_network_makes_a_block_every_ten_seconds_and_takes_an_operation_at_once() {
    play(idle(21), async |town| {
        town.start();
        town.wait(Duration::from_secs(62)).await;
        town.check(false)?;
        let height = town.checker.height();
        assert!((5..=9).contains(&height), "{height} blocks in a minute");
        // Whoever leads at that moment.
        for round in 0..12 {
            let pause = town.dice.millis(1_000, 9_000);
            town.wait(pause).await;
            let took = finality(town, round % 4).await?;
            assert!(took < PROMPT_MS, "{took} ms at node {}", round % 4);
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn change_of_validators_waits_for_no_idle_block() {
    play(idle(22), async |town| {
        // The node that joins runs.
        town.scenario.changes = true;
        town.start();
        town.wait(Duration::from_secs(12)).await;
        let begin = town.now_ms();
        let mut trouble = Trouble::default();
        trouble.change_validators(town);
        let epoch = |town: &Town| town.nodes[0].ledger().map(|ledger| ledger.epoch());
        while epoch(town) == Some(0) {
            town.wait(Duration::from_millis(50)).await;
            town.check(false)?;
            assert!(town.now_ms() - begin < 30_000, "it waits for idle blocks");
        }
        let ledger = town.nodes[0].ledger().ok_or("the node is down")?;
        assert_eq!(ledger.set().keys_at(1).len(), 5);
        Ok(())
    })
    .unwrap();
}

#[test]
fn operation_that_the_leader_did_not_hear_of_reaches_it_before_the_idle_time_is_over() {
    play(idle(23), async |town| {
        town.start();
        town.wait(Duration::from_secs(31)).await;
        let mut late = 0;
        for index in 0..4 {
            // What a node sends now is lost, as to a leader that is just connecting again.
            let deceit = town.nodes[index].deceit.clone();
            deceit.lock().unwrap().audience = Some(Default::default());
            let flight = town.workload.fresh();
            let now = town.now_ms();
            let answer = town.nodes[index].submit(&flight.bytes, now);
            assert_eq!(answer, Ok(Outcome::Pending));
            town.wait(Duration::from_millis(100)).await;
            deceit.lock().unwrap().audience = None;
            while !town.checker.is_final(&flight.hash) {
                town.wait(Duration::from_millis(20)).await;
                town.check(false)?;
            }
            late += u64::from(town.now_ms() - now > 5_000);
            town.wait(Duration::from_secs(3)).await;
        }
        // One of them may have been the leader, whose block was lost too.
        assert!(late <= 1, "{late} were sent once only");
        Ok(())
    })
    .unwrap();
}

/// How many files an archive has: it forgets whole ones.
async fn files(town: &Town, node: usize, archive: &str) -> usize {
    let name = format!("{}-{archive}-archive-values", town.nodes[node].name());
    town.context
        .scan(&name)
        .await
        .map_or(0, |files| files.len())
}

#[test]
fn old_network_with_pruned_disks_starts_and_goes_on_as_a_young_one() {
    let scenario = Scenario {
        upkeep: Upkeep {
            keep: Some(Duration::from_secs(8)),
            at_least: 48,
            room_every: Duration::from_secs(10),
            room_at: Duration::ZERO,
        },
        ..Scenario::calm(24)
    };
    play(scenario, async |town| {
        town.start();
        town.reach(80).await?;
        let young = files(town, 0, "blocks").await;
        town.reach(200).await?;
        for index in 0..4 {
            let ledger = town.nodes[index].ledger().ok_or("the node is down")?;
            let kept = ledger.kept_from().map_err(|error| error.to_string())?;
            assert!(kept >= Some(120), "{kept:?}");
            assert!(files(town, index, "blocks").await <= young + 1);
            assert!(files(town, index, "finalizations").await <= young + 1);
        }
        // All at once, and one that missed some blocks.
        town.restart(&[0, 1, 2, 3]).await;
        town.reach(205).await?;
        town.nodes[3].crash();
        town.reach(220).await?;
        town.start();
        recover(town, &mut Trouble::default()).await?;
        assert!(
            town.nodes[3]
                .ledger()
                .is_some_and(|ledger| ledger.applied().height >= 220)
        );
        for index in 0..4 {
            town.check_node(index)?;
        }
        Ok(())
    })
    .unwrap();
}
