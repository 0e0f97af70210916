//! Showing a document: read the request, say what would be seen, answer by code or by HTTP.

use jumin_identity::{
    Assembler, CodecContext, Message, OneWayNonce, Progress, ResponseMode, UnverifiedRequest,
    random_bytes,
};

use super::Wallet;
use super::connect::Connections;
use crate::documents::DocumentSummary;
use crate::online;
use crate::present::{
    Answer, Backing, Choice, Consent, Mode, OneWay, Pick, Plan, PresentError, VerifiedRequest,
    VerifierParty, encode, plan, presentations, service_query, verify_request, vp_token,
};
use crate::store::{ActivityKind, ActivityParty, NewActivity};
use crate::vault::VaultError;

/// A code without a request is redrawn for five minutes at most.
const ONE_WAY_SECONDS: u64 = 300;

impl Wallet {
    /// Reads a request from what was scanned or typed: the texts of its codes, a request object, or a link; and finds out
    /// who asks.
    pub async fn read_request(
        &self,
        texts: &[String],
        now: u64,
    ) -> Result<VerifiedRequest, PresentError> {
        let connections = self.connect()?;
        let request = match texts {
            [link] if online::is_link(link.trim()) => fetched(link.trim(), &connections).await?,
            _ => UnverifiedRequest::parse(&request_object(texts)?)?,
        };
        let (bundle, documents) =
            self.with(|database| Ok((database.bundle()?, database.documents()?)))?;
        let held_types: Vec<String> = documents.into_iter().map(|document| document.vct).collect();
        let backing = Backing {
            ledger: &connections.ledger,
            bundle: bundle.as_deref(),
            trust: &connections.trust,
            anchors: &connections.anchors,
            held_types: &held_types,
        };
        let verified = verify_request(request, &backing, now).await;
        self.remember(&connections)?;
        verified
    }

    /// Says what would be seen by whom if the citizen agrees; nothing is used up by it.
    pub fn consent(
        &self,
        request: &VerifiedRequest,
        choice: &Choice,
        now: u64,
    ) -> Result<Consent, PresentError> {
        let query = &request.request.query;
        let plan = self.plan(query, choice, now)?;
        let consent = consent(
            &plan,
            &request.verifier,
            request.mode(),
            request.response_uri(),
            Some(request.request.expires),
            now,
        );
        let alternatives = self.alternatives(query, &plan, now)?;
        Ok(Consent {
            alternatives,
            ..consent
        })
    }

    /// Lists the other documents that would answer, where one document is asked for.
    fn alternatives(
        &self,
        query: &jumin_identity::DcqlQuery,
        plan: &Plan,
        now: u64,
    ) -> Result<Vec<DocumentSummary>, PresentError> {
        let [pick] = plan.0.as_slice() else {
            return Ok(Vec::new());
        };
        let mut others = self.documents(now)?;
        others.retain(|other| other.id != pick.document.id);
        others.retain(|other| {
            let choice = Choice {
                document: Some(other.id.clone()),
                ..Choice::default()
            };
            self.plan(query, &choice, now).is_ok()
        });
        Ok(others)
    }

    /// Answers a request as the citizen chose; the copies are marked as used before anything leaves the wallet.
    pub async fn answer(
        &self,
        request: &VerifiedRequest,
        choice: &Choice,
        now: u64,
    ) -> Result<Answer, PresentError> {
        if now >= request.request.expires {
            return Err(PresentError::Expired);
        }
        require_known(&request.verifier, choice)?;
        let plan = self.plan(&request.request.query, choice, now)?;
        let (client, nonce) = (&request.request.client_id, &request.request.nonce);
        let made = presentations(&plan, client, nonce, now)?;
        match &request.request.response {
            ResponseMode::QrCode => {
                let frames = encode(&made, dictionary(&plan))?;
                let note = (ActivityKind::Shown, "done");
                self.mark(&plan, &request.verifier, choice, note, now)?;
                let answer = self.answered(&plan, &request.verifier, Mode::Qr)?;
                Ok(Answer { frames, ..answer })
            }
            _ => self.send(request, &plan, &made, choice, now).await,
        }
    }

