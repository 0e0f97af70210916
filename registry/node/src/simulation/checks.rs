//! Single faults, each where it hurts.

use std::time::Duration;

use commonware_runtime::Storage as _;

use super::checker::Violation;
use super::scenario::{Fault, Scenario};
use super::town::Town;
use super::trouble::Trouble;
use super::{play, recover};
use crate::mempool::Outcome;

/// Simulated time in which something that must come has come.
const SOON: u64 = 120_000;

impl Town {
    /// Waits until an honest node is at `height`.
    pub(super) async fn reach(&mut self, height: u64) -> Result<(), Violation> {
        let end = self.now_ms() + SOON;
        while self.checker.height() < height {
            self.wait(Duration::from_millis(50)).await;
            self.check(false)?;
            if self.now_ms() > end {
                return Err(format!("block {height} does not come"));
            }
        }
        Ok(())
    }

    /// Waits until a node has applied the last block of an epoch, and not a moment longer.
    async fn reach_boundary(&mut self, index: usize) -> Result<u64, Violation> {
        let ledger = self.nodes[index]
            .ledger()
            .ok_or("the node is down")?
            .clone();
        let mut applied = ledger.applied_heights();
        let begin = *applied.borrow();
        let set = ledger.set();
        let last = applied.wait_for(|height| *height > begin && set.ends_epoch(*height));
        last.await
            .map(|height| *height)
            .map_err(|_| "the ledger is gone".to_owned())
    }

    pub(super) async fn restart(&mut self, indexes: &[usize]) {
        for index in indexes {
            self.nodes[*index].crash();
        }
        self.wait(Duration::from_millis(100)).await;
        self.start();
    }
}

/// Sends a validator's peers a lot of nonsense on one channel, and requires the others to go on.
fn survive(channel: usize) {
    let mut scenario = Scenario::calm(channel as u64);
    scenario.faults = vec![Fault::Garbles];
    play(scenario, async |town| {
        town.start();
        town.reach(3).await?;
        let hub = town.nodes[0].hub.clone();
        let mut tap = hub.tap(channel);
        let peers: Vec<_> = town.nodes[1..4]
            .iter()
            .map(|node| node.public.clone())
            .collect();
        for round in 0..60 {
            for peer in &peers {
                let length = [0, 1, 40, 300, 70_000][town.dice.below(5)];
                let nonsense = town.dice.bytes(length);
                hub.shout(channel, peer, nonsense);
                // What another said, with one bit changed, or unchanged as if it were this node's own.
                if let Ok((_, heard)) = tap.try_recv() {
                    let mut heard = heard.as_ref().to_vec();
                    let at = town.dice.below(heard.len());
                    if let Some(byte) = heard.get_mut(at).filter(|_| round % 3 > 0) {
                        *byte ^= 1 << town.dice.below(8);
                    }
                    hub.shout(channel, peer, heard);
                }
            }
            town.wait(Duration::from_millis(50)).await;
            town.check(false)?;
        }
        recover(town, &mut Trouble::default()).await?;
        town.check_blocked().await
    })
    .unwrap();
}

#[test]
fn nonsense_among_votes_stops_nobody() {
    survive(0);
}

#[test]
fn nonsense_among_certificates_stops_nobody() {
    survive(1);
}

#[test]
fn nonsense_among_requests_stops_nobody() {
    survive(2);
}

#[test]
fn nonsense_among_backfill_stops_nobody() {
    survive(3);
}

#[test]
fn nonsense_among_blocks_stops_nobody() {
    survive(4);
}

#[test]
fn nonsense_among_operations_stops_nobody() {
    survive(5);
}

#[test]
fn nonsense_about_votes_stops_nobody() {
    survive(6);
}

#[test]
fn more_forgers_than_tolerated_are_noticed() {
    let mut scenario = Scenario::calm(1);
    scenario.faults = vec![Fault::Forges; 3];
    let noticed = play(scenario, async |town| {
        town.start();
        for _ in 0..200 {
            town.wait(Duration::from_millis(200)).await;
            let (flight, _) = town.workload.bad();
            town.checker.forbid(flight.hash);
            town.check(false)?;
        }
        Ok(())
    });
    let noticed = noticed.expect_err("three of four validators can do as they like");
    let expected = [
        "cannot apply a finalized block",
        "too far ahead",
        "has a bad operation",
    ];
    assert!(
        expected.iter().any(|what| noticed.contains(what)),
        "{noticed}"
    );
}

