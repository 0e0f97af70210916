//! Whether a credential is what its type says (draft-ietf-oauth-sd-jwt-vc, "Claim Metadata").

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::claim_path::{ClaimPath, PathSegment};
use crate::credential::VerifiedCredential;
use crate::credential_type::{CredentialType, Node, PROTECTED_CLAIMS};

/// Says how a credential differs from what its type says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TypeMismatch {
    /// The credential is of another type, or of another version of the type's definition.
    #[error("the credential is of another type")]
    OtherType,
    /// The type says that every credential has this claim.
    #[error("the claim {0} is missing")]
    MissingClaim(ClaimPath),
    /// The type does not define this claim.
    #[error("the type does not define the claim {0}")]
    UnknownClaim(ClaimPath),
    /// The claim can be disclosed alone where the type says never, or can't where it says always.
    #[error("the claim {0} is not disclosed as the type says")]
    Disclosure(ClaimPath),
    /// The type says that this claim is an object or an array.
    #[error("the claim {0} is not of the kind that the type says")]
    WrongKind(ClaimPath),
}

impl TypeMismatch {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        "type_mismatch"
    }
}

impl CredentialType {
    /// Checks a credential as it was issued, with all its disclosures, against the type.
    ///
    /// A holder does this before it keeps a credential: an issuer that forgets to make a claim a disclosure would have the
    /// holder show it to everybody.
    pub fn check_issued(&self, credential: &VerifiedCredential) -> Result<(), TypeMismatch> {
        let other = credential
            .vct_integrity()
            .is_some_and(|integrity| integrity != self.integrity());
        if credential.vct() != self.vct() || other {
            return Err(TypeMismatch::OtherType);
        }
        let disclosed = credential
            .disclosures()
            .iter()
            .map(|disclosure| disclosure.path.0.as_slice());
        let mut walk = Walk {
            disclosed: disclosed.collect(),
            path: Vec::new(),
        };
        walk.object(credential.claims(), self.root())
    }
}

struct Walk<'a> {
    disclosed: HashSet<&'a [PathSegment]>,
    path: Vec<PathSegment>,
}

impl Walk<'_> {
    fn here(&self) -> ClaimPath {
        ClaimPath(self.path.clone())
    }

    fn object(&mut self, object: &Map<String, Value>, node: &Node) -> Result<(), TypeMismatch> {
        let registered = |name: &str| PROTECTED_CLAIMS.contains(&name) || name == "iat";
        for (name, value) in object {
            self.path.push(PathSegment::Name(name.clone()));
            match node.members.iter().find(|(own, _)| own == name) {
                Some((_, member)) => self.claim(value, member)?,
                None if self.path.len() == 1 && registered(name) => {}
                None => return Err(TypeMismatch::UnknownClaim(self.here())),
            }
            self.path.pop();
        }
        let missing =
            |(name, member): &&(String, Node)| member.mandatory && !object.contains_key(name);
        if let Some((name, _)) = node.members.iter().find(missing) {
            self.path.push(PathSegment::Name(name.clone()));
            return Err(TypeMismatch::MissingClaim(self.here()));
        }
        Ok(())
    }

    fn claim(&mut self, value: &Value, node: &Node) -> Result<(), TypeMismatch> {
        if self.disclosed.contains(self.path.as_slice()) != node.disclosable {
            return Err(TypeMismatch::Disclosure(self.here()));
        }
        match (value, &node.items) {
            _ if node.is_leaf() => self.leaf(),
            (Value::Object(object), _) if !node.members.is_empty() => self.object(object, node),
            (Value::Array(array), Some(items)) => {
                array.iter().enumerate().try_for_each(|(index, value)| {
                    self.path.push(PathSegment::Index(index));
                    self.claim(value, items)?;
                    self.path.pop();
                    Ok(())
                })
            }
            _ => Err(TypeMismatch::WrongKind(self.here())),
        }
    }

    /// Checks that nothing inside a claim that the type does not take apart is a disclosure.
    fn leaf(&self) -> Result<(), TypeMismatch> {
        let inside =
            |path: &&&[PathSegment]| path.len() > self.path.len() && path.starts_with(&self.path);
        match self.disclosed.iter().find(inside) {
            Some(path) => Err(TypeMismatch::Disclosure(ClaimPath(path.to_vec()))),
            None => Ok(()),
        }
    }
}
