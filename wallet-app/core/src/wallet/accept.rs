//! Accepting a document: read the offer, ask, check everything, store it whole.

use jumin_identity::{CredentialType, builtin_types};

use super::Wallet;
use super::connect::{Connections, below, dictionary};
use crate::documents::{self, DocumentSummary};
use crate::issuance::{
    self, Checked, IssuanceError, IssuerMetadata, Offer, OpenOffer, ProvenOffer, Received,
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
        open.configuration()?;
        Ok(open)
    }

    /// Accepts the offered document. The server gets neither code before the ledger has proven whose it is, by records as
    /// fresh as this call; every copy is checked before anything is stored.
    ///
    /// # Errors
    /// [`IssuanceError`]; nothing was stored. What could not be found out is refused too, as that.
    pub async fn accept(
        &self,
        open: &OpenOffer,
        transaction_code: Option<&str>,
        now: u64,
    ) -> Result<DocumentSummary, IssuanceError> {
        let connections = self.connect()?;
        let code = transaction_code.map(str::trim);
        open.offer.check_code(code)?;
        let configuration = open.configuration()?;
        let view = self.refresh_bundle(&connections, now).await?;
        let proven = ProvenOffer::prove(open, configuration, &view, now)
            .map_err(|unproven| unproven.refusal(open, &configuration.vct))?;
        // The offer works once: it is not used up for a type that this wallet can't read.
        let definition = definition(&proven, &connections).await?;
        let http = &connections.http;
        let mut received = issuance::fetch(&proven, code, http, now).await?;
        let stored = self
            .check_and_store(&proven, &definition, &mut received, &connections, now)
            .await;
        issuance::notify(&proven, &received, stored.is_ok(), http).await;
        self.remember(&connections)?;
        stored
    }

    async fn check_and_store(
        &self,
        proven: &ProvenOffer<'_>,
        definition: &CredentialType,
        received: &mut Received,
        connections: &Connections,
        now: u64,
    ) -> Result<DocumentSummary, IssuanceError> {
        let checked = issuance::check_copies(proven, received, &connections.ledger, now).await?;
        let vct = proven.configuration().vct.as_str();
        if checked.issuer.type_integrity != definition.integrity() {
            return Err(TrustError::TypeIntegrity(vct.to_owned()).into());
        }
        for copy in &checked.copies {
            definition
                .check_issued(&copy.credential)
                .map_err(|_| IssuanceError::WrongCredential("it is not as its type says"))?;
        }
        let did = checked.issuer.did.to_string();
        let server = &proven.open().offer.issuer;
        let dictionary = dictionary(connections, &did, server, vct, now).await;
        let document = new_document(proven, &checked, definition, dictionary)?;
        let activity = NewActivity {
            kind: ActivityKind::Accepted,
            vct: Some(vct.to_owned()),
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

/// Finds the type's definition whose integrity is the one on the ledger: one that is built in, else the issuer's.
async fn definition(
    proven: &ProvenOffer<'_>,
    connections: &Connections,
) -> Result<CredentialType, IssuanceError> {
    let (vct, integrity) = (&proven.configuration().vct, proven.type_integrity());
    let built_in = builtin_types()
        .into_iter()
        .find(|definition| definition.vct() == vct && definition.integrity() == integrity);
    if let Some(definition) = built_in {
        return Ok(definition);
    }
    let differs = || TrustError::TypeIntegrity(vct.clone());
    let url = below(&proven.open().offer.issuer, "types", vct).ok_or_else(differs)?;
    let answer = connections
        .http
        .get(&url, "application/json", TYPE_MAX)
        .await?;
    type_with_integrity(&answer.body, integrity)
        .filter(|definition| definition.vct() == vct)
        .ok_or_else(|| differs().into())
}

fn new_document(
    proven: &ProvenOffer<'_>,
    checked: &Checked,
    definition: &CredentialType,
    dictionary: Option<Vec<u8>>,
) -> Result<NewDocument, IssuanceError> {
    let first = checked
        .copies
        .first()
        .ok_or(IssuanceError::WrongAnswer("credentials"))?;
    let configuration = proven.configuration();
    Ok(NewDocument {
        vct: configuration.vct.clone(),
        configuration: configuration.id.clone(),
        issuer: checked.issuer.did.to_string(),
        issuer_url: proven.open().offer.issuer.clone(),
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
