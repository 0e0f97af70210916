// Generated from the Rust DTOs of `registry/node`; its test writes (UPDATE_TYPES=1) and checks this file.

/**
 * A name in both languages.
 */
export type Localized = { ko: string, en: string, };

/**
 * A minute in which operations were finalized.
 */
export type Minute = {
/**
 * Its begin, Unix seconds.
 */
at: number, operations: number, };

/**
 * Where the newest proofs are from.
 */
export type CheckpointView = { height: number, time_ms: number, };

/**
 * The network as this node sees it.
 */
export type ExplorerOverview = { network: string,
/**
 * Digest of the genesis header, base64url.
 */
genesis: string,
/**
 * The key of the node that answers, base64url.
 */
node: string,
/**
 * What the node is: `validator`, `waiting`, `joining`, `leaving` or `follower`.
 */
role: string,
/**
 * Last applied block.
 */
height: number, time_ms: number,
/**
 * The epoch of the next block.
 */
epoch: number,
/**
 * How many blocks an epoch has.
 */
epoch_blocks: number,
/**
 * Whether other validators take over with the next epoch.
 */
change_pending: boolean, checkpoint: CheckpointView | null,
/**
 * The first block that this node has; nothing before it is told here.
 */
first: number, records: number,
/**
 * Operations that wait for a block.
 */
pending: number,
/**
 * The last hour; minutes without operations are left out.
 */
minutes: Array<Minute>,
/**
 * The node's clock.
 */
now_ms: number, };

/**
 * One validator and how it takes part.
 */
export type ValidatorView = {
/**
 * ed25519 public key, base64url.
 */
key: string,
/**
 * The agency that runs it.
 */
name: string,
/**
 * `voting`, `joining` (from the next epoch on) or `leaving` (with this epoch).
 */
role: string,
/**
 * How many of the certificates it could have signed.
 */
certificates: number,
/**
 * How many it signed. A certificate is complete with a quorum, so not signing some says nothing.
 */
signed: number,
/**
 * The newest of these blocks that it signed.
 */
last_signed: number | null, };

/**
 * Who finalizes blocks.
 */
export type Validators = {
/**
 * The epoch of the next block.
 */
epoch: number,
/**
 * How many must sign.
 */
quorum: number,
/**
 * How many newest certificates were looked at, at most 100.
 */
certificates: number, validators: Array<ValidatorView>, };

/**
 * A block in short.
 */
export type BlockSummary = { height: number, time_ms: number, epoch: number,
/**
 * Digest of the header, base64url.
 */
digest: string, operations: number,
/**
 * Bytes of the operations.
 */
size: number,
/**
 * How many validators signed; null where a later block's certificate finalizes this one.
 */
signers: number | null,
/**
 * How many could have.
 */
validators: number | null,
/**
 * Who proposed it: the agency, or the key of one that is no longer a validator.
 */
proposer: string | null, };

/**
 * A part of the chain, newest first.
 */
export type Blocks = {
/**
 * The first block that this node has.
 */
first: number,
/**
 * The newest block.
 */
height: number, blocks: Array<BlockSummary>, };

/**
 * A validator of a block's epoch.
 */
export type Signer = {
/**
 * base64url.
 */
key: string,
/**
 * The agency; null for one that is no longer a validator.
 */
name: string | null, signed: boolean, };

/**
 * A finalized operation in short: enough to say in words what it did.
 */
export type OperationView = {
/**
 * base64url.
 */
hash: string, height: number,
/**
 * Its place in the block, from 0.
 */
index: number,
/**
 * `create-did`, `update-did`, `deactivate-did`, `accredit`, `end-accreditation`, `anchor`, `anchor-credential-type`,
 * `set-validators` or `set-governors`.
 */
kind: string,
/**
 * The DID that signed, or `governance`.
 */
by: string,
/**
 * The record that it wrote.
 */
record: string,
/**
 * The DID whose record that is.
 */
subject: string | null,
/**
 * `issuer`, `verifier` or `accreditor`.
 */
role: string | null, name: Localized | null,
/**
 * Credential types; empty means every type.
 */
types: Array<string>,
/**
 * When an accreditation begins, Unix seconds.
 */
from: number | null,
/**
 * When it is over.
 */
until: number | null,
/**
 * The number of the grant that ended.
 */
grant: number | null,
/**
 * The version that the record has after it.
 */
version: number | null,
/**
 * What is anchored: a status list's address, or a credential type.
 */
anchored: string | null,
/**
 * The keys of validators added.
 */
added: Array<string>,
/**
 * The keys of validators removed.
 */
removed: Array<string>,
/**
 * How many governors there are after it, and how many must sign.
 */
governors: [number, number] | null,
/**
 * How many signatures it carries.
 */
signatures: number,
/**
 * Its size in bytes.
 */
size: number, };

