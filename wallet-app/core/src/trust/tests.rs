use std::sync::Mutex;

use async_trait::async_trait;
use jumin_registry::client::LedgerClient;
use jumin_registry::testing::TestLedger;
use jumin_registry::{Checkpoint, RecordKey, VerifiedBundle};

use super::reader::Proven;
use super::*;

const NOW: u64 = 1_800_000_000;

/// Answers with the checkpoints it was given, in turn; the last one for ever.
struct Script(Mutex<Vec<Proven>>);

#[async_trait]
impl RecordSource for Script {
    async fn record(&self, _key: &RecordKey) -> Result<Proven, TrustError> {
        let mut script = self.0.lock().unwrap();
        Ok(match script.len() {
            1 => script[0].clone(),
            _ => script.remove(0),
        })
    }

    async fn bundle(&self) -> Result<(Vec<u8>, VerifiedBundle), TrustError> {
        Err(TrustError::NoBundle)
    }
}

fn reader(ledger: &TestLedger, checkpoints: &[Checkpoint]) -> LedgerReader {
    let proven = |checkpoint: &Checkpoint| Proven {
        checkpoint: checkpoint.verify(&ledger.trust()).unwrap(),
        record: None,
    };
    let script = checkpoints.iter().map(proven).collect();
    LedgerReader::new(Box::new(Script(Mutex::new(script))), None)
}

async fn ask(reader: &LedgerReader) -> Result<(), TrustError> {
    reader.record(&RecordKey::Governance, NOW).await.map(|_| ())
}

#[tokio::test(start_paused = true)]
async fn ledger_that_goes_back_is_refused() {
    let mut ledger = TestLedger::new(NOW - 100);
    let (old, new) = (ledger.checkpoint(NOW - 50), ledger.checkpoint(NOW));
    let reader = reader(&ledger, &[new, old]);
    ask(&reader).await.unwrap();
    assert_eq!(ask(&reader).await.unwrap_err().code(), "ledger_went_back");
}

#[tokio::test(start_paused = true)]
async fn node_that_is_a_little_behind_may_catch_up() {
    let mut ledger = TestLedger::new(NOW - 100);
    let (old, new) = (ledger.checkpoint(NOW - 1), ledger.checkpoint(NOW));
    let reader = reader(&ledger, &[new.clone(), old, new]);
    ask(&reader).await.unwrap();
    ask(&reader).await.unwrap();
}

#[tokio::test]
async fn two_blocks_of_one_height_are_a_fork() {
    let mut ledger = TestLedger::new(NOW - 100);
    let one = ledger.checkpoint(NOW);
    let seen = reader::remember(&one.verify(&ledger.trust()).unwrap());
    let other = crate::store::Remembered {
        digest: [9; 32],
        ..seen
    };
    let proven = Proven {
        checkpoint: one.verify(&ledger.trust()).unwrap(),
        record: None,
    };
    let script = Box::new(Script(Mutex::new(vec![proven])));
    let reader = LedgerReader::new(script, Some(other));
    assert_eq!(ask(&reader).await.unwrap_err().code(), "ledger_forked");
}

#[tokio::test]
async fn old_block_and_block_of_the_future_are_told_apart() {
    let mut ledger = TestLedger::new(NOW - 10_000);
    let old = ledger.checkpoint(NOW - 5000);
    let reader_of_old = reader(&ledger, &[old]);
    assert_eq!(
        ask(&reader_of_old).await.unwrap_err().code(),
        "ledger_stale"
    );
    let ahead = ledger.checkpoint(NOW + 5000);
    let reader_of_ahead = reader(&ledger, &[ahead]);
    assert_eq!(
        ask(&reader_of_ahead).await.unwrap_err().code(),
        "clock_wrong"
    );
}

#[tokio::test]
async fn trust_that_was_not_confirmed_for_too_long_is_told_from_a_silent_network() {
    let trust = TestLedger::new(1_500_000_000).trust();
    let nowhere = vec!["https://node.invalid/".parse().unwrap()];
    let client = LedgerClient::new(nowhere, trust, jumin_http::Client::new().unwrap());
    let error = RecordSource::record(&client, &RecordKey::Governance).await;
    assert_eq!(error.unwrap_err().code(), "trust_expired");
}
