//! The issuer's settings: a TOML file in its home, or another one named on the command line.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use jumin_http::TrustedProxies;
use jumin_identity::text::{Illegible, require_legible};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

/// Why settings can't be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    #[error("can't read the settings {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the settings {} aren't right", path.display())]
    Form {
        path: PathBuf,
        #[source]
        source: toml::de::Error,
    },
    #[error("the name \"{name}\" in the settings {} can't be read as it is", path.display())]
    Name {
        path: PathBuf,
        name: String,
        #[source]
        source: Illegible,
    },
}

/// What an agency decides about its issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Ledger nodes, tried in this order.
    pub nodes: Vec<Url>,
    /// The trust file of the ledger's network.
    pub trust: PathBuf,
    pub name_ko: String,
    pub name_en: String,
    /// What wallets and verifiers call the issuer: no path, no trailing slash. By default the address it listens on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    #[serde(default = "default_console")]
    pub console_listen: SocketAddr,
    /// The console's own address, `https://NAME[:PORT]`: required where it listens for other machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console_url: Option<Url>,
    /// Reverse proxies before the public listener: one may hold as many connections as all together may.
    #[serde(default, skip_serializing_if = "TrustedProxies::is_empty")]
    pub trusted_proxies: TrustedProxies,
}

/// Where the public listener is by default.
pub fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 7200))
}

/// Where the console's listener is by default: never beyond this machine unless asked.
pub fn default_console() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 7201))
}

impl Settings {
    /// Reads settings; a relative trust file is beside them.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = fs::read_to_string(path).map_err(|source| SettingsError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut settings: Self = toml::from_str(&text).map_err(|source| SettingsError::Form {
            path: path.to_owned(),
            source,
        })?;
        for name in [&settings.name_ko, &settings.name_en] {
            require_legible(name).map_err(|source| SettingsError::Name {
                path: path.to_owned(),
                name: name.escape_unicode().to_string(),
                source,
            })?;
        }
        if let Some(directory) = path.parent() {
            settings.trust = directory.join(&settings.trust);
        }
        settings.public_url = settings.public_url.map(|url| without_slash(&url));
        Ok(settings)
    }
}

/// Takes a trailing slash away: issuer identifiers are compared as texts.
pub fn without_slash(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_sensible_defaults() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("issuer.toml");
        fs::write(
            &path,
            "nodes = [\"http://127.0.0.1:7100\"]\ntrust = \"network.json\"\nname_ko = \"가\"\nname_en = \"A\"\npublic_url = \"https://issuer.example/\"\n",
        )
        .unwrap();
        let settings = Settings::read(&path).unwrap();
        assert_eq!(settings.trust, directory.path().join("network.json"));
        assert_eq!(
            settings.public_url.as_deref(),
            Some("https://issuer.example")
        );
        assert_eq!(settings.console_listen.ip().to_string(), "127.0.0.1");
    }

    #[test]
    fn name_that_can_not_be_seen_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("issuer.toml");
        let text = "nodes = []\ntrust = \"t\"\nname_ko = \"\u{3164}\"\nname_en = \"A\"\n";
        fs::write(&path, text).unwrap();
        let refused = Settings::read(&path).unwrap_err();
        assert!(matches!(refused, SettingsError::Name { .. }), "{refused}");
        assert!(refused.to_string().contains("\\u{3164}"), "{refused}");
    }

    #[test]
    fn unknown_setting_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("issuer.toml");
        fs::write(
            &path,
            "nodes = []\ntrust = \"t\"\nname_ko = \"\"\nname_en = \"\"\nlisten_adress = \"x\"\n",
        )
        .unwrap();
        assert!(matches!(
            Settings::read(&path),
            Err(SettingsError::Form { .. })
        ));
    }
}