#[test]
fn second_chain_is_noticed() {
    let noticed = play(Scenario::calm(1), async |town| {
        town.start();
        town.reach(3).await?;
        let other = play(Scenario::calm(2), async |other| {
            other.start();
            other.reach(3).await?;
            let node = other.newest().ok_or("nobody runs")?;
            let seen = town.checker.observe(node, u64::MAX);
            Ok(seen)
        });
        other?
    });
    assert_eq!(
        noticed.unwrap_err(),
        "two blocks were finalized at height 3"
    );
}

#[test]
fn lost_operation_is_noticed() {
    let noticed = play(Scenario::calm(1), async |town| {
        town.start();
        town.reach(3).await?;
        town.checker.pretend([7; 32], 2);
        town.check_node(1)
    });
    assert_eq!(noticed.unwrap_err(), "node-1 lost an operation of block 2");
}

#[test]
fn node_that_stops_at_the_end_of_an_epoch_goes_on_and_leaves_no_votes() {
    let mut scenario = Scenario::calm(3);
    scenario.epoch_blocks = 3;
    play(scenario, async |town| {
        town.start();
        for round in 0..12 {
            let index = round % 4;
            town.reach_boundary(index).await?;
            match round {
                // Everybody at once, too.
                5 | 10 => town.restart(&[0, 1, 2, 3]).await,
                _ => town.restart(&[index]).await,
            }
            town.check(true)?;
        }
        recover(town, &mut Trouble::default()).await?;
        let present = town
            .newest()
            .and_then(|node| node.ledger())
            .map(|ledger| ledger.epoch());
        for node in &town.nodes[..4] {
            for epoch in 0..present.unwrap_or_default().saturating_sub(1) {
                let votes = format!("{}-simplex-{epoch}", node.name());
                if town.context.scan(&votes).await.is_ok() {
                    return Err(format!("{votes} is left"));
                }
            }
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn node_that_missed_many_epochs_catches_up() {
    let mut scenario = Scenario::calm(4);
    scenario.epoch_blocks = 3;
    play(scenario, async |town| {
        town.start();
        town.reach(2).await?;
        town.nodes[3].crash();
        town.reach(150).await?;
        town.start();
        recover(town, &mut Trouble::default()).await?;
        let ledger = town.nodes[3].ledger().ok_or("the node is down")?;
        assert!(ledger.epoch() >= 50);
        town.check_node(3)
    })
    .unwrap();
}

/// Requires the network to go on beside a validator with this clock, and its times to stay right.
fn tolerate(ahead: i64) {
    let mut scenario = Scenario::calm(5);
    scenario.faults = vec![Fault::WrongClock];
    play(scenario, async |town| {
        town.nodes[0].set_clock(ahead);
        town.start();
        let begin = town.now_ms();
        town.reach(20).await?;
        assert!(town.now_ms() - begin < SOON / 2);
        // Once its clock is right, it takes part again: it alone knows of an operation, and gets it into a block.
        town.nodes[0].set_clock(0);
        let flight = town.workload.fresh();
        let now = town.now_ms();
        let cut = town.nodes[0].deceit.clone();
        cut.lock().unwrap().audience = Some(Default::default());
        let answer = town.nodes[0].submit(&flight.bytes, now);
        town.wait(Duration::from_millis(20)).await;
        cut.lock().unwrap().audience = None;
        assert_eq!(answer, Ok(Outcome::Pending));
        recover(town, &mut Trouble::default()).await?;
        let end = town.now_ms() + SOON;
        while !town.checker.is_final(&flight.hash) {
            town.wait(Duration::from_millis(200)).await;
            town.check(false)?;
            if town.now_ms() > end {
                return Err("the node does not take part".to_owned());
            }
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn validator_whose_clock_is_ahead_delays_nobody_for_long() {
    tolerate(60_000);
}

#[test]
fn validator_whose_clock_is_behind_delays_nobody_for_long() {
    tolerate(-60_000);
}
