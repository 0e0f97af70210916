import type { AccreditationView, Localized } from '@jumin/shared/types/explorer.ts'
import { api } from '../api'

/** How many accreditations are asked for at most: a page shows no more. */
const MAX_PAGES = 20

let names = $state.raw<Map<string, Localized>>(new Map())
let known = 0

/** Reads all accreditations, page by page; tells whether there are more than this page takes. */
export async function allAccreditations(): Promise<{ accreditations: AccreditationView[]; more: boolean; height: number }> {
  const accreditations: AccreditationView[] = []
  let after: string | null = null
  let height = 0
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await api.accreditations(after)
    accreditations.push(...answer.accreditations)
    height = answer.height
    after = answer.next
    if (after === null) break
  }
  learn(accreditations)
  return { accreditations, more: after !== null, height }
}

/** Takes the names from accreditations: of a DID with several, the newest counts. */
export function learn(accreditations: AccreditationView[]): void {
  const found = new Map(names)
  for (const { subject, grants } of accreditations) {
    const newest = grants.reduce<(typeof grants)[number] | undefined>((best, one) => (best && best.from > one.from ? best : one), undefined)
    if (newest) found.set(subject, newest.name)
  }
  names = found
}

/** Learns the names once, where a screen shows agencies; a failure leaves the identifiers as they are. */
export function wantNames(): void {
  if (Date.now() - known < 60_000) return
  known = Date.now()
  allAccreditations().catch(() => (known = 0))
}

/** The name under which a DID is accredited; reactive. */
export const nameOf = (did: string): Localized | undefined => names.get(did)
