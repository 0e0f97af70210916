use std::collections::HashSet;
use std::sync::Arc;

use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{KeyHash, OwnedValue, Version};
use jumin_identity::NetworkName;
use jumin_registry::{
    GovernanceRecord, HEADER_VERSION, Header, NetworkTrust, Record, RecordKey, Validator,
    ValidatorsRecord, tree,
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
    /// How many blocks an epoch has: validators change between epochs only.
    pub epoch_blocks: u64,
    /// After so many milliseconds without operations an empty block refreshes the checkpoint. It is no part of the state: a
    /// leader waits so long, and the others for it.
    #[serde(default = "default_idle_block_ms")]
    pub idle_block_ms: u64,
    /// The first validators, ascending by key.
    pub validators: Vec<Validator>,
}

/// How long an idle network goes without a block where genesis.json says nothing.
pub(crate) const DEFAULT_IDLE_BLOCK_MS: u64 = 10_000;

fn default_idle_block_ms() -> u64 {
    DEFAULT_IDLE_BLOCK_MS
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
            next_validators: self.set().next_hash(0),
        };
        Ok(Block::new(header, Vec::new()))
    }

    /// What a reader must know to check this network's certificates.
    pub(crate) fn trust(&self, header: &Header) -> NetworkTrust {
        NetworkTrust {
            network: self.network.clone(),
            genesis: header.digest(),
            epoch: 0,
            validators: self.set().keys_at(0),
            as_of: self.time_ms / 1000,
        }
    }

    /// The first validators, as the state has them.
    pub(crate) fn set(&self) -> ValidatorsRecord {
        ValidatorsRecord {
            version: 1,
            epoch_blocks: self.epoch_blocks,
            current: self.validators.clone(),
            next: None,
        }
    }

    /// The first state: governance and validators, nothing else.
    pub(crate) fn execute(&self, header: &Header) -> Result<Executed, ExecutionError> {
        self.effects()?.under(header)
    }

    fn effects(&self) -> Result<Effects, ExecutionError> {
        let first = [
            (
                RecordKey::Governance,
                Record::Governance(self.governance.clone()),
            ),
            (RecordKey::Validators, Record::Validators(self.set())),
        ];
        let writes = first.iter().map(|(key, record)| (key, record));
        let (state_root, update) = tree::update(&Empty, 0, writes)?;
        let records = first.iter();
        Ok(Effects {
            operations: HashSet::new(),
            set: Arc::new(self.set()),
            records: records
                .map(|(key, record)| (key.to_string(), record.to_bytes()))
                .collect(),
            tree: Some(update.into()),
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
