//! Accreditations from the command line: governors by a proposal, accreditors with keys of their own.

mod support;

use std::path::Path;
use std::process::Command;

use jumin_registry::SignedOperation;
use support::{Agency, Node, did, network_of};

const CARD: &str = "urn:jumin:resident-card:1";
const REGISTER: &str = "urn:jumin:household-register:1";

/// An agency whose key is in a file.
struct Body {
    create: SignedOperation,
    key: String,
}

impl Body {
    fn new(out: &Path, name: &str, node: &Node) -> Self {
        let agency = Agency::new();
        let key = out.join(format!("{name}.pem"));
        std::fs::write(&key, agency.key.to_pkcs8_pem().as_bytes()).unwrap();
        Self {
            create: agency.create(&node.trust()),
            key: key.to_str().unwrap().to_owned(),
        }
    }

    fn did(&self) -> String {
        did(&self.create).to_string()
    }
}

/// Runs a command against a node; gives what it printed, or what it complained of.
fn run(node: &Node, args: &[&str]) -> Result<String, String> {
    let network = node.home.join("network.json");
    let output = Command::new(env!("CARGO_BIN_EXE_jumin-registry-node"))
        .args(args)
        .args(["--node", node.url.as_str(), "--network"])
        .arg(network)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

fn sign(proposal: &str, key: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_jumin-registry-node"))
        .args(["govern", "sign", "--yes", "--proposal", proposal, "--key"])
        .arg(key)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Accredits `subject` by `accreditor` with the options given beside the names.
fn accredit(
    node: &Node,
    accreditor: &Body,
    subject: &Body,
    options: &[&str],
) -> Result<String, String> {
    let (kid, subject) = (format!("{}#key-1", accreditor.did()), subject.did());
    let mut args = vec!["accredit", &subject, "--as", &kid, "--key", &accreditor.key];
    args.extend(["--name-ko", "종로구", "--name-en", "Jongno-gu"]);
    args.extend(options);
    run(node, &args)
}

#[tokio::test]
async fn governors_accredit_a_ministry_it_a_city_and_that_an_office() {
    let out = tempfile::tempdir().unwrap();
    let node = &network_of(out.path(), 1, 1_000)[0];
    node.reach(1).await;
    let body = |name| Body::new(out.path(), name, node);
    let (ministry, city, office) = (body("ministry"), body("city"), body("office"));

    // Two of three governors.
    let proposal = out.path().join("p.json");
    let proposal = proposal.to_str().unwrap();
    let subject = ministry.did();
    let mut args = vec!["govern", "accredit", &subject, "--role", "accreditor"];
    args.extend(["--type", CARD, "--claim", "any", "--until", "2099-01-01"]);
    args.extend(["--name-ko", "행정안전부", "--name-en", "Ministry"]);
    args.extend(["--out", proposal]);
    let said = run(node, &args).unwrap();
    assert!(said.contains("2 of 3 governors must sign"), "{said}");
    let said = sign(proposal, &out.path().join("governor.pem"));
    assert!(said.contains("on the network test:"), "{said}");
    assert!(said.contains("governance accredits"), "{said}");
    assert!(said.contains("until 2099-01-01T00:00:00+09:00"), "{said}");
    let unread = Command::new(env!("CARGO_BIN_EXE_jumin-registry-node"))
        .args(["govern", "sign", "--proposal", proposal, "--key"])
        .arg(out.path().join("governor-1.pem"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(!unread.status.success(), "nobody was asked");
    let submit = ["govern", "submit", "--proposal", proposal];
    let refused = run(node, &submit).unwrap_err();
    assert!(refused.contains("by enough governors"), "{refused}");
    sign(proposal, &out.path().join("governor-1.pem"));
    assert!(run(node, &submit).unwrap().contains("finalized in block"));
    node.finalize(&ministry.create).await;

    // A key of its own each.
    let period = ["--until", "2098-01-01"];
    let types = ["--type", CARD];
    let accreditor = [&["--role", "accreditor", "--claim", "any"], &period[..]].concat();
    accredit(node, &ministry, &city, &[&accreditor[..], &types].concat()).unwrap();
    node.finalize(&city.create).await;
    let issuer = [&["--role", "issuer"], &period[..], &types].concat();
    let said = accredit(node, &city, &office, &issuer).unwrap();
    assert!(said.contains("as issuer: 종로구 (Jongno-gu)"), "{said}");
    node.finalize(&office.create).await;
    let shown = run(node, &["accreditations", &office.did()]).unwrap();
    assert!(shown.contains("created"), "{shown}");
    assert!(shown.contains("issuer, grant 1 by"), "{shown}");
    let chain = format!(
        "accredited as issuer now, by {}, by {}, by governance",
        city.did(),
        ministry.did()
    );
    assert!(shown.contains(&chain), "{shown}");

    // More than the city may.
    let verifier = ["--role", "verifier", "--claim", "address.sido"];
    for more in [["--type", REGISTER], ["--type", "any"]] {
        let options = [&verifier[..], &period, &more].concat();
        let refused = accredit(node, &city, &office, &options).unwrap_err();
        assert!(refused.contains("reaches beyond"), "{refused}");
    }
    let refused = accredit(node, &office, &city, &issuer).unwrap_err();
    assert!(
        refused.contains("not accredited as an accreditor"),
        "{refused}"
    );

    // The ministry ends the city's grant, and with it the office's.
    let kid = format!("{}#key-1", ministry.did());
    let city_did = city.did();
    let end = ["end-accreditation", &city_did, "--role", "accreditor"];
    let end = [&end[..], &["--as", &kid, "--key", &ministry.key]].concat();
    let said = run(node, &end).unwrap();
    assert!(said.contains("ends grant 1"), "{said}");
    let refused = run(node, &end).unwrap_err();
    assert!(refused.contains("ended already"), "{refused}");
    let shown = run(node, &["accreditations", &office.did()]).unwrap();
    assert!(shown.contains("ended with what it hangs below"), "{shown}");
    assert!(
        shown.contains("not accredited as issuer now: the accreditation was ended"),
        "{shown}"
    );
}

#[tokio::test]
async fn grants_that_make_no_sense_are_refused_before_the_network_sees_them() {
    let out = tempfile::tempdir().unwrap();
    let node = Node::start("dev", out.path());
    node.reach(1).await;
    let (ministry, office) = (
        Body::new(out.path(), "ministry", &node),
        Body::new(out.path(), "office", &node),
    );
    let until = ["--until", "2098-01-01"];
    let (issuer, verifier) = (["--role", "issuer"], ["--role", "verifier"]);
    let card = ["--type", CARD];
    let cases: [(Vec<&[&str]>, &str); 8] = [
        (vec![&issuer, &until, &["--type", "any"]], "must be named"),
        (
            vec![&issuer, &until, &card, &["--claim", "name"]],
            "for verifiers",
        ),
        (vec![&verifier, &until, &card], "--claim any"),
        (
            vec![
                &verifier,
                &until,
                &card,
                &["--claim", "any", "--claim", "name"],
            ],
            "stands alone",
        ),
        (vec![&verifier, &until, &card, &["--claim", "a..b"]], "a..b"),
        (
            vec![&issuer, &card, &["--until", "2020-01-01"]],
            "must be later",
        ),
        (vec![&issuer, &card, &["--until", "soon"]], "2027-01-01"),
        (vec![&["--role", "mayor"], &card, &until], "--role"),
    ];
    for (options, complaint) in cases {
        let refused = accredit(&node, &ministry, &office, &options.concat()).unwrap_err();
        assert!(refused.contains(complaint), "{options:?}: {refused}");
    }
    let foreign = "did:jumin:other:3sqtjeombs7dc3qthdscdrqreioawkd63wqft6v4vj7trm3kccaa";
    let refused = run(
        &node,
        &[
            "govern",
            "end-accreditation",
            foreign,
            "--role",
            "issuer",
            "--out",
            "x.json",
        ],
    )
    .unwrap_err();
    assert!(refused.contains("was never accredited"), "{refused}");
}
