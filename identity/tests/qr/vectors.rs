//! The QR form is frozen: what was once written is read as before.

use std::{fs, path::PathBuf};

use jumin_identity::{
    Assembler, CodecContext, Message, Progress, b64url, b64url_decode, encode_presentation,
    encode_request,
};
use serde_json::{Value, json};

use crate::bad_input::{forged, large, text_of, zstd};
use crate::{card, size};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/qr")
}

fn texts(frames: &[jumin_identity::Frame]) -> Vec<String> {
    frames.iter().map(|frame| frame.text().to_owned()).collect()
}

fn presentation(token: &str, context: &CodecContext) -> Vec<String> {
    texts(&encode_presentation(token, context).unwrap())
}

/// Are messages that are read.
fn accepted() -> Vec<(&'static str, Value)> {
    let request = size::request();
    let nothing = CodecContext::new();
    let mut vectors = vec![
        (
            "request_with_template",
            json!({"message": request, "frames": texts(&encode_request(&request, &nothing).unwrap())}),
        ),
        (
            "request_as_text",
            json!({"message": "no.jws", "frames": texts(&encode_request("no.jws", &nothing).unwrap())}),
        ),
    ];
    let frames = texts(&encode_request(&large("vector"), &nothing).unwrap());
    let kept: Vec<_> = frames.into_iter().rev().step_by(2).chain(None).collect();
    let more = texts(&encode_request(&large("vector"), &nothing).unwrap());
    vectors.push((
        "request_in_frames_of_which_some_are_lost",
        json!({"message": large("vector"), "frames": kept.into_iter().chain(more.into_iter().take(16)).collect::<Vec<_>>()}),
    ));
    let dictionary = b64url(&card::dictionary());
    for (name, id) in [
        ("presentation_of_age", "age-19"),
        ("presentation_of_identity", "identity"),
    ] {
        let token = card::template_presentation(2, id);
        let frames = presentation(&token, card::context());
        vectors.push((
            name,
            json!({"message": token, "dictionary": dictionary, "frames": frames}),
        ));
    }
    let token = card::template_presentation(3, "address");
    let header = token.split(['"', '.']).nth(3).unwrap();
    let frames = presentation(&token, &card::context_with_header(&token));
    vectors.push((
        "presentation_with_interned_header",
        json!({"message": token, "header": header, "frames": frames}),
    ));
    let spaced = token.replacen('{', "{ ", 1);
    let frames = presentation(&spaced, &nothing);
    vectors.push((
        "presentation_as_text",
        json!({"message": spaced, "frames": frames}),
    ));
    vectors
}

/// Writes a request whose shape is given; the header is `{}`.
fn request(shape: &[u8], values: &[u8]) -> String {
    let shape = [&[0x82, 0xa0][..], shape].concat();
    let length = u8::try_from(shape.len()).unwrap();
    assert!(length < 24, "one byte of length");
    text_of(&[&[0x00, length][..], &shape, values, &[7; 64]].concat())
}

