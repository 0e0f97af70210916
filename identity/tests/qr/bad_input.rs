//! Text that is damaged, foreign, forged or hostile: each has its own code, and nothing that came before is lost.

use jumin_identity::{
    Assembler, CodecContext, EncodeError, Frame, FrameError, Message, Progress, b64url,
    encode_presentation, encode_request, sha256,
};

use crate::card;
use crate::size::request;

pub fn text_of(packed: &[u8]) -> String {
    format!("JM1:{}.", base45::encode(packed))
}

fn packed(text: &str) -> Vec<u8> {
    base45::decode(&text[4..text.len() - 1]).unwrap()
}

fn push(text: &str) -> Result<Progress, FrameError> {
    Assembler::new().push(text, card::context())
}

/// Makes a request of noise, so that it takes many frames.
pub fn large(seed: &str) -> String {
    format!(
        "{}.{}.{}",
        b64url(b"{}"),
        b64url(&card::noise(seed, 5000)),
        b64url(&[7; 64])
    )
}

fn frames(seed: &str) -> Vec<Frame> {
    encode_request(&large(seed), &CodecContext::new()).unwrap()
}

/// Writes a zstd frame without its magic number, as the packed form has it.
pub fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(content, 19).unwrap()[4..].to_vec()
}

#[test]
fn qr_of_others_is_foreign() {
    for text in [
        "",
        "openid4vp://?client_id=x",
        "HC1:6BFOXN",
        "shc:/567629095243206034602924374044603122",
        "주민",
        "\u{feff}JM1:A.",
    ] {
        assert_eq!(push(text), Err(FrameError::Foreign), "{text}");
    }
    assert_eq!(push("JM9:ABC."), Err(FrameError::Version));
}

#[test]
fn text_cut_anywhere_is_refused() {
    let token = card::template_presentation(0, "identity");
    let context = card::context();
    let frame = encode_presentation(&token, context).unwrap().remove(0);
    let whole = Ok(Progress::Complete(Message::Presentation(token)));
    assert_eq!(push(frame.text()), whole);
    for end in 0..frame.text().len() {
        let cut = &frame.text()[..end];
        assert!(push(cut).is_err(), "{cut}");
        // A cut that is closed by hand is not taken for a shorter message either.
        let closed = end + 1 < frame.text().len();
        assert!(!closed || push(&format!("{cut}.")) != whole, "{cut}");
    }
}

#[test]
fn oversized_text_is_refused_unread() {
    assert_eq!(
        push(&format!("JM1:{}.", "A".repeat(1 << 20))),
        Err(FrameError::TooLong)
    );
    let large = "a".repeat(300 * 1024);
    assert_eq!(
        encode_request(&large, &CodecContext::new()),
        Err(EncodeError::TooLarge)
    );
    let noise = b64url(&card::noise("too much", 100 * 1024));
    assert_eq!(
        encode_request(&noise, &CodecContext::new()),
        Err(EncodeError::TooLarge)
    );
}

#[test]
fn zip_bomb_is_refused_before_it_inflates() {
    for kind in 0x10..0x14u8 {
        let bomb = zstd(&vec![b'a'; 4 << 20]);
        let text = text_of(&[&[kind][..], &bomb[..bomb.len().min(2000)]].concat());
        assert_eq!(push(&text), Err(FrameError::Inflates));
    }
}

#[test]
fn zstd_frame_that_hides_its_size_or_lies_about_it_is_refused() {
    let honest = zstd(&[b'a'; 1000]);
    let mut lying = honest.clone();
    // The content size stands after the descriptor byte, less 256 in two bytes.
    lying[1] = 0;
    let unsized_frame = [&[0x00, 0x58][..], &honest[3..]].concat();
    let trailing = [&honest[..], b"more"].concat();
    for frame in [lying, unsized_frame, trailing, Vec::new()] {
        let text = text_of(&[&[0x12][..], &frame].concat());
        assert_eq!(push(&text), Err(FrameError::Malformed));
    }
}

#[test]
fn message_nested_or_repeated_beyond_the_limits_is_refused() {
    let message = |shape: Vec<u8>| {
        let mut body = vec![0x19];
        body.extend(u16::try_from(shape.len()).unwrap().to_be_bytes());
        body.extend(shape);
        text_of(&[&[0x10][..], &zstd(&body)].concat())
    };
    let deep = [&[0x82][..], &[0x81; 300]].concat();
    assert_eq!(push(&message(deep)), Err(FrameError::Limit));
    // 0xcb 0x03 is the JSON of a whole template, so two bytes become six hundred.
    let repeated = [&[0x82, 0x99, 0x10, 0x00][..], &[0xcb, 0x03].repeat(0x1000)].concat();
    assert_eq!(push(&message(repeated)), Err(FrameError::Limit));
}

