//! Arguments, as `--help` shows them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;

/// Is the wallet's folder below the platform's data folder.
const FOLDER: &str = "kr.jumin.wallet";

/// Is the citizen's wallet as a desktop window.
#[derive(Debug, Parser)]
#[command(name = "jumin-wallet", version)]
pub(crate) struct Arguments {
    /// The wallet's folder; else one in the platform's data folder.
    #[arg(long, env = "JUMIN_WALLET_HOME", value_name = "DIR")]
    home: Option<PathBuf>,
    /// The network file for a new wallet.
    #[arg(long, env = "JUMIN_NETWORK", value_name = "FILE")]
    pub network: Option<PathBuf>,
    /// A link to an offer or a request.
    #[arg(value_name = "LINK")]
    pub link: Option<String>,
}

/// Says that nothing tells where the wallet's folder is.
#[derive(Debug, thiserror::Error)]
#[error("name the wallet's folder with --home")]
pub(crate) struct NoHome;

impl Arguments {
    /// Returns the wallet's folder as an absolute path.
    pub(crate) fn home(&self) -> Result<PathBuf, NoHome> {
        let home = match &self.home {
            Some(home) if !home.as_os_str().is_empty() => home.clone(),
            _ => data_folder(|name| std::env::var_os(name))
                .ok_or(NoHome)?
                .join(FOLDER),
        };
        Ok(std::path::absolute(&home).unwrap_or(home))
    }

    /// Takes the link out of the arguments of a second start; what can't be read has none.
    pub(crate) fn link_of(arguments: &[String]) -> Option<String> {
        Self::try_parse_from(arguments).ok()?.link
    }
}

/// Finds the platform's folder for a program's data.
fn data_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if cfg!(windows) {
        return set("LOCALAPPDATA");
    }
    if cfg!(target_os = "macos") {
        return Some(set("HOME")?.join("Library/Application Support"));
    }
    // XDG Base Directory Specification: a relative path is to be ignored.
    set("XDG_DATA_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| Some(set("HOME")?.join(".local/share")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_folder_and_network_are_taken() {
        let given = [
            "jumin-wallet",
            "--home",
            "/h",
            "--network",
            "/n",
            "openid4vp://x",
        ];
        let arguments = Arguments::try_parse_from(given).unwrap();
        assert_eq!(arguments.home().unwrap(), PathBuf::from("/h"));
        assert_eq!(arguments.network, Some("/n".into()));
        assert_eq!(arguments.link.as_deref(), Some("openid4vp://x"));
    }

    #[test]
    fn relative_folder_becomes_absolute() {
        let arguments = Arguments::try_parse_from(["jumin-wallet", "--home", "h"]).unwrap();
        assert!(arguments.home().unwrap().is_absolute());
    }

    #[test]
    fn second_start_hands_over_its_link_or_nothing() {
        let link = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
            Arguments::link_of(&arguments)
        };
        let given = ["jumin-wallet", "--home", "/h", "haip-vci://x"];
        assert_eq!(link(&given).as_deref(), Some("haip-vci://x"));
        assert_eq!(link(&["jumin-wallet"]), None);
        assert_eq!(link(&["jumin-wallet", "--unknown"]), None);
        assert_eq!(link(&[]), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn data_folder_is_that_of_the_desktop() {
        let with = |xdg: &str, home: &str| {
            let (xdg, home) = (xdg.to_owned(), home.to_owned());
            data_folder(move |name| match name {
                "XDG_DATA_HOME" => Some(xdg.clone().into()),
                "HOME" => Some(home.clone().into()),
                _ => None,
            })
        };
        assert_eq!(with("/data", "/home/k"), Some("/data".into()));
        assert_eq!(with("data", "/home/k"), Some("/home/k/.local/share".into()));
        assert_eq!(with("", ""), None);
    }
}