/// Are texts with one defect each, and the code with which they are refused.
fn refused() -> Vec<(&'static str, &'static str, Vec<String>)> {
    let one = |name, code, text: String| (name, code, vec![text]);
    let bomb = zstd(&vec![0; 300 * 1024]);
    let deep = [&[0x19, 0x01, 0x2d, 0x82][..], &[0x81; 300]].concat();
    let mut mixed = vec![forged(&[1; 8], 5000, 0, &[0; 232])];
    mixed.push(forged(&[2; 8], 5000, 0, &[0; 232]));
    let short = forged(&[1; 8], 100, 0, &[0; 232]);
    vec![
        one("foreign", "qr_foreign", "HC1:6BFOXN".to_owned()),
        one("version_unknown", "qr_version", "JM2:00.".to_owned()),
        one(
            "end_mark_missing",
            "qr_truncated",
            text_of(&[0]).replace('.', ""),
        ),
        one("lower_case", "qr_malformed", "JM1:aaa.".to_owned()),
        one(
            "last_pair_above_a_byte",
            "qr_malformed",
            "JM1:::.".to_owned(),
        ),
        one(
            "longer_than_a_qr_code",
            "qr_too_long",
            format!("JM1:{}.", "0".repeat(4296)),
        ),
        one("packing_unknown", "qr_malformed", text_of(&[0x30, 0])),
        one("kind_unknown", "qr_malformed", text_of(&[0x04, 0])),
        one(
            "inflates_beyond_256_kib",
            "qr_inflates",
            text_of(&[&[0x10], &bomb[..]].concat()),
        ),
        one(
            "zstd_without_size",
            "qr_malformed",
            text_of(&[0x10, 0x00, 0x58, 0x01, 0x00, 0x00]),
        ),
        one(
            "dictionary_unknown",
            "qr_dictionary_unknown",
            text_of(&[0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0]),
        ),
        one(
            "header_unknown",
            "qr_header_unknown",
            text_of(&[&[0x00, 0x0b, 0x82, 0xc7, 0x48][..], &[1; 8], &[0]].concat()),
        ),
        one(
            "nested_too_deep",
            "qr_limit",
            text_of(&[&[0x00], &deep[..]].concat()),
        ),
        one(
            "head_longer_than_needed",
            "qr_malformed",
            request(&[0x18, 0x01], &[]),
        ),
        one(
            "indefinite_length",
            "qr_malformed",
            request(&[0x9f, 0xff], &[]),
        ),
        one(
            "word_unknown",
            "qr_malformed",
            request(&[0xc6, 0x18, 0xff], &[]),
        ),
        one(
            "tag_unknown",
            "qr_malformed",
            request(&[0xd8, 0x40, 0x01], &[]),
        ),
        one(
            "member_twice",
            "qr_malformed",
            request(&[0xa2, 0x00, 0x01, 0x00, 0x01], &[]),
        ),
        one(
            "float_not_a_number",
            "qr_malformed",
            request(&[0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], &[]),
        ),
        one(
            "digest_of_no_disclosure",
            "qr_malformed",
            request(&[0xc8, 0x00], &[]),
        ),
        one(
            "sd_hash_outside_a_presentation",
            "qr_malformed",
            request(&[0xe6], &[]),
        ),
        one(
            "key_not_on_the_curve",
            "qr_malformed",
            request(&[0xe4], &[&[2][..], &[0xff; 32]].concat()),
        ),
        one(
            "registration_number_of_14_digits",
            "qr_malformed",
            request(&[0xe7], &[0xff; 6]),
        ),
        one("values_left_over", "qr_malformed", request(&[0xa0], &[0])),
        one(
            "time_before_iat_is_known",
            "qr_malformed",
            request(&[0xcc, 0x01], &[]),
        ),
        ("frames_of_two_messages", "qr_frames_mixed", mixed),
        one(
            "frame_check_wrong",
            "qr_frame_damaged",
            text_of(&[5; 249]).replacen(':', "/", 1),
        ),
        one(
            "frame_longer_than_64_kib",
            "qr_malformed",
            forged(&[1; 8], 65_537, 0, &[0; 232]),
        ),
        one("frames_of_another_hash", "qr_message_damaged", short),
    ]
}

/// Reads the frames in turn until one completes the message or is refused.
fn judge(vector: &Value) -> Result<Message, &'static str> {
    let bytes = |name: &str| b64url_decode(vector[name].as_str()?).ok();
    let mut context = CodecContext::new();
    if let Some(dictionary) = bytes("dictionary") {
        context.add_dictionary(dictionary).unwrap();
    }
    if let Some(header) = bytes("header") {
        context.add_header(&header).unwrap();
    }
    let mut assembler = Assembler::new();
    for frame in vector["frames"].as_array().unwrap() {
        match assembler.push(frame.as_str().unwrap(), &context) {
            Ok(Progress::Complete(message)) => return Ok(message),
            Ok(_) => {}
            Err(error) => return Err(error.code()),
        }
    }
    Err("incomplete")
}

#[test]
fn every_frozen_text_is_read_as_before() {
    let mut count = 0;
    for entry in fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let judged = judge(&vector);
        match &vector["code"] {
            Value::Null => assert_eq!(judged.unwrap().text(), vector["message"], "{path:?}"),
            code => assert_eq!(judged.unwrap_err(), code, "{path:?}"),
        }
        count += 1;
    }
    assert_eq!(count, accepted().len() + refused().len());
}

#[test]
fn request_behind_the_defects_is_read_without_them() {
    let read = judge(&json!({"frames": [request(&[0xa1, 0x04, 0x01], &[])]})).unwrap();
    assert_eq!(
        read.text(),
        format!(
            "{}.{}.{}",
            b64url(b"{}"),
            b64url(b"{\"iat\":1}"),
            b64url(&[7; 64])
        )
    );
}

#[test]
fn defects_are_refused_with_their_codes() {
    for (name, code, frames) in refused() {
        assert_eq!(judge(&json!({"frames": frames})), Err(code), "{name}");
    }
}

/// Writes the vectors that are not there yet; run it by hand after adding one.
#[test]
#[ignore = "writes into the source tree"]
fn write_missing_vectors() {
    fs::create_dir_all(directory()).unwrap();
    let refused = refused()
        .into_iter()
        .map(|(name, code, frames)| (name, json!({"code": code, "frames": frames})));
    for (name, vector) in accepted().into_iter().chain(refused) {
        let path = directory().join(format!("{name}.json"));
        if !path.exists() {
            fs::write(path, serde_json::to_string_pretty(&vector).unwrap() + "\n").unwrap();
        }
    }
}
