//! A newer network file for a wallet that wasn't used for long.

use crate::store::Setup;
use crate::vault::VaultError;

use super::{NetworkSettings, Wallet};

/// Says why a network file doesn't replace the wallet's.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// The wallet can't be read or written.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// It is of another network, or of one that was founded anew under the same name.
    #[error("the file is of another network than this wallet")]
    OtherNetwork,
    /// The wallet knows the network as of a later time already.
    #[error("the file is older than what this wallet knows of its network")]
    Older,
}

impl RenewError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Vault(error) => error.code(),
            Self::OtherNetwork => "other_network",
            Self::Older => "network_file_older",
        }
    }
}

impl Wallet {
    /// Takes the nodes, the validators and the authorities of a newer file of the wallet's own network.
    ///
    /// What the wallet remembers of the ledger stays: a file can't make it believe an older state again.
    ///
    /// # Errors
    /// [`RenewError`]; nothing is changed then.
    pub fn renew_network(&self, network: &NetworkSettings) -> Result<(), RenewError> {
        let before = self.setup()?.trust;
        let new = &network.trust;
        if (&new.network, new.genesis) != (&before.network, before.genesis) {
            return Err(RenewError::OtherNetwork);
        }
        let known = self.with(|database| database.followed())?.unwrap_or(before);
        if (new.epoch, new.as_of) < (known.epoch, known.as_of) {
            return Err(RenewError::Older);
        }
        self.with(|database| {
            database.set_setup(&Setup::of(network))?;
            database.set_followed(new)
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{NOW, Stage};
    use super::*;

    const NODE: &str = "https://node.example/";

    fn code(wallet: &Wallet, network: &NetworkSettings) -> &'static str {
        wallet
            .renew_network(network)
            .map_or_else(|e| e.code(), |()| "renewed")
    }

    #[tokio::test]
    async fn newer_file_of_the_same_network_replaces_the_old_one_and_no_other_does() {
        let stage = Stage::new().await;
        let wallet = &stage.wallet;
        let file = |change: &dyn Fn(&mut jumin_registry::NetworkTrust)| {
            let mut trust = wallet.network().unwrap();
            change(&mut trust);
            let trust = serde_json::to_vec(&trust).unwrap();
            NetworkSettings::new(&[NODE.to_owned()], &trust, None).unwrap()
        };
        let other_name = file(&|trust| trust.network = "other".parse().unwrap());
        let founded_anew = file(&|trust| trust.genesis = [7; 32]);
        let older = file(&|trust| trust.as_of -= 1);
        let newer = file(&|trust| trust.as_of += 1000);
        assert_eq!(code(wallet, &other_name), "other_network");
        assert_eq!(code(wallet, &founded_anew), "other_network");
        assert_eq!(code(wallet, &older), "network_file_older");
        assert!(wallet.nodes().unwrap().is_empty());

        assert_eq!(code(wallet, &newer), "renewed");
        assert_eq!(wallet.nodes().unwrap(), [NODE]);
        assert_eq!(wallet.network().unwrap(), newer.trust);
        let followed = wallet.with(|database| database.followed()).unwrap();
        assert_eq!(followed.as_ref(), Some(&newer.trust));
        assert_eq!(code(wallet, &older), "network_file_older");
        assert!(wallet.documents(NOW).unwrap().is_empty());
    }
}
