use std::collections::{BTreeMap, HashSet};

use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{KeyHash, OwnedValue, Version};
use jumin_identity::NetworkName;
use jumin_registry::{
    GovernanceRecord, HEADER_VERSION, Header, NetworkTrust, Record, RecordKey, tree,
    validator_set_hash,
};
use serde::{Deserialize, Serialize};

use crate::block::{Block, body_hash};
use crate::execution::{Effects, Executed, ExecutionError};

/// What a network starts from; the same file in every validator's home.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Genesis {
    pub network: NetworkName,
    /// When the network was made, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    pub governance: GovernanceRecord,
    /// ed25519 public keys in ascending order, base64url in the file.
    #[serde(with = "keys")]
    pub validators: Vec<[u8; 32]>,
}

impl Genesis {
    /// The block at height 0.
    pub(crate) fn block(&self) -> Result<Block, ExecutionError> {
        let header = Header {
            version: HEADER_VERSION,
            network: self.network.clone(),
            epoch: 0,
            height: 0,
            time_ms: self.time_ms,
            parent: [0; 32],
            state_root: self.effects()?.state_root,
            body_hash: body_hash(&[]),
            next_validators: validator_set_hash(&self.validators),
        };
        Ok(Block::new(header, Vec::new()))
    }

    /// What a reader must know to check this network's certificates.
    pub(crate) fn trust(&self, header: &Header) -> NetworkTrust {
        NetworkTrust {
            network: self.network.clone(),
            genesis: header.digest(),
            epoch: 0,
            validators: self.validators.clone(),
        }
    }

    /// The first state: governance and nothing else.
    pub(crate) fn execute(&self, header: &Header) -> Result<Executed, ExecutionError> {
        self.effects()?.under(header)
    }

    fn effects(&self) -> Result<Effects, ExecutionError> {
        let key = RecordKey::Governance;
        let record = Record::Governance(self.governance.clone());
        let (state_root, update) = tree::update(&Empty, 0, [(&key, &record)])?;
        Ok(Effects {
            operations: HashSet::new(),
            records: BTreeMap::from([(key.to_string(), record.to_bytes())]),
            tree: Some(update.node_batch),
            tree_version: 0,
            state_root,
        })
    }
}

/// A tree without nodes.
struct Empty;

impl TreeReader for Empty {
    fn get_node_option(&self, _: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(None)
    }

    fn get_value_option(&self, _: Version, _: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(None)
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Ok(None)
    }
}

/// (De)serializes 32-byte keys as base64url.
pub(crate) mod keys {
    use jumin_identity::{b64url, b64url_decode};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(keys: &[[u8; 32]], out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(keys.iter().map(|key| b64url(key)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Vec<[u8; 32]>, D::Error> {
        let texts = Vec::<String>::deserialize(input)?;
        let decoded = texts
            .iter()
            .map(|text| b64url_decode(text).ok()?.try_into().ok());
        decoded
            .collect::<Option<_>>()
            .ok_or_else(|| D::Error::custom("not a list of 32-byte keys"))
    }
}