/**
 * A block.
 */
export type BlockPage = {
/**
 * The first block that this node has.
 */
first: number,
/**
 * The newest block.
 */
newest: number, summary: BlockSummary,
/**
 * base64url, as the digests below.
 */
parent: string, state_root: string, body_hash: string, next_validators: string,
/**
 * How many must sign.
 */
quorum: number | null, signers: Array<Signer>,
/**
 * Header and certificate, base64url: proves the header to whoever knows the validators.
 */
checkpoint: string | null, operations: Array<OperationView>, };

/**
 * A finalized operation and the block that has it.
 */
export type OperationPage = {
/**
 * When the block was proposed.
 */
time_ms: number, operation: OperationView,
/**
 * How the signatures name their keys; keys given themselves have no name.
 */
signers: Array<string>,
/**
 * The operation as it was signed, JWS JSON General Serialization.
 */
content: unknown, };

/**
 * One accreditation as the record has it.
 */
export type GrantView = {
/**
 * Its number within the record.
 */
id: number,
/**
 * The DID that granted it, or `governance`.
 */
by: string, name: Localized,
/**
 * Credential types; empty means every type.
 */
types: Array<string>,
/**
 * Claims that a verifier may ask for; null means every claim.
 */
claims: Array<string> | null,
/**
 * Unix seconds.
 */
from: number, until: number, ended: number | null,
/**
 * How it stands with everything that it hangs below: `in_force`, `later`, `ran_out`, `ended`, `deactivated`, `not_created` or
 * `unknown`. Where it is `ended` without a time of its own, one above it was.
 */
standing: string, };

/**
 * What an agency was accredited for in one role, ended grants included.
 */
export type AccreditationView = {
/**
 * The record's key.
 */
key: string, subject: string,
/**
 * `issuer`, `verifier` or `accreditor`.
 */
role: string, version: number,
/**
 * The subject's DID: `active`, `deactivated` or `absent`.
 */
standing: string, grants: Array<GrantView>, };

/**
 * A part of all accreditations, in the order of their keys.
 */
export type Accreditations = {
/**
 * The block whose state this is.
 */
height: number, accreditations: Array<AccreditationView>,
/**
 * Gives the next page as `after`; null on the last.
 */
next: string | null, };

/**
 * Something that an issuer publishes, by its digest.
 */
export type AnchorView = {
/**
 * The record's key.
 */
key: string,
/**
 * `status-list` or `dictionary`.
 */
kind: string, name: string, version: number,
/**
 * base64url.
 */
sha256: string,
/**
 * When a newer version is due at the latest, Unix seconds.
 */
next_update: number | null, updated: number, height: number, };

/**
 * A DID's present version.
 */
export type Version = { version: number,
/**
 * Unix seconds.
 */
updated: number, height: number, deactivated: number | null,
/**
 * Thumbprint of the key that must sign the next change.
 */
next_key_hash: string,
/**
 * The document as DID Core has it.
 */
document: unknown, };

/**
 * A DID, what it is accredited for and what it anchored.
 */
export type DidPage = { did: string,
/**
 * `active`, `deactivated` or `absent`.
 */
standing: string, current: Version | null, accreditations: Array<AccreditationView>,
/**
 * At most 100.
 */
anchors: Array<AnchorView>,
/**
 * Whether there are more anchors than these.
 */
more_anchors: boolean, };

/**
 * An operation and when it took effect.
 */
export type HistoryEntry = { time_ms: number, operation: OperationView, };

/**
 * What concerned a DID, newest first.
 */
export type HistoryPage = {
/**
 * The first block that this node has; what was before it is not told.
 */
first: number, entries: Array<HistoryEntry>,
/**
 * Gives the next page as `before`; null on the last.
 */
next: string | null, };

/**
 * A record, or its absence, with everything needed to believe it.
 */
export type Proved = {
/**
 * The record's canonical key.
 */
key: string,
/**
 * The record's bytes, base64url; null if there is none.
 */
value: string | null,
/**
 * Proof under the checkpoint's state root, base64url.
 */
proof: string,
/**
 * The certified header, base64url.
 */
checkpoint: string, };

/**
 * The changes of validators, oldest first.
 */
export type Handovers = {
/**
 * Each a checkpoint and the keys of the validators it hands over to, base64url.
 */
handovers: Array<string>, };
