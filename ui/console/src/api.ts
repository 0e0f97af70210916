import type {
  Agency,
  AuditEntry,
  AuditReport,
  ChangeAnswer,
  Credential,
  CredentialDetail,
  CredentialStatus,
  NewOffer,
  OfferSummary,
  Overview,
  Problem,
  ResidentDetail,
  ResidentSummary,
  Session,
} from '@jumin/shared/types/console.ts'
import { setClock } from './state/clock.svelte'

/** What an answer that isn't the one asked for comes down to; `code` is stable and names the text to show. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    /** Seconds to wait before the next try; absent where the server doesn't say. */
    readonly retryAfter: number | null = null,
  ) {
    super(code)
  }
}

/** Who wants to hear about each answer: the session when it ended, the network when it failed or works again. */
export interface Listener {
  unauthorized(code: string): void
  unreachable(): void
  reachable(): void
}

let listener: Listener = { unauthorized() {}, unreachable() {}, reachable() {} }

/** Names the one that hears about ended sessions and the network; call once. */
export function listen(to: Listener): void {
  listener = to
}

const PATIENCE = 30_000

function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get('Retry-After') ?? '')
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null
}

async function refusal(response: Response): Promise<ApiError> {
  const body: Partial<Problem> | null = await response.json().catch(() => null)
  const code = typeof body?.code === 'string' ? body.code : `http_${response.status}`
  return new ApiError(code, response.status, retryAfter(response))
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(PATIENCE), ...(init.signal ? [init.signal] : [])])
    const response = await fetch(path, { ...init, signal, credentials: 'same-origin', cache: 'no-store' })
    // A gateway that answers for a server which is down is as good as no answer.
    if (response.status === 502 || response.status === 504) throw new TypeError('no server behind the gateway')
    setClock(response.headers.get('Date'))
    listener.reachable()
    return response
  } catch (cause) {
    if (init.signal?.aborted) throw new ApiError('aborted', 0)
    listener.unreachable()
    const late = cause instanceof DOMException && cause.name === 'TimeoutError'
    throw new ApiError(late ? 'timeout' : 'unreachable', 0)
  }
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method }
  if (signal) init.signal = signal
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' }
    init.body = JSON.stringify(body)
  }
  const response = await reach(path, init)
  if (!response.ok) {
    const error = await refusal(response)
    if (error.status === 401 && error.code !== 'wrong_credentials') listener.unauthorized(error.code)
    throw error
  }
  const text = await response.text()
  if (text === '') return undefined as T
  try {
    return JSON.parse(text) as T
  } catch {
    throw new ApiError('answer_not_json', response.status)
  }
}

function query(values: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== '')
  const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString()
  return text && `?${text}`
}

const part = encodeURIComponent

export interface CredentialFilter {
  resident_id?: string
  status?: CredentialStatus | ''
  configuration?: string
  before?: string
  limit?: number
}
export type Change = 'suspend' | 'reinstate' | 'revoke'

export const api = {
  session: () => call<Session>('GET', 'v1/session'),
  signIn: (account: string, password: string) => call<Session>('POST', 'v1/session', { account, password }),
  signOut: () => call<void>('DELETE', 'v1/session'),
  overview: () => call<Overview>('GET', 'v1/overview'),
  search: (text: string, limit: number, signal?: AbortSignal) =>
    call<{ residents: ResidentSummary[]; more: boolean }>('POST', 'v1/residents/search', { query: text, limit }, signal),
  resident: (id: string) => call<ResidentDetail>('GET', `v1/residents/${part(id)}`),
  makeOffer: (resident_id: string, credential_configuration_id: string) =>
    call<NewOffer>('POST', 'v1/offers', { resident_id, credential_configuration_id }),
  offer: (id: string) => call<OfferSummary>('GET', `v1/offers/${part(id)}`),
  credentials: (filter: CredentialFilter) =>
    call<{ credentials: Credential[] }>('GET', `v1/credentials${query({ ...filter })}`),
  credential: (id: string) => call<CredentialDetail>('GET', `v1/credentials/${part(id)}`),
  change: (id: string, change: Change, reason: string) =>
    call<ChangeAnswer>('POST', `v1/credentials/${part(id)}/${change}`, { reason }),
  audit: (before: number | null, limit: number) =>
    call<{ entries: AuditEntry[] }>('GET', `v1/audit${query({ before, limit })}`),
  verifyAudit: () => call<AuditReport>('GET', 'v1/audit/verify'),
  agency: () => call<Agency>('GET', 'v1/agency'),
}
