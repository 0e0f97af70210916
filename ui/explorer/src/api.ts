import type {
  Accreditations,
  BlockPage,
  Blocks,
  DidPage,
  ExplorerOverview,
  Handovers,
  HistoryPage,
  OperationPage,
  Proved,
  Validators,
} from '@jumin/shared/types/explorer.ts'

/** What an answer that isn't the one asked for comes down to; `code` is stable and names the text to show. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
  ) {
    super(code)
  }
}

const PATIENCE = 15_000

async function get<T>(path: string): Promise<T> {
  let response: Response
  try {
    response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE), credentials: 'omit', cache: 'no-store' })
  } catch {
    throw new ApiError('unreachable', 0)
  }
  if ([502, 504].includes(response.status)) throw new ApiError('unreachable', 0)
  const body = await response.json().catch(() => null)
  if (!response.ok) throw new ApiError(typeof body?.code === 'string' ? body.code : 'unexpected', response.status)
  if (body === null) throw new ApiError('answer_not_json', response.status)
  return body as T
}

function query(values: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== '')
  const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString()
  return text && `?${text}`
}

const part = encodeURIComponent

export const api = {
  overview: () => get<ExplorerOverview>('v1/overview'),
  validators: () => get<Validators>('v1/validators'),
  blocks: (before: number | null, limit: number) => get<Blocks>(`v1/blocks${query({ before, limit })}`),
  block: (height: number) => get<BlockPage>(`v1/blocks/${height}`),
  operation: (hash: string) => get<OperationPage>(`v1/operations/${part(hash)}/detail`),
  did: (did: string) => get<DidPage>(`v1/dids/${part(did)}`),
  history: (did: string, before: string | null) => get<HistoryPage>(`v1/dids/${part(did)}/history${query({ before, limit: 25 })}`),
  accreditations: (after: string | null) => get<Accreditations>(`v1/accreditations${query({ after, limit: 100 })}`),
  record: (key: string) => get<Proved>(`v1/records/${part(key)}`),
  handovers: (from: number) => get<Handovers>(`v1/handovers${query({ from })}`),
  network: () => get<unknown>('v1/network'),
}