#[test]
fn counts_beyond_the_bytes_at_hand_are_refused() {
    for body in [
        &[0x05, 0x82, 0x9a, 0x7f, 0xff, 0xff][..],
        &[0x06, 0x82, 0x9a, 0x7f, 0xff, 0xff, 0xff],
        &[0x06, 0x82, 0xba, 0x7f, 0xff, 0xff, 0xff],
        &[0x07, 0x82, 0xc9, 0x1a, 0x7f, 0xff, 0xff, 0xff],
        &[0x08, 0x82, 0xce, 0x81, 0x1a, 0x7f, 0xff, 0xff, 0xff],
        &[0x18, 0xff],
        &[],
    ] {
        let text = text_of(&[&[0x00], body].concat());
        assert_eq!(push(&text), Err(FrameError::Malformed), "{body:02x?}");
    }
}

#[test]
fn unknown_packing_or_kind_is_malformed() {
    for first in [0x04, 0x0f, 0x30, 0xf0] {
        assert_eq!(push(&text_of(&[first, 0, 0])), Err(FrameError::Malformed));
    }
    assert_eq!(push(&text_of(&[])), Err(FrameError::Malformed));
    assert_eq!(push(&text_of(&[0x03, 0xff])), Err(FrameError::Malformed));
}

#[test]
fn dictionary_that_is_not_at_hand_is_named_as_the_reason() {
    let token = card::template_presentation(0, "identity");
    let frame = encode_presentation(&token, card::context())
        .unwrap()
        .remove(0);
    let read = Assembler::new().push(frame.text(), &CodecContext::new());
    assert_eq!(read, Err(FrameError::DictionaryUnknown));
}

#[test]
fn header_that_is_not_at_hand_is_named_as_the_reason() {
    let token = card::template_presentation(0, "identity");
    let context = card::context_with_header(&token);
    let frames = encode_presentation(&token, &context).unwrap();
    assert_eq!(
        frames.len(),
        1,
        "without its header the presentation fits one code"
    );
    let read = |context: &CodecContext| Assembler::new().push(frames[0].text(), context);
    assert_eq!(read(&CodecContext::new()), Err(FrameError::HeaderUnknown));
    let whole = Ok(Progress::Complete(Message::Presentation(token)));
    assert_eq!(read(&context), whole);
}

#[test]
fn dictionaries_and_headers_are_bounded() {
    let mut context = CodecContext::new();
    assert!(context.add_dictionary(vec![1; 7]).is_err());
    assert!(context.add_dictionary(vec![1; 64 * 1024 + 1]).is_err());
    assert!(
        context
            .add_dictionary([&[0x37, 0xa4, 0x30, 0xec][..], &[0; 64]].concat())
            .is_err()
    );
    assert!(context.add_header(&[]).is_err());
    assert!(context.add_header(&[b' '; 16 * 1024 + 1]).is_err());
}

#[test]
fn any_changed_byte_gives_another_message_or_an_error() {
    let frame = encode_request(&request(), &CodecContext::new())
        .unwrap()
        .remove(0);
    let whole = push(frame.text());
    let bytes = packed(frame.text());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        assert_ne!(push(&text_of(&changed)), whole, "byte {at}");
    }
}

#[test]
fn message_survives_lost_repeated_and_reordered_frames() {
    let frames = frames("one");
    assert!(frames.len() > 20);
    assert!(frames.iter().all(|frame| frame.version() <= 10));
    let context = CodecContext::new();
    let mut assembler = Assembler::new();
    let mut complete = None;
    for (at, frame) in frames.iter().rev().enumerate() {
        if at % 4 == 1 {
            continue;
        }
        let progress = assembler.push(frame.text(), &context).unwrap();
        if let Progress::Complete(message) = progress {
            complete = Some(message);
            break;
        }
        assert_eq!(
            assembler.push(frame.text(), &context),
            Ok(Progress::Ignored)
        );
    }
    assert_eq!(complete, Some(Message::Request(large("one"))));
    // The camera still sees the code for a while.
    assert_eq!(
        assembler.push(frames[0].text(), &context),
        Ok(Progress::Ignored)
    );
}

