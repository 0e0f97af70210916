//! What an accreditation says, for the people who sign it.

use jumin_identity::{Did, text::is_unseen};
use jumin_registry::{Claims, Grant, GrantStanding, Operation, Role};

use jumin_keys::show_time;

/// Says in words what an operation on accreditations does; `None` for any other.
pub(crate) fn describe(operation: &Operation) -> Option<String> {
    match operation {
        Operation::Accredit {
            accreditor,
            subject,
            role,
            name,
            types,
            claims,
            from,
            until,
            ..
        } => Some(format!(
            "{accreditor} accredits {subject}\n  as {role}: {} ({})\n{}",
            plain(&name.ko),
            plain(&name.en),
            extent(*role, types, claims, *from, *until)
        )),
        Operation::EndAccreditation {
            accreditor,
            subject,
            role,
            grant,
            ..
        } => Some(format!(
            "{accreditor} ends grant {grant} of {subject} as {role},\n  and with it what hangs below, from its block on"
        )),
        _ => None,
    }
}

/// Says what a grant is for and how it stands with what it hangs below.
pub(super) fn show_grant(role: Role, grant: &Grant, standing: GrantStanding) -> String {
    let state = match (standing, grant.ended) {
        (_, Some(ended)) => format!("ended {}", show_time(ended)),
        (GrantStanding::Ended, None) => "ended with what it hangs below".to_owned(),
        (GrantStanding::Deactivated, None) => {
            "over: its DID, or one above it, was deactivated".to_owned()
        }
        (GrantStanding::NotCreated, None) => "waits for its DID to be created".to_owned(),
        (GrantStanding::Later, None) => "begins later".to_owned(),
        (GrantStanding::RanOut, None) => "ran out; what was issued under it stands".to_owned(),
        (GrantStanding::InForce, None) => "in force".to_owned(),
        (GrantStanding::Unknown, None) => "not known".to_owned(),
    };
    format!(
        "{role}, grant {} by {}: {state}\n  {} ({})\n{}",
        grant.id,
        grant.by,
        plain(&grant.name.ko),
        plain(&grant.name.en),
        extent(role, &grant.types, &grant.claims, grant.from, grant.until)
    )
}

/// Says whose DID this is and whether it is there.
pub(super) fn show_did(did: &Did, created: bool, deactivated: Option<u64>) -> String {
    match (created, deactivated) {
        (false, _) => format!("{did}: not created yet"),
        (true, None) => format!("{did}: created"),
        (true, Some(at)) => format!("{did}: deactivated {}", show_time(at)),
    }
}

fn extent(role: Role, types: &[String], claims: &Claims, from: u64, until: u64) -> String {
    let types = match types {
        [] => "any".to_owned(),
        named => named.join(", "),
    };
    let claims = match (role, claims) {
        (Role::Issuer, _) => String::new(),
        (_, Claims::Any) => "  claims to ask for: any\n".to_owned(),
        (_, Claims::Only(paths)) => {
            let paths: Vec<_> = paths.iter().map(|path| plain(&path.to_string())).collect();
            format!("  claims to ask for: {}\n", paths.join(", "))
        }
    };
    let (from, until) = (show_time(from), show_time(until));
    format!("  types: {types}\n{claims}  from {from} until {until}")
}

/// Writes what a terminal would not show as it is in a form that it does: a name must not rewrite the lines around it.
fn plain(text: &str) -> String {
    let visible = |character: char| match character {
        '\'' | '"' | '\\' => character.to_string(),
        unseen if is_unseen(unseen) => unseen.escape_unicode().to_string(),
        other => other.escape_debug().to_string(),
    };
    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_would_rewrite_the_terminal_is_shown_as_what_it_is() {
        assert_eq!(plain("종로구 \"A\" \\"), "종로구 \"A\" \\");
        assert_eq!(
            plain("name\u{1b}[1A\n\u{202e}\u{3164}"),
            "name\\u{1b}[1A\\u{a}\\u{202e}\\u{3164}"
        );
    }
}