    async fn send(
        &self,
        request: &VerifiedRequest,
        plan: &Plan,
        made: &[(String, String)],
        choice: &Choice,
        now: u64,
    ) -> Result<Answer, PresentError> {
        let connections = self.connect()?;
        let note = (ActivityKind::Sent, "sending");
        let note = self.mark(plan, &request.verifier, choice, note, now)?;
        let sent = online::respond(&request.request, &vp_token(made), &connections.http).await;
        let outcome = sent.as_ref().map_or_else(|error| error.code(), |_| "done");
        self.with(|database| database.set_outcome(note, outcome))?;
        let answer = self.answered(plan, &request.verifier, Mode::Online)?;
        Ok(Answer {
            redirect_uri: sent?,
            ..answer
        })
    }

    /// Tells an online verifier that the citizen said no.
    pub async fn decline(&self, request: &VerifiedRequest) -> Result<(), PresentError> {
        let connections = self.connect()?;
        online::decline(&request.request, &connections.http).await;
        Ok(())
    }

    /// Says what an agency would see of a document shown without a request, for a registered service.
    pub async fn one_way_consent(
        &self,
        agency: &str,
        service: &str,
        choice: &Choice,
        now: u64,
    ) -> Result<Consent, PresentError> {
        let query = service_query(service)?;
        let plan = self.plan(query, choice, now)?;
        let verifier = self.agency(agency, query, &plan, now).await?;
        let consent = consent(&plan, &verifier, Mode::OneWay, None, None, now);
        let alternatives = self.alternatives(query, &plan, now)?;
        Ok(Consent {
            alternatives,
            ..consent
        })
    }

    /// Shows a document to an agency without a request; the code can be redrawn with a fresh nonce for five minutes.
    pub async fn one_way(
        &self,
        agency: &str,
        service: &str,
        choice: &Choice,
        now: u64,
    ) -> Result<(Answer, OneWay), PresentError> {
        let query = service_query(service)?;
        let plan = self.plan(query, choice, now)?;
        let verifier = self.agency(agency, query, &plan, now).await?;
        require_known(&verifier, choice)?;
        let nonce = OneWayNonce::new(now, random_bytes()).to_string();
        let made = presentations(&plan, &verifier.client_id, &nonce, now)?;
        let frames = encode(&made, dictionary(&plan))?;
        let note = (ActivityKind::ShownOneWay, "done");
        self.mark(&plan, &verifier, choice, note, now)?;
        let answer = self.answered(&plan, &verifier, Mode::OneWay)?;
        let showing = one_way(plan, verifier, now)?;
        Ok((Answer { frames, ..answer }, showing))
    }

    fn plan(
        &self,
        query: &jumin_identity::DcqlQuery,
        choice: &Choice,
        now: u64,
    ) -> Result<Plan, PresentError> {
        let database = self.database();
        let database = database.as_ref().ok_or(VaultError::Locked)?;
        let plan = plan(database, query, choice.document.as_deref(), now)?;
        plan.within(choice.disclose.as_deref())?;
        Ok(plan)
    }

