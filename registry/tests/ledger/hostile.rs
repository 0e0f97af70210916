use jumin_registry::{
    Bundle, Checkpoint, Header, NetworkTrust, Record, RecordKey, SignedOperation,
    testing::TestLedger, verify_proof,
};
use proptest::{collection::vec, prelude::*};

use super::NOW;

/// Changes, inserts or removes bytes of a well-formed input.
fn damaged(bytes: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6).prop_map(move |edits| {
        let mut bytes = bytes.clone();
        for (index, byte, kind) in edits {
            if bytes.is_empty() {
                continue;
            }
            let index = index.index(bytes.len());
            match kind {
                0 => bytes[index] = byte,
                1 => bytes.insert(index, byte),
                _ => drop(bytes.remove(index)),
            }
        }
        bytes
    })
}

fn checkpoint_bytes() -> Vec<u8> {
    TestLedger::with_validators("test", 4, NOW)
        .checkpoint(NOW)
        .to_bytes()
}

fn bundle_bytes() -> Vec<u8> {
    let mut ledger = TestLedger::new(NOW);
    ledger.agency();
    ledger.bundle(NOW).to_bytes()
}

fn operation_bytes() -> Vec<u8> {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    super::update(&ledger, &agency, 1, &agency.next, [7; 32]).to_bytes()
}

proptest! {
    #[test]
    fn parsers_of_arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..600)) {
        let _ = SignedOperation::parse(&bytes);
        let _ = Bundle::from_bytes(&bytes);
        let _ = Checkpoint::from_bytes(&bytes);
        let _ = Header::decode(&bytes);
        let _ = Record::from_bytes(&bytes);
        let _ = NetworkTrust::from_json(&bytes);
        let _ = verify_proof(&[1; 32], &[2; 32], Some(&bytes), &bytes);
        prop_assert!(verify_proof(&[1; 32], &[2; 32], None, &bytes).is_err());
    }

    #[test]
    fn record_keys_that_parse_write_themselves(text in "(did|accreditation|anchor|type|governance)?/?[ -~]{0,80}") {
        if let Ok(key) = text.parse::<RecordKey>() {
            prop_assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn damaged_checkpoint_is_never_believed(bytes in damaged(checkpoint_bytes())) {
        // Another genesis: even an undamaged one is of another network.
        let trust = TestLedger::with_validators("test", 4, NOW).trust();
        if let Ok(checkpoint) = Checkpoint::from_bytes(&bytes) {
            prop_assert_eq!(checkpoint.to_bytes(), bytes);
            prop_assert!(checkpoint.verify(&trust).is_err());
        }
    }

    #[test]
    fn damaged_bundle_never_panics(bytes in damaged(bundle_bytes())) {
        let trust = TestLedger::new(NOW).trust();
        if let Ok(bundle) = Bundle::from_bytes(&bytes) {
            prop_assert!(bundle.verify(&trust).is_err());
        }
    }

    #[test]
    fn damaged_operation_never_panics_and_keeps_its_rules(bytes in damaged(operation_bytes())) {
        let mut ledger = TestLedger::new(NOW);
        if let Ok(operation) = SignedOperation::parse(&bytes) {
            prop_assert!(ledger.apply(&operation).is_err());
        }
    }

    #[test]
    fn numbers_of_any_size_pass_through_headers(height: u64, time_ms: u64, root: [u8; 32]) {
        let header = Header {
            height,
            time_ms,
            state_root: root,
            ..TestLedger::new(NOW).checkpoint(NOW).header
        };
        prop_assert_eq!(Header::decode(&header.encode()), Ok(header));
    }
}
