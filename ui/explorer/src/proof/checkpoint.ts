// The finalized header and its certificate: docs/did-method.md §7.
import { ed25519 } from '@noble/curves/ed25519.js'
import { Malformed, Reader, ascii, concat, domainHash, type Bytes } from './bytes'
import type { Trust } from './trust'

const MAX_VALIDATORS = 256

export interface Header {
  network: string
  epoch: bigint
  height: bigint
  timeMs: bigint
  parent: Bytes
  stateRoot: Bytes
  bodyHash: Bytes
  nextValidators: Bytes
  /** What the validators sign and children name as their parent. */
  digest: Bytes
}

export interface Certificate {
  epoch: bigint
  view: bigint
  parentView: bigint
  /** How many validators the set had. */
  committee: number
  /** The places of those who signed, ascending. */
  signers: number[]
  /** One signature for each. */
  signatures: Bytes[]
}

export interface Checkpoint {
  header: Header
  certificate: Certificate
}

function readHeader(reader: Reader): Header {
  const start = reader.position
  if (reader.byte('header version') !== 1) throw new Malformed('header version')
  const name = reader.take(reader.byte('network name'), 'network name')
  const network = String.fromCharCode(...name)
  if (!/^[a-z0-9-]{1,24}$/.test(network)) throw new Malformed('network name')
  const header = {
    network,
    epoch: reader.number(8, 'header epoch'),
    height: reader.number(8, 'header height'),
    timeMs: reader.number(8, 'header time'),
    parent: reader.take(32, 'header parent'),
    stateRoot: reader.take(32, 'header state root'),
    bodyHash: reader.take(32, 'header body hash'),
    nextValidators: reader.take(32, 'header next validators'),
  }
  return { ...header, digest: domainHash('jumin-header-v1', reader.bytes.subarray(start, reader.position)) }
}

function readCertificate(reader: Reader): Certificate {
  const [epoch, view, parentView] = [reader.number(8, 'epoch'), reader.number(8, 'view'), reader.number(8, 'parent view')]
  const committee = Number(reader.number(2, 'committee size'))
  if (committee < 1 || committee > MAX_VALIDATORS) throw new Malformed('committee size')
  const bitmap = reader.take(Math.ceil(committee / 8), 'signers')
  const signers: number[] = []
  for (let at = 0; at < bitmap.length * 8; at++) {
    if (((bitmap[at >> 3]! >> (at & 7)) & 1) === 0) continue
    if (at >= committee) throw new Malformed('signer outside the committee')
    signers.push(at)
  }
  const signatures = signers.map(() => reader.take(64, 'signature'))
  return { epoch, view, parentView, committee, signers, signatures }
}

/** Reads exactly one checkpoint. */
export function readCheckpoint(bytes: Bytes): Checkpoint {
  const reader = new Reader(bytes)
  const checkpoint = { header: readHeader(reader), certificate: readCertificate(reader) }
  reader.finish()
  return checkpoint
}

/** How many of so many validators must sign: all but a third. */
export const quorum = (validators: number): number => validators - Math.floor((validators - 1) / 3)

function varint(value: bigint): Bytes {
  const bytes: number[] = []
  for (; value >= 0x80n; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80)
  return Uint8Array.from([...bytes, Number(value)])
}

/** Builds the bytes that a validator signs to finalize a header. */
export function finalizationMessage(trust: Trust, certificate: Certificate, digest: Bytes): Bytes {
  const namespace = concat(ascii(`_JUMIN_REGISTRY_${trust.network}_`), trust.genesis, ascii('_FINALIZE'))
  const round = [certificate.epoch, certificate.view, certificate.parentView].map(varint)
  return concat(varint(BigInt(namespace.length)), namespace, ...round, digest)
}

export type CheckpointProblem =
  | 'wrong_network'
  | 'wrong_epoch'
  | 'not_this_committee'
  | 'too_few_signers'
  | 'signature_invalid'

/** Tells what speaks against the header being of this network and of the trusted validators' epoch or a later one. */
export function misplaced({ header, certificate }: Checkpoint, trust: Trust): CheckpointProblem | null {
  if (header.network !== trust.network) return 'wrong_network'
  // A later epoch without a handover in between has the same validators.
  return header.epoch < trust.epoch || certificate.epoch !== header.epoch ? 'wrong_epoch' : null
}

/** Tells of each signature, in its order, whether it is that validator's over this header in this network. */
export function signaturesHold({ header, certificate }: Checkpoint, trust: Trust): boolean[] {
  const message = finalizationMessage(trust, certificate, header.digest)
  return certificate.signers.map((index, at) => {
    const [key, signature] = [trust.validators[index], certificate.signatures[at]]
    if (!key || !signature) return false
    try {
      return ed25519.verify(signature, message, key, { zip215: false })
    } catch {
      // What is no point of the curve is no key and no signature.
      return false
    }
  })
}

/** Tells what speaks against a quorum of the trusted validators having signed; `held` if the signatures were checked before. */
export function unsigned(checkpoint: Checkpoint, trust: Trust, held?: boolean[]): CheckpointProblem | null {
  const { committee, signers } = checkpoint.certificate
  if (committee !== trust.validators.length) return 'not_this_committee'
  if (signers.length < quorum(committee)) return 'too_few_signers'
  return (held ?? signaturesHold(checkpoint, trust)).every(Boolean) ? null : 'signature_invalid'
}
