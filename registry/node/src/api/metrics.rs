use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Context;
use super::explorer::{Validators, participation};
use super::observe::age_ms;
use crate::store::StoreError;

/// Gives the run-time's, the engine's and the ledger's metrics as Prometheus text.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String)))]
pub(super) async fn metrics(State(context): State<Context>) -> Response {
    let mut text = String::new();
    for (name, help, value) in gauges(&context).into_iter().chain(stored(&context)) {
        write(&mut text, name, help, [(String::new(), value)]);
    }
    match participation(&context.ledger) {
        Ok(validators) => write_validators(&mut text, &validators),
        Err(error) => tracing::warn!(%error, "the validators' part can't be told"),
    }
    text.push_str(&context.counts.render());
    text.push_str(&of_present_epoch(&(context.metrics)()));
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (headers, text).into_response()
}

const EPOCH: &str = "epoch=\"";

/// Leaves out what the engine says about past epochs, and the label of the present one: a label that takes a new value with
/// every epoch would make new series for ever.
fn of_present_epoch(text: &str) -> String {
    let epoch = |line: &str| -> Option<u64> {
        let (_, rest) = line.split_once(EPOCH)?;
        rest.split_once('"')?.0.parse().ok()
    };
    let present = text.lines().filter_map(epoch).max();
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        let of = epoch(line);
        if of.is_some() && of != present {
            continue;
        }
        match of {
            Some(of) => kept.push_str(&without_label(line, &format!("{EPOCH}{of}\""))),
            None => kept.push_str(line),
        }
        kept.push('\n');
    }
    kept
}

fn without_label(line: &str, label: &str) -> String {
    line.replace(&format!("{{{label}}}"), "")
        .replace(&format!("{label},"), "")
        .replace(&format!(",{label}"), "")
}

type Gauge = (&'static str, &'static str, u64);

fn gauges(context: &Context) -> Vec<Gauge> {
    let ledger = &context.ledger;
    let checkpoint = ledger.checkpoint().ok();
    let age = checkpoint.as_ref().map_or(u64::MAX, |c| age_ms(c.time_ms));
    vec![
        (
            "jumin_ledger_height",
            "Last applied block",
            ledger.applied().height,
        ),
        (
            "jumin_ledger_checkpoint_height",
            "Newest checkpoint",
            checkpoint.as_ref().map_or(0, |c| c.height),
        ),
        (
            "jumin_ledger_checkpoint_age_milliseconds",
            "Age of the newest checkpoint",
            age,
        ),
        (
            "jumin_ledger_epoch",
            "Epoch of the next block",
            ledger.epoch(),
        ),
        (
            "jumin_ledger_validators",
            "Validators that finalize the next block",
            ledger.set().at(ledger.epoch()).len() as u64,
        ),
        (
            "jumin_ledger_validating",
            "1 while this node is one of the validators",
            u64::from(ledger.is_validator(&context.key)),
        ),
        (
            "jumin_ledger_pending_operations",
            "Operations waiting for a block",
            ledger.mempool().len() as u64,
        ),
        (
            "jumin_ledger_pending_bytes",
            "Bytes of the operations waiting for a block",
            ledger.mempool().bytes() as u64,
        ),
    ]
}

/// What the store tells; a store that fails is logged, and its gauges are missing.
fn stored(context: &Context) -> Vec<Gauge> {
    let told = || -> Result<Vec<Gauge>, StoreError> {
        let snapshot = context.ledger.snapshot();
        let first = snapshot.history().first()?.unwrap_or_default();
        Ok(vec![
            (
                "jumin_ledger_records",
                "Records of the state",
                snapshot.record_count()?,
            ),
            (
                "jumin_ledger_history_first_height",
                "First block that this node can show",
                first,
            ),
        ])
    };
    let mut gauges = told().unwrap_or_else(|error| {
        tracing::warn!(%error, "the state's size can't be told");
        Vec::new()
    });
    if let Ok(file) = std::fs::metadata(context.state_file.as_path()) {
        gauges.push((
            "jumin_ledger_state_bytes",
            "Size of the state database's file",
            file.len(),
        ));
    }
    gauges
}

fn write_validators(text: &mut String, found: &Validators) {
    let values = |value: fn(&super::explorer::ValidatorView) -> u64| {
        let validators = found.validators.iter();
        validators.map(move |one| {
            let (key, name) = (escaped(&one.key), escaped(&one.name));
            (
                format!("{{validator=\"{key}\",name=\"{name}\"}}"),
                value(one),
            )
        })
    };
    write(
        text,
        "jumin_ledger_recent_certificates",
        "Newest certificates that are looked at, at most 100",
        [(String::new(), found.certificates as u64)],
    );
    write(
        text,
        "jumin_validator_unsigned_certificates",
        "Of the newest certificates, how many a validator did not sign; a quorum is enough for a certificate",
        values(|one| one.certificates - one.signed),
    );
    write(
        text,
        "jumin_validator_last_signed_height",
        "The newest block whose certificate a validator signed, 0 if none of the newest",
        values(|one| one.last_signed.unwrap_or_default()),
    );
}

fn write(
    text: &mut String,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (String, u64)>,
) {
    // Writing to a string can't fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (labels, value) in values {
        let _ = writeln!(text, "{name}{labels} {value}");
    }
}

/// Writes a label's value as the text format asks for.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_tells_of_the_present_epoch_only_and_without_its_number() {
        let text = "# TYPE a counter\na{epoch=\"1\"} 3\na{epoch=\"12\"} 4\nb{epoch=\"12\",peer=\"x\"} 5\nb{peer=\"y\",epoch=\"12\"} 6\nc 7\n";
        let kept = "# TYPE a counter\na 4\nb{peer=\"x\"} 5\nb{peer=\"y\"} 6\nc 7\n";
        assert_eq!(of_present_epoch(text), kept);
        assert_eq!(of_present_epoch("c 7\n"), "c 7\n");
    }

    #[test]
    fn name_of_a_validator_stays_within_its_label() {
        assert_eq!(escaped("a\"} 1\nb\\"), "a\\\"} 1\\nb\\\\");
    }
}
