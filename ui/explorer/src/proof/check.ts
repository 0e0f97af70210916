import { Malformed, decode64, encode64, type Bytes } from './bytes'
import { misplaced, quorum, readCheckpoint, signaturesHold, unsigned, type Checkpoint } from './checkpoint'
import { climb, keyHash, type Rung } from './merkle'
import { NotFollowed, TRUSTING_PERIOD, followAll, readHandover, readTrust, type Trust } from './trust'

/** What a node answers, and what is kept of it in a file; nothing of it is believed. */
export interface Answer {
  key: string
  value: string | null
  proof: string
  checkpoint: string
  handovers?: string[]
}

export const STEPS = ['trust', 'answer', 'handovers', 'checkpoint', 'signatures', 'age', 'path', 'value'] as const
export type StepName = (typeof STEPS)[number]

/** One step: what was looked at and what came of it. */
export interface Step {
  name: StepName
  result: 'ok' | 'failed' | 'old' | 'not_reached'
  /** Stable; names what failed. */
  code?: string
  facts: Record<string, string | number>
}

/** A validator's part in the certificate. */
export interface Signature {
  key: string
  signed: boolean
  holds: boolean
}

export interface Verdict {
  steps: Step[]
  /** Whether every step holds: the record was so, or absent, when the block was made. */
  proven: boolean
  /** Whether the record exists; null as long as nothing is proven. */
  exists: boolean | null
  record: unknown
  height: number
  timeMs: number
  signatures: Signature[]
  rungs: Rung[]
}

export interface Question {
  /** The record's key that the reader asks for. */
  key: string
  /** The content of a trust file. */
  trust: unknown
  answer: unknown
  /** The reader's clock, Unix seconds. */
  now: number
  /** How old a checkpoint may be, in seconds, before it is called old. */
  maxAge: number
}

class Failed extends Error {
  constructor(readonly code: string, readonly facts: Step['facts'] = {}) {
    super(code)
  }
}

/** The kind that a record under a key has; keys begin with it. */
const KINDS: Record<string, string> = {
  did: 'did',
  accreditation: 'accreditation',
  anchor: 'anchor',
  type: 'credential-type',
  governance: 'governance',
  validators: 'validators',
}

interface Parsed {
  key: string
  value: Bytes | null
  proof: Bytes
  checkpoint: Bytes
  handovers: Bytes[]
}

/** Checks a node's answer step by step, believing nothing but the trust file. */
export function check(question: Question): Verdict {
  return new Check(question).run()
}

class Check {
  readonly steps: Step[] = []
  readonly verdict: Verdict
  #trust!: Trust
  #answer!: Parsed
  #checkpoint!: Checkpoint

  constructor(readonly question: Question) {
    const nothing = { exists: null, record: null, height: 0, timeMs: 0 }
    this.verdict = { steps: this.steps, proven: false, ...nothing, signatures: [], rungs: [] }
  }

  run(): Verdict {
    for (const name of STEPS) {
      if (this.steps.some(({ result }) => result === 'failed')) this.steps.push({ name, result: 'not_reached', facts: {} })
      else this.steps.push(this.#try(name))
    }
    this.verdict.proven = this.steps.every(({ result }) => result === 'ok' || result === 'old')
    if (!this.verdict.proven) this.verdict.exists = null
    return this.verdict
  }

  #try(name: StepName): Step {
    try {
      return { name, result: 'ok', facts: {}, ...this[name]() }
    } catch (error) {
      if (error instanceof Failed) return { name, result: 'failed', code: error.code, facts: error.facts }
      if (error instanceof NotFollowed) return { name, result: 'failed', code: error.code, facts: {} }
      if (error instanceof Malformed) return { name, result: 'failed', code: 'malformed', facts: { part: error.part } }
      throw error
    }
  }

