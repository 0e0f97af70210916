import type { ClerkDecision, Mode, OfficeStatus, Problem, ScanAnswer, ServiceInfo, Started } from '@jumin/shared/types/counter.ts'

/** Says that the counter's program did not answer: it will be tried again. */
export class Unreachable extends Error {}

/** Says that the counter refused a call; `code` is stable. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
  ) {
    super(code)
  }
}

const WAIT = 15_000

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(WAIT) }
  let response: Response
  try {
    response = await fetch(`/v1${path}`, init)
  } catch {
    throw new Unreachable(path)
  }
  if (response.status === 204) return undefined as T
  const answer: unknown = await response.json().catch(() => null)
  if (response.ok && answer !== null) return answer as T
  // An answer that is none of ours: something stands between the page and the counter.
  const problem = answer as Partial<Problem> | null
  if (!problem?.code) throw new Unreachable(path)
  throw new Refused(problem.code, response.status)
}

/** Is what was read, and for whom. */
export interface ScanBody {
  text: string
  desk: string
  showing: string[]
  service: string
}

export const api = {
  /** Lets this browser in by the code of a link, which is good for once. */
  signIn: (code: string) => call<undefined>('POST', '/session', { code }),
  signOut: () => call<undefined>('DELETE', '/session'),
  status: () => call<OfficeStatus>('GET', '/status'),
  services: () => call<ServiceInfo[]>('GET', '/services'),
  start: (service: string, mode: Mode) => call<Started>('POST', '/requests', { service, mode }),
  scan: (body: ScanBody) => call<ScanAnswer>('POST', '/scans', body),
  rule: (outcome: string, accept: boolean) =>
    call<ClerkDecision>('POST', `/outcomes/${encodeURIComponent(outcome)}/${accept ? 'accept' : 'refuse'}`),
  forget: (request: string) => call<undefined>('DELETE', `/requests/${encodeURIComponent(request)}/outcome`),
}
