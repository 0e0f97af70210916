//! How large the codes are.

use jumin_identity::{
    Assembler, AuthorizationRequest, CodecContext, DidUrl, Frame, Message, Progress, ResponseMode,
    b64url, encode_presentation, encode_request, sign_request, template,
};

use crate::card::{self, NOW};

const FIVE: [&str; 5] = [
    "name.hangul",
    "resident_registration_number",
    "birthdate",
    "address.sido",
    "address.road",
];

fn read(frame: &Frame, context: &CodecContext) -> Message {
    match Assembler::new().push(frame.text(), context) {
        Ok(Progress::Complete(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn five_claims_of_the_card_fit_version_19() {
    let context = card::context();
    for person in 0..5 {
        for query in ["desk-7", "identity"] {
            let token = card::presentation(person, query, &FIVE);
            let frames = encode_presentation(&token, context).unwrap();
            let [frame] = frames.as_slice() else {
                panic!("one frame");
            };
            println!(
                "five claims: {} of {} characters, version {}",
                frame.text().len(),
                token.len(),
                frame.version()
            );
            assert!(frame.version() <= 19, "version {}", frame.version());
            assert_eq!(read(frame, context), Message::Presentation(token));
        }
    }
}

#[test]
fn registered_templates_but_the_portrait_are_one_code() {
    let context = card::context();
    for id in ["age-19", "address", "identity"] {
        let token = card::template_presentation(1, id);
        let frames = encode_presentation(&token, context).unwrap();
        let [frame] = frames.as_slice() else {
            panic!("one frame");
        };
        println!(
            "{id}: {} of {} characters, version {}",
            frame.text().len(),
            token.len(),
            frame.version()
        );
        assert!(frame.version() <= 19);
        assert_eq!(read(frame, context), Message::Presentation(token));
    }
}

pub fn request() -> String {
    let request = AuthorizationRequest {
        client_id: card::audience(),
        nonce: b64url(&card::noise("request", 16)),
        query: template("identity").unwrap().query().clone(),
        expires: NOW + 120,
        response: ResponseMode::QrCode,
        state: None,
    };
    let kid = DidUrl::new(&card::did("counter"), "key-1").unwrap();
    sign_request(&request, Some(&kid), &[], NOW, &card::key(3)).unwrap()
}

#[test]
fn signed_request_with_a_template_is_under_300_bytes() {
    let context = CodecContext::new();
    let frames = encode_request(&request(), &context).unwrap();
    let [frame] = frames.as_slice() else {
        panic!("one frame");
    };
    println!(
        "request: {} of {} characters, version {}",
        frame.text().len(),
        request().len(),
        frame.version()
    );
    assert!(frame.text().len() <= 300, "{}", frame.text().len());
    assert!(matches!(read(frame, &context), Message::Request(_)));
}

#[test]
fn portrait_travels_in_frames_of_version_10() {
    let context = card::context();
    let token = card::template_presentation(1, "identity-portrait");
    let frames = encode_presentation(&token, context).unwrap();
    let mut assembler = Assembler::new();
    let read = frames.iter().find_map(|frame| {
        assert!(frames.len() == 1 || frame.version() <= 10);
        match assembler.push(frame.text(), context).unwrap() {
            Progress::Complete(message) => Some(message),
            _ => None,
        }
    });
    assert_eq!(read, Some(Message::Presentation(token)));
}
