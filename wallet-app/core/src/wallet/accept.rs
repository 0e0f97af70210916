//! Accepting a document: read the offer, ask, check everything, store it whole.

use jumin_identity::{CredentialType, builtin_types};
use jumin_registry::RecordKey;

use super::Wallet;
use super::connect::{Connections, below, dictionary};
use crate::documents::{self, DocumentSummary};
use crate::issuance::{
    self, Checked, Configuration, IssuanceError, IssuerMetadata, Offer, OpenOffer, Received,
    type_with_integrity,
};
use crate::store::{ActivityKind, ActivityParty, NewActivity, NewCopy, NewDocument};
use crate::trust::TrustError;
use crate::vault::VaultError;

const TYPE_MAX: usize = 64 * 1024;

impl Wallet {
    /// Reads a credential offer, by value or by reference, and its issuer's metadata.
    pub async fn read_offer(&self, text: &str) -> Result<OpenOffer, IssuanceError> {
        let connections = self.connect()?;
        let offer = Offer::read(text, &connections.http).await?;
        let metadata = IssuerMetadata::fetch(&offer, &connections.http).await?;
        let open = OpenOffer { offer, metadata };
        configuration(&open)?;
        Ok(open)
    }

    /// Accepts the offered document; every copy is checked, and its issuer proven, before anything is stored.
    pub async fn accept(
        &self,
        open: &OpenOffer,
        transaction_code: Option<&str>,
        now: u64,
    ) -> Result<DocumentSummary, IssuanceError> {
        let connections = self.connect()?;
        let configuration = configuration(open)?;
        let code = transaction_code.map(str::trim);
        open.offer.check_code(code)?;
        // The offer works once: it is not used up before the ledger can be asked who issues.
        let kind = RecordKey::CredentialType(configuration.vct.clone());
        connections.ledger.record(&kind, now).await?;
        let mut received =
            issuance::fetch(open, configuration, code, &connections.http, now).await?;
        let stored = self
            .check_and_store(open, configuration, &mut received, &connections, now)
            .await;
        issuance::notify(open, &received, stored.is_ok(), &connections.http).await;
        self.remember(&connections)?;
        let stored = stored?;
        // For later without a network; the document is safe without it.
        let _ = self.refresh_bundle(&connections, now).await;
        Ok(stored)
    }

    async fn check_and_store(
        &self,
        open: &OpenOffer,
        configuration: &Configuration,
        received: &mut Received,
        connections: &Connections,
        now: u64,
    ) -> Result<DocumentSummary, IssuanceError> {
        let checked =
            issuance::check_copies(open, configuration, received, &connections.ledger, now).await?;
        let definition = definition(open, configuration, &checked, connections).await?;
        for copy in &checked.copies {
            definition
                .check_issued(&copy.credential)
                .map_err(|_| IssuanceError::WrongCredential("it is not as its type says"))?;
        }
        let did = checked.issuer.did.to_string();
        let dictionary = dictionary(
            connections,
            &did,
            &open.offer.issuer,
            &configuration.vct,
            now,
        )
        .await;
        let document = new_document(open, configuration, &checked, &definition, dictionary)?;
        let activity = NewActivity {
            kind: ActivityKind::Accepted,
            vct: Some(configuration.vct.clone()),
            party: Some(ActivityParty {
                id: did,
                name: Some(checked.name().clone()),
                accredited: true,
            }),
            claims: Vec::new(),
            outcome: "done",
        };
        let stored = self.with(|database| {
            let id = database.add_document(&document, &activity, now)?;
            database.document(&id)
        })?;
        let stored = stored.ok_or(VaultError::Damaged { file: "wallet.db" })?;
        Ok(documents::summary(&stored, now))
    }
}

/// Takes the one document of an offer, if this wallet can hold it.
pub(super) fn configuration(open: &OpenOffer) -> Result<&Configuration, IssuanceError> {
    let [id] = open.offer.configuration_ids.as_slice() else {
        return Err(IssuanceError::Unsupported("several documents in one offer"));
    };
    open.metadata
        .configuration(id)
        .ok_or(IssuanceError::Unsupported("this kind of document"))
}

/// Finds the type's definition whose integrity is the one on the ledger: one that is built in, else the issuer's.
async fn definition(
    open: &OpenOffer,
    configuration: &Configuration,
    checked: &Checked,
    connections: &Connections,
) -> Result<CredentialType, IssuanceError> {
    let integrity = &checked.issuer.type_integrity;
    let built_in = builtin_types().into_iter().find(|definition| {
        definition.vct() == configuration.vct && definition.integrity() == *integrity
    });
    if let Some(definition) = built_in {
        return Ok(definition);
    }
    let differs = || TrustError::TypeIntegrity(configuration.vct.clone());
    let url = below(&open.offer.issuer, "types", &configuration.vct).ok_or_else(differs)?;
    let answer = connections
        .http
        .get(&url, "application/json", TYPE_MAX)
        .await?;
    type_with_integrity(&answer.body, integrity)
        .filter(|definition| definition.vct() == configuration.vct)
        .ok_or_else(|| differs().into())
}

fn new_document(
    open: &OpenOffer,
    configuration: &Configuration,
    checked: &Checked,
    definition: &CredentialType,
    dictionary: Option<Vec<u8>>,
) -> Result<NewDocument, IssuanceError> {
    let first = checked
        .copies
        .first()
        .ok_or(IssuanceError::WrongAnswer("credentials"))?;
    Ok(NewDocument {
        vct: configuration.vct.clone(),
        configuration: configuration.id.clone(),
        issuer: checked.issuer.did.to_string(),
        issuer_url: open.offer.issuer.clone(),
        issuer_name: checked.name().clone(),
        type_metadata: definition.bytes().to_vec(),
        dictionary,
        issued_at: first.credential.issued_at(),
        not_before: first.credential.not_before(),
        expires: first.credential.expires(),
        copies: checked
            .copies
            .iter()
            .map(|copy| NewCopy {
                compact: copy.credential.compact().to_owned(),
                issuer_key: copy.issuer_key.to_sec1_compressed(),
                holder_key: copy.holder.to_pkcs8_der(),
            })
            .collect(),
    })
}
