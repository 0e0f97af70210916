//! What holds for any input.

use jumin_identity::{
    Assembler, CodecContext, Message, Progress, VpToken, b64url, encode_presentation,
    encode_request, sha256,
};
use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,40}",
        "[A-Za-z0-9_-]{20,60}",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}",
        "[0-9]{6}-[0-9]{7}",
        "data:image/jpeg;base64,[A-Za-z0-9+/]{0,40}={0,2}",
        "(decentralized_identifier:)?did:jumin:[a-z]{1,5}:[a-z2-7]{52}(#[a-z]{1,3})?",
        Just("sha-256".to_owned()),
        Just(b64url(&[3; 32])),
    ]
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,12}",
        proptest::sample::select(vec![
            "iat",
            "exp",
            "nbf",
            "idx",
            "_sd",
            "x5c",
            "cnf",
            "jwk",
            "aud",
            "iss",
            "kid",
            "...",
            "dcql_query",
            "sd_hash",
            "address",
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<u32>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            hash_map(any_name(), inner, 0..6)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn jws(header: &[u8], payload: &[u8]) -> String {
    format!(
        "{}.{}.{}",
        b64url(header),
        b64url(payload),
        b64url(&[7; 64])
    )
}

fn read(frames: &[jumin_identity::Frame]) -> Message {
    let mut assembler = Assembler::new();
    for frame in frames {
        let progress = assembler
            .push(frame.text(), &CodecContext::new())
            .expect("a frame");
        if let Progress::Complete(message) = progress {
            return message;
        }
    }
    panic!("incomplete");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_claims_read_back_byte_by_byte(
        header in any_json(),
        mut payload in hash_map(any_name(), any_json(), 0..6),
        claims in vec((any_text(), any_name(), any_json()), 0..6),
        binding in any_json(),
        spaced in any::<bool>(),
    ) {
        let disclosures: Vec<String> = claims
            .iter()
            .map(|(salt, name, value)| {
                let json = json!([salt, name, value]);
                let text = if spaced { format!("{json:#}") } else { json.to_string() };
                b64url(text.as_bytes())
            })
            .collect();
        let digest = |text: &String| b64url(&sha256(text.as_bytes()));
        let mut digests: Vec<String> = disclosures.iter().map(digest).collect();
        digests.push(b64url(&[9; 32]));
        if claims.len() % 2 == 0 {
            digests.sort();
        }
        payload.insert("_sd".to_owned(), json!(digests));
        let mut sd_jwt = jws(header.to_string().as_bytes(), json!(payload).to_string().as_bytes());
        for disclosure in &disclosures {
            sd_jwt = format!("{sd_jwt}~{disclosure}");
        }
        sd_jwt.push('~');
        let hash = b64url(&sha256(sd_jwt.as_bytes()));
        let binding = json!({"nonce": binding, "sd_hash": hash}).to_string();
        let presentation = sd_jwt + &jws(b"{\"alg\":\"ES256\"}", binding.as_bytes());
        let token = VpToken::new("any", presentation).to_json();
        let frames = encode_presentation(&token, &CodecContext::new()).expect("frames");
        prop_assert_eq!(read(&frames), Message::Presentation(token));
    }

    #[test]
    fn any_text_is_carried_as_it_is(text in ".{0,400}", large in vec(any::<u8>(), 0..3000)) {
        for text in [text, b64url(&large)] {
            let frames = encode_presentation(&text, &CodecContext::new()).expect("frames");
            prop_assert_eq!(read(&frames), Message::Presentation(text.clone()));
            let frames = encode_request(&text, &CodecContext::new()).expect("frames");
            prop_assert_eq!(read(&frames), Message::Request(text));
        }
    }

    #[test]
    fn any_scanned_text_is_survived(text in ".{0,300}", alphanumeric in "JM1[:/][0-9A-Z $%*+./:-]{0,600}[.]") {
        for text in [text, alphanumeric] {
            let _ = Assembler::new().push(&text, &CodecContext::new());
        }
    }

    #[test]
    fn any_frames_are_survived(
        length in 1usize..6000,
        numbers in vec(prop_oneof![0u16..40, any::<u16>()], 1..60),
    ) {
        let mut assembler = Assembler::new();
        for number in numbers {
            let frame = crate::bad_input::forged(&[1; 8], length, number, &[0; 232]);
            let _ = assembler.push(&frame, &CodecContext::new());
        }
    }

    #[test]
    fn any_packed_bytes_are_survived_and_bounded(
        first in prop_oneof![Just(0u8), Just(1u8), any::<u8>()],
        bytes in vec(any::<u8>(), 0..600),
    ) {
        let packed = [&[first][..], &bytes].concat();
        let text = format!("JM1:{}.", base45::encode(&packed));
        if let Ok(Progress::Complete(message)) = Assembler::new().push(&text, &CodecContext::new()) {
            prop_assert!(message.text().len() <= 512 * 1024);
        }
    }

    #[test]
    fn any_change_of_a_message_is_survived(at in 0usize..4000, to in any::<u8>()) {
        use std::sync::LazyLock;
        static BODY: LazyLock<(Vec<u8>, CodecContext)> = LazyLock::new(|| {
            let token = crate::card::template_presentation(0, "identity");
            let context = crate::card::context_with_header(&token);
            let frame = encode_presentation(&token, &context).expect("frames").remove(0);
            let packed = base45::decode(&frame.text()[4..frame.text().len() - 1]).expect("base45");
            let body = match packed.split_first() {
                Some((0x01, body)) => body.to_vec(),
                Some((0x11, frame)) => {
                    let frame = [&[0x28, 0xb5, 0x2f, 0xfd][..], frame].concat();
                    zstd::bulk::decompress(&frame, 1 << 20).expect("inflates")
                }
                other => panic!("{other:?}"),
            };
            (body, context)
        });
        let (body, context) = &*BODY;
        let mut body = body.clone();
        let at = at % body.len();
        body[at] = to;
        let text = format!("JM1:{}.", base45::encode([&[0x01][..], &body].concat()));
        let _ = Assembler::new().push(&text, context);
    }
}
