import { Malformed, Reader, compare, decode64, domainHash, equal, type Bytes } from './bytes'
import { misplaced, readCheckpoint, unsigned, type Checkpoint, type CheckpointProblem } from './checkpoint'

const MAX_VALIDATORS = 256
export const MAX_HANDOVERS = 256
/** After so many seconds nobody follows a trust file any more: 180 days. */
export const TRUSTING_PERIOD = 180 * 86_400

/** Whose certificates a reader believes; the content of `network.json`. */
export interface Trust {
  network: string
  genesis: Bytes
  epoch: bigint
  /** ed25519 keys, strictly ascending. */
  validators: Bytes[]
  /** When these were known to be the validators, Unix seconds. */
  asOf: number
}

const MEMBERS = ['as_of', 'epoch', 'genesis', 'network', 'validators']

function whole(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new Malformed(what)
  return value
}

function digest(value: unknown, what: string): Bytes {
  const bytes = decode64(value, what)
  if (bytes.length !== 32) throw new Malformed(what)
  return bytes
}

const isSet = (keys: Bytes[]): boolean =>
  keys.length >= 1 && keys.length <= MAX_VALIDATORS && keys.every((key, at) => at === 0 || compare(keys[at - 1]!, key) < 0)

/** Takes in a trust file's content. */
export function readTrust(content: unknown): Trust {
  if (typeof content !== 'object' || content === null) throw new Malformed('trust file')
  const { network, genesis, epoch, validators, as_of } = content as Record<string, unknown>
  if (Object.keys(content).sort().join() !== MEMBERS.join()) throw new Malformed('trust file')
  if (typeof network !== 'string' || !/^[a-z0-9-]{1,24}$/.test(network)) throw new Malformed('network name')
  if (!Array.isArray(validators)) throw new Malformed('validators')
  const keys = validators.map((key) => digest(key, 'validators'))
  if (!isSet(keys)) throw new Malformed('validators')
  return {
    network,
    genesis: digest(genesis, 'genesis'),
    epoch: BigInt(whole(epoch, 'epoch')),
    validators: keys,
    asOf: whole(as_of, 'as_of'),
  }
}

/** A checkpoint whose block hands over to other validators. */
export interface Handover {
  checkpoint: Checkpoint
  validators: Bytes[]
}

export type HandoverProblem = CheckpointProblem | 'malformed' | 'no_handover' | 'too_large' | 'unordered'

/** Says why a handover is not followed. */
export class NotFollowed extends Error {
  constructor(readonly code: HandoverProblem) {
    super(code)
  }
}

/** Reads exactly one handover. */
export function readHandover(bytes: Bytes): Handover {
  const reader = new Reader(bytes)
  const length = Number(reader.number(4, 'length'))
  const checkpoint = readCheckpoint(reader.take(length, 'checkpoint'))
  const rest = reader.rest()
  if (rest.length % 32 !== 0) throw new Malformed('validators')
  const validators = Array.from({ length: rest.length / 32 }, (_, at) => rest.subarray(32 * at, 32 * at + 32))
  return { checkpoint, validators }
}

const sameKeys = (one: Bytes[], other: Bytes[]): boolean =>
  one.length === other.length && one.every((key, at) => equal(key, other[at]!))

/** Moves on to the validators that the trusted ones hand over to. */
export function follow(trust: Trust, { checkpoint, validators }: Handover): Trust {
  const problem = misplaced(checkpoint, trust) ?? unsigned(checkpoint, trust)
  if (problem) throw new NotFollowed(problem)
  const { header } = checkpoint
  if (!equal(header.nextValidators, domainHash('jumin-validators-v1', ...validators))) throw new NotFollowed('not_this_committee')
  if (sameKeys(validators, trust.validators)) throw new NotFollowed('no_handover')
  if (!isSet(validators)) throw new NotFollowed('not_this_committee')
  const seconds = Number(header.timeMs / 1000n)
  return { ...trust, epoch: header.epoch + 1n, validators, asOf: Math.max(trust.asOf, seconds) }
}

/** Follows those handovers that lie after this trust, in their order. */
export function followAll(trust: Trust, handovers: Handover[]): Trust {
  if (handovers.length > MAX_HANDOVERS) throw new NotFollowed('too_large')
  const epochs = handovers.map(({ checkpoint }) => checkpoint.header.epoch)
  if (epochs.some((epoch, at) => at > 0 && epochs[at - 1]! >= epoch)) throw new NotFollowed('unordered')
  return handovers.filter((_, at) => epochs[at]! >= trust.epoch).reduce(follow, trust)
}
