//! The network file: the nodes to ask and what their answers are checked against.

use std::io::Read;
use std::path::{Path, PathBuf};

use jumin_identity::parse_object_strict;
use jumin_wallet_core::{NetworkSettings, SettingsError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

const MAX_BYTES: usize = 256 * 1024;
const DEPTH: usize = 8;
const NODES_MAX: usize = 32;
const COPY: &str = "network.json";

/// Says why a network file is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetworkError {
    /// It can't be read.
    #[error("the network file can't be read")]
    Unreadable(#[source] std::io::Error),
    /// It is not a network file.
    #[error("this is not a network file")]
    Malformed,
    /// What it says is refused.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl NetworkError {
    /// Returns the stable code of this error.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "network_file_unreadable",
            Self::Malformed => "bad_network_file",
            Self::Settings(error) => error.code(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    nodes: Vec<String>,
    trust: Map<String, Value>,
    #[serde(default)]
    trust_anchors: Option<PathBuf>,
}

/// Is a network file that was checked.
#[derive(Debug, Clone)]
pub(crate) struct NetworkFile {
    /// Is what a wallet is made with.
    pub settings: NetworkSettings,
    content: Vec<u8>,
}

impl NetworkFile {
    /// Reads the text of a network file; a relative path in it starts at `folder`, or is refused without one.
    pub(crate) fn parse(text: &[u8], folder: Option<&Path>) -> Result<Self, NetworkError> {
        if text.len() > MAX_BYTES {
            return Err(NetworkError::Malformed);
        }
        let object = parse_object_strict(text, DEPTH).map_err(|_| NetworkError::Malformed)?;
        let mut form: Form =
            serde_json::from_value(Value::Object(object)).map_err(|_| NetworkError::Malformed)?;
        if form.nodes.len() > NODES_MAX {
            return Err(NetworkError::Malformed);
        }
        form.trust_anchors = form
            .trust_anchors
            .map(|path| absolute(path, folder))
            .transpose()?;
        let trust = serde_json::to_vec(&form.trust).map_err(|_| NetworkError::Malformed)?;
        let settings = NetworkSettings::new(&form.nodes, &trust, form.trust_anchors.as_deref())?;
        let content = serde_json::to_vec_pretty(&form).map_err(|_| NetworkError::Malformed)?;
        Ok(Self { settings, content })
    }

    /// Returns the network's name.
    pub(crate) fn name(&self) -> String {
        self.settings.trust.network.to_string()
    }

    /// Keeps a copy in the wallet's folder, so that the window can name the network while the wallet is locked.
    pub(crate) fn keep(&self, home: &Path) -> std::io::Result<()> {
        crate::preferences::replace(&home.join(COPY), &self.content)
    }
}

fn absolute(path: PathBuf, folder: Option<&Path>) -> Result<PathBuf, NetworkError> {
    match folder {
        _ if path.is_absolute() => Ok(path),
        Some(folder) => Ok(folder.join(path)),
        None => Err(NetworkError::Malformed),
    }
}

/// Reads a network file from disk.
pub(crate) fn read(path: &Path) -> Result<NetworkFile, NetworkError> {
    let text = bounded(path).map_err(NetworkError::Unreadable)?;
    let path = std::path::absolute(path).map_err(NetworkError::Unreadable)?;
    NetworkFile::parse(&text, path.parent())
}

/// Reads the copy in a wallet's folder; a damaged one is as good as none.
pub(crate) fn kept(home: &Path) -> Option<NetworkFile> {
    read(&home.join(COPY)).ok()
}

fn bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    std::fs::File::open(path)?
        .take(limit)
        .read_to_end(&mut out)?;
    Ok(out)
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// Is a network file of one validator.
    pub(crate) fn sample() -> Value {
        let trust = json!({
            "network": "test",
            "genesis": jumin_identity::b64url(&[1; 32]),
            "epoch": 0,
            "validators": [jumin_identity::b64url(&[2; 32])],
            "as_of": 1_795_000_000,
        });
        json!({"nodes": ["http://127.0.0.1:7100"], "trust": trust, "trust_anchors": null})
    }

    fn code(value: &Value) -> &'static str {
        let parsed = NetworkFile::parse(value.to_string().as_bytes(), None);
        parsed.map_or_else(|error| error.code(), |_| "ok")
    }

    #[test]
    fn file_is_read_and_its_copy_says_the_same() {
        let home = tempfile::tempdir().unwrap();
        let file = NetworkFile::parse(sample().to_string().as_bytes(), None).unwrap();
        assert_eq!(file.name(), "test");
        file.keep(home.path()).unwrap();
        let copy = kept(home.path()).unwrap();
        assert_eq!(copy.settings.trust, file.settings.trust);
        assert_eq!(copy.settings.nodes, file.settings.nodes);
    }

    #[test]
    fn hostile_files_are_refused_by_name() {
        let with = |name: &str, value: Value| {
            let mut file = sample();
            file[name] = value;
            file
        };
        assert_eq!(code(&sample()), "ok");
        assert_eq!(code(&with("nodes", json!([]))), "bad_node");
        assert_eq!(
            code(&with("nodes", json!(["http://node.example"]))),
            "bad_node"
        );
        assert_eq!(
            code(&with("nodes", json!(["file:///etc/passwd"]))),
            "bad_node"
        );
        assert_eq!(
            code(&with("nodes", json!(vec!["https://n.example"; 33]))),
            "bad_network_file"
        );
        assert_eq!(code(&with("trust", json!({}))), "bad_trust_file");
        assert_eq!(code(&with("trust", json!("x"))), "bad_network_file");
        assert_eq!(code(&with("more", json!(1))), "bad_network_file");
        assert_eq!(
            code(&with("trust_anchors", json!("relative.pem"))),
            "bad_network_file"
        );
        let missing = with("trust_anchors", json!("/nowhere/at/all.pem"));
        assert_eq!(code(&missing), "trust_anchors_unreadable");
    }

    #[test]
    fn what_is_no_json_or_too_much_of_it_is_refused() {
        let deep = format!("{}{}", "{\"a\":".repeat(200), "1");
        let long = format!("{{\"nodes\":[\"{}\"]}}", "a".repeat(MAX_BYTES));
        for text in [
            "",
            "[]",
            "null",
            "{\"nodes\":1}",
            "{\"nodes\":[],\"nodes\":[]}",
            &deep,
            &long,
        ] {
            let refused = NetworkFile::parse(text.as_bytes(), None).unwrap_err();
            assert_eq!(refused.code(), "bad_network_file");
        }
    }
}