  trust(): Partial<Step> {
    this.#trust = readTrust(this.question.trust)
    const days = Math.floor(Math.max(0, this.question.now - this.#trust.asOf) / 86_400)
    if (this.question.now - this.#trust.asOf > TRUSTING_PERIOD) throw new Failed('trust_expired', { days })
    return { facts: { network: this.#trust.network, validators: this.#trust.validators.length, days } }
  }

  answer(): Partial<Step> {
    const { answer, key } = this.question
    if (typeof answer !== 'object' || answer === null) throw new Malformed('answer')
    const given = answer as Partial<Answer>
    const handovers = given.handovers ?? []
    if (typeof given.key !== 'string' || !Array.isArray(handovers)) throw new Malformed('answer')
    this.#answer = {
      key: given.key,
      value: given.value === null || given.value === undefined ? null : decode64(given.value, 'value'),
      proof: decode64(given.proof, 'proof'),
      checkpoint: decode64(given.checkpoint, 'checkpoint'),
      handovers: handovers.map((one) => decode64(one, 'handover')),
    }
    // An absence proof holds for whatever is absent: only the reader's own question counts.
    if (given.key !== key) throw new Failed('wrong_key', { key: given.key.slice(0, 200) })
    return { facts: { key } }
  }

  handovers(): Partial<Step> {
    const before = this.#trust.epoch
    const handovers = this.#answer.handovers.map(readHandover)
    this.#trust = followAll(this.#trust, handovers)
    const followed = handovers.filter(({ checkpoint }) => checkpoint.header.epoch >= before).length
    return { facts: { followed, validators: this.#trust.validators.length } }
  }

  checkpoint(): Partial<Step> {
    this.#checkpoint = readCheckpoint(this.#answer.checkpoint)
    const { header } = this.#checkpoint
    const problem = misplaced(this.#checkpoint, this.#trust)
    if (problem) throw new Failed(problem, { network: header.network, epoch: Number(header.epoch) })
    this.verdict.height = Number(header.height)
    this.verdict.timeMs = Number(header.timeMs)
    return { facts: { height: Number(header.height), epoch: Number(header.epoch), digest: encode64(header.digest) } }
  }

  signatures(): Partial<Step> {
    const { certificate } = this.#checkpoint
    const total = this.#trust.validators.length
    const held = signaturesHold(this.#checkpoint, this.#trust)
    this.verdict.signatures = this.#trust.validators.map((key, index) => {
      const at = certificate.signers.indexOf(index)
      return { key: encode64(key), signed: at >= 0, holds: at >= 0 && held[at]! }
    })
    const facts = { valid: held.filter(Boolean).length, signed: certificate.signers.length, total, quorum: quorum(total) }
    const problem = unsigned(this.#checkpoint, this.#trust, held)
    if (problem) throw new Failed(problem, facts)
    return { facts }
  }

  age(): Partial<Step> {
    const seconds = this.question.now - Math.floor(this.verdict.timeMs / 1000)
    const facts = { seconds: Math.max(0, seconds), ahead: Math.max(0, -seconds) }
    return { result: seconds > this.question.maxAge || -seconds > this.question.maxAge ? 'old' : 'ok', facts }
  }

  path(): Partial<Step> {
    const { value, proof } = this.#answer
    const { holds, rungs } = climb(this.#checkpoint.header.stateRoot, keyHash(this.question.key), value, proof)
    this.verdict.rungs = rungs
    const facts = { steps: rungs.length, root: encode64(this.#checkpoint.header.stateRoot), bytes: value?.length ?? 0 }
    if (!holds) throw new Failed('proof_invalid', facts)
    return { facts }
  }

  value(): Partial<Step> {
    const { value } = this.#answer
    if (value === null) {
      this.verdict.exists = false
      return { facts: { exists: 0 } }
    }
    const record = parse(value)
    if ((record as { type?: unknown } | null)?.type !== KINDS[this.question.key.split('/')[0]!]) {
      throw new Malformed('record of another kind')
    }
    this.verdict.record = record
    this.verdict.exists = true
    return { facts: { exists: 1 } }
  }
}

function parse(value: Bytes): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value))
  } catch {
    throw new Malformed('record')
  }
}