    /// Marks the copies as used and notes the showing; returns the note's number.
    fn mark(
        &self,
        plan: &Plan,
        verifier: &VerifierParty,
        choice: &Choice,
        (kind, outcome): (ActivityKind, &'static str),
        now: u64,
    ) -> Result<i64, PresentError> {
        plan.unused(choice.reuse)?;
        let first = plan.0.first();
        let activity = NewActivity {
            kind,
            vct: first.map(|pick| pick.document.vct.clone()),
            party: Some(ActivityParty {
                id: verifier.client_id.clone(),
                name: verifier.name.clone(),
                accredited: verifier.accredited,
            }),
            claims: disclosed(plan),
            outcome,
        };
        let copies: Vec<(i64, bool)> = plan
            .0
            .iter()
            .map(|pick| (pick.copy.number, pick.copy.used))
            .collect();
        let document = first.map(|pick| pick.document.id.as_str());
        let noted = self.with(|database| database.use_copies(&copies, &activity, document, now))?;
        noted.ok_or_else(|| PresentError::CopiesUsedUp {
            id: document.unwrap_or_default().to_owned(),
        })
    }

    fn answered(
        &self,
        plan: &Plan,
        verifier: &VerifierParty,
        mode: Mode,
    ) -> Result<Answer, PresentError> {
        let documents: Vec<String> = plan.0.iter().map(|pick| pick.document.id.clone()).collect();
        let left = self.with(|database| {
            let found = documents.iter().map(|id| database.document(id));
            let found = found.collect::<Result<Vec<_>, _>>()?;
            Ok(found.into_iter().flatten().map(|d| d.copies_left).min())
        })?;
        Ok(Answer {
            mode,
            verifier: verifier.clone(),
            disclosed: disclosed(plan),
            copies_left: left.unwrap_or(0),
            documents,
            frames: Vec::new(),
            redirect_uri: None,
        })
    }
}

async fn fetched(link: &str, connections: &Connections) -> Result<UnverifiedRequest, PresentError> {
    let fetched = online::fetch_request(link, &connections.http).await?;
    let request = UnverifiedRequest::parse(&fetched.request_object)?;
    // OpenID4VP 1.0 §5: the link and the request object name the same client (RFC 9101 §5).
    if request.client_id() != fetched.client_id {
        return Err(jumin_identity::RequestError::ClientMismatch.into());
    }
    match &fetched.wallet_nonce {
        Some(nonce) if !online::repeats_nonce(&fetched.request_object, nonce) => {
            Err(PresentError::WalletNonce)
        }
        _ => Ok(request),
    }
}

/// Puts the codes of a request together, or takes a request object as it is.
fn request_object(texts: &[String]) -> Result<String, PresentError> {
    if let [text] = texts
        && text.trim().starts_with("eyJ")
    {
        return Ok(text.trim().to_owned());
    }
    let (mut assembler, context) = (Assembler::new(), CodecContext::new());
    let mut partial = None;
    for text in texts {
        match assembler.push(text.trim(), &context) {
            Ok(Progress::Complete(Message::Request(request))) => return Ok(request),
            Ok(Progress::Complete(_)) => return Err(PresentError::NotARequest),
            Ok(Progress::Partial { received, needed }) => partial = Some((received, needed)),
            Ok(Progress::Ignored) => {}
            Err(error) => return Err(PresentError::Code(error.into())),
        }
    }
    Err(match partial {
        Some((received, needed)) => PresentError::Incomplete { received, needed },
        None => PresentError::NotARequest,
    })
}

/// Requires an accredited verifier that asks for no more than it may, or the citizen's agreement to another.
fn require_known(verifier: &VerifierParty, choice: &Choice) -> Result<(), PresentError> {
    if choice.accept_unknown_verifier {
        return Ok(());
    }
    let name = verifier.name.as_ref().map(|name| name.ko.clone());
    let name = name.unwrap_or_else(|| verifier.client_id.clone());
    if !verifier.accredited {
        return Err(PresentError::UnknownVerifier { name });
    }
    match verifier.beyond.as_slice() {
        [] => Ok(()),
        beyond => Err(PresentError::BeyondAccreditation {
            name,
            claims: beyond.iter().map(|claim| claim.ko.clone()).collect(),
        }),
    }
}

fn consent(
    plan: &Plan,
    verifier: &VerifierParty,
    mode: Mode,
    response_uri: Option<&str>,
    expires: Option<u64>,
    now: u64,
) -> Consent {
    Consent {
        verifier: verifier.clone(),
        mode,
        response_uri: response_uri.map(str::to_owned),
        expires,
        documents: plan.0.iter().map(|pick| pick.consent(now)).collect(),
        alternatives: Vec::new(),
    }
}

fn disclosed(plan: &Plan) -> Vec<String> {
    let paths = plan.0.iter().flat_map(Pick::disclosed);
    paths.map(|path| path.to_string()).collect()
}

fn dictionary(plan: &Plan) -> Option<&[u8]> {
    plan.0.first()?.document.dictionary.as_deref()
}

fn one_way(plan: Plan, verifier: VerifierParty, now: u64) -> Result<OneWay, PresentError> {
    let pick = plan.0.into_iter().next();
    let pick = pick.ok_or(PresentError::NothingFits(jumin_identity::QueryError::Unmet))?;
    Ok(OneWay {
        holder: pick.holder()?,
        credential: pick.credential,
        disclose: pick.disclose,
        verifier,
        query_id: pick.query_id,
        dictionary: pick.document.dictionary,
        until: now + ONE_WAY_SECONDS,
    })
}
