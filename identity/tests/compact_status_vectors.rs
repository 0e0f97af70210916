//! The compact form of a status list is frozen, and has one encoding for one list.

use jumin_identity::{Status, StatusList, b64url, b64url_decode, compact_status};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

const STATUSES: [Status; 4] = [
    Status::Valid,
    Status::Invalid,
    Status::Suspended,
    Status::ApplicationSpecific(3),
];

fn list(entries: u32, status: impl Fn(u32) -> usize) -> StatusList {
    let mut list = StatusList::new(entries);
    for index in 0..entries {
        list.set(index, STATUSES[status(index)]).unwrap();
    }
    list
}

fn accepted() -> Vec<(&'static str, StatusList)> {
    vec![
        ("empty", StatusList::new(0)),
        ("all_valid", StatusList::new(1 << 10)),
        (
            "one_revoked_at_the_end",
            list(4096, |index| usize::from(index == 4095)),
        ),
        (
            "revoked_and_suspended",
            list(16, |index| {
                [0, 1, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, 0, 0, 3][index as usize]
            }),
        ),
        (
            "every_third_revoked",
            list(300, |index| usize::from(index % 3 == 0)),
        ),
        ("all_revoked", list(64, |_| 1)),
    ]
}

/// Are encodings with one defect each of the list of 16 entries of which entry 9 is revoked. Without a defect it is
/// `01 04 01 02 01 c8 00 00`: one gap of 9, which is with `k` = 2 the bits `110 01`.
fn refused() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("text_empty", vec![]),
        ("version_unknown", vec![2, 4, 1, 2, 1, 0xc8, 0, 0]),
        ("truncated", vec![1, 4, 1, 2, 1, 0xc8, 0]),
        ("trailing_byte", vec![1, 4, 1, 2, 1, 0xc8, 0, 0, 0]),
        ("filling_not_zero", vec![1, 4, 1, 2, 1, 0xc9, 0, 0]),
        ("k_not_the_shortest", vec![1, 4, 1, 0, 2, 0xff, 0x80, 0, 0]),
        ("k_too_large", vec![1, 4, 1, 25, 1, 0xc8, 0, 0]),
        (
            "code_longer_than_needed",
            vec![1, 4, 1, 2, 2, 0xc8, 0, 0, 0],
        ),
        ("entry_out_of_range", vec![1, 2, 1, 2, 1, 0xc8, 0, 0]),
        (
            "entry_of_two_statuses",
            vec![1, 4, 1, 2, 1, 0xc8, 1, 2, 1, 0xc8, 0],
        ),
        ("more_entries_than_the_list", vec![1, 1, 5, 0, 1, 0, 0, 0]),
        (
            "list_of_4_gib",
            vec![1, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0, 0],
        ),
        (
            "varint_without_end",
            vec![1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ),
    ]
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/compact_status")
}

fn vectors() -> Vec<(String, Value)> {
    let accepted = accepted().into_iter().map(|(name, list)| {
        let (bits, code) = (
            b64url(list.as_bytes()),
            b64url(&compact_status::encode(&list)),
        );
        (
            name.to_owned(),
            json!({"name": name, "valid": true, "list": bits, "compact": code}),
        )
    });
    let refused = refused().into_iter().map(|(name, bytes)| {
        (
            name.to_owned(),
            json!({"name": name, "valid": false, "compact": b64url(&bytes)}),
        )
    });
    accepted.chain(refused).collect()
}

#[test]
fn list_behind_the_defects_is_encoded_without_them() {
    let right = [1, 4, 1, 2, 1, 0xc8, 0, 0];
    assert_eq!(
        compact_status::encode(&list(16, |index| usize::from(index == 9))),
        right
    );
    assert!(compact_status::decode(&right).is_ok());
}

#[test]
fn every_frozen_encoding_is_judged_as_before() {
    for (name, expected) in vectors() {
        let file = fs::read(directory().join(format!("{name}.json")))
            .unwrap_or_else(|_| panic!("no vector {name}"));
        let vector: Value = serde_json::from_slice(&file).unwrap();
        assert_eq!(vector, expected, "{name}");
        let decoded =
            compact_status::decode(&b64url_decode(vector["compact"].as_str().unwrap()).unwrap());
        assert_eq!(decoded.is_ok(), vector["valid"] == true, "{name}");
        if let Ok(list) = decoded {
            assert_eq!(b64url(list.as_bytes()), vector["list"], "{name}");
        }
    }
}

/// Writes the vectors that are not there yet; run it by hand after adding one.
#[test]
#[ignore = "writes into the source tree"]
fn write_missing_vectors() {
    fs::create_dir_all(directory()).unwrap();
    for (name, vector) in vectors() {
        let path = directory().join(format!("{name}.json"));
        if !path.exists() {
            fs::write(path, serde_json::to_string_pretty(&vector).unwrap() + "\n").unwrap();
        }
    }
}