#[test]
fn progress_counts_up_to_what_is_needed() {
    let context = CodecContext::new();
    let mut assembler = Assembler::new();
    for (at, frame) in frames("one").iter().enumerate() {
        match assembler.push(frame.text(), &context) {
            Ok(Progress::Partial { received, needed }) => {
                assert_eq!(received, at + 1);
                assert!(received <= needed);
            }
            Ok(Progress::Complete(_)) => return,
            other => panic!("{other:?}"),
        }
    }
    panic!("never complete");
}

#[test]
fn frames_of_two_presentations_are_never_put_together() {
    let (first, second) = (frames("one"), frames("two"));
    let context = CodecContext::new();
    let mut assembler = Assembler::new();
    let mut complete = None;
    for (ours, theirs) in first.iter().zip(&second) {
        if let Progress::Complete(message) = assembler.push(ours.text(), &context).unwrap() {
            complete = Some(message);
            break;
        }
        assert_eq!(
            assembler.push(theirs.text(), &context),
            Err(FrameError::Mixed)
        );
    }
    assert_eq!(complete, Some(Message::Request(large("one"))));
}

#[test]
fn three_frames_of_another_message_in_a_row_take_over() {
    let (first, second) = (frames("one"), frames("two"));
    let context = CodecContext::new();
    let mut assembler = Assembler::new();
    for frame in &first[..5] {
        assembler.push(frame.text(), &context).unwrap();
    }
    let mut complete = None;
    for (at, frame) in second.iter().enumerate() {
        match assembler.push(frame.text(), &context) {
            Err(error) => assert!(error == FrameError::Mixed && at < 2),
            Ok(Progress::Complete(message)) => complete = Some(message),
            Ok(_) => {}
        }
    }
    assert_eq!(complete, Some(Message::Request(large("two"))));
}

/// Writes a frame with a right check over whatever it says.
pub fn forged(id: &[u8], length: usize, number: u16, symbol: &[u8]) -> String {
    let mut bytes = id.to_vec();
    bytes.extend(&length.to_be_bytes()[5..]);
    bytes.extend(number.to_be_bytes());
    bytes.extend(symbol);
    bytes.extend(&sha256(&bytes)[..4]);
    format!("JM1/{}.", base45::encode(&bytes))
}

#[test]
fn damaged_frame_is_refused_and_the_message_goes_on() {
    let frames = frames("one");
    let context = CodecContext::new();
    let mut assembler = Assembler::new();
    for frame in &frames {
        let mut bytes = packed(frame.text());
        bytes[100] ^= 1;
        let damaged = format!("JM1/{}.", base45::encode(&bytes));
        let refused = assembler.push(&damaged, &context);
        assert_eq!(refused, Err(FrameError::FrameDamaged));
        if let Ok(Progress::Complete(message)) = assembler.push(frame.text(), &context) {
            return assert_eq!(message, Message::Request(large("one")));
        }
    }
    panic!("never complete");
}

#[test]
fn frames_that_break_the_format_are_refused() {
    let id = [9; 8];
    for (text, error) in [
        (forged(&id, 0, 0, &[0; 232]), FrameError::Malformed),
        (
            forged(&id, 64 * 1024 + 1, 0, &[0; 232]),
            FrameError::Malformed,
        ),
        (forged(&id, 5000, 0, &[0; 231]), FrameError::Malformed),
        (forged(&id, 5000, 0, &[0; 233]), FrameError::Malformed),
        ("JM1/.".to_owned(), FrameError::FrameDamaged),
    ] {
        assert_eq!(push(&text), Err(error));
    }
    let context = CodecContext::new();
    let mut assembler = Assembler::new();
    assembler
        .push(&forged(&id, 5000, 0, &[0; 232]), &context)
        .unwrap();
    let other_length = assembler.push(&forged(&id, 4999, 1, &[0; 232]), &context);
    assert_eq!(other_length, Err(FrameError::FrameDamaged));
}

#[test]
fn forged_frames_never_become_a_message() {
    let context = CodecContext::new();
    let mut assembler = Assembler::new();
    let mut refused = 0;
    for number in 0..200u16 {
        let symbol = card::noise(&format!("forged {number}"), 232);
        match assembler.push(&forged(&[9; 8], 5000, number * 300, &symbol), &context) {
            Ok(Progress::Complete(_)) => panic!("a forged message"),
            Ok(_) => {}
            Err(FrameError::MessageDamaged | FrameError::TooManyFrames) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(refused > 0);
}
