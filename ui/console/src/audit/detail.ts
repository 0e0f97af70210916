import type { AuditEntry } from '@jumin/shared/types/console.ts'
import { address } from '../state/router.svelte'

function shown(value: unknown): string {
  if (typeof value === 'string') return value
  return Array.isArray(value) ? value.map(shown).join(', ') : JSON.stringify(value)
}

/** Reads the detail of an entry as pairs to show; text that isn't a JSON object is one pair without a name. */
export function detailPairs(detail: string): [string, string][] {
  try {
    const value: unknown = JSON.parse(detail)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return Object.entries(value).map(([key, one]) => [key, shown(one)])
    }
  } catch {
    // Shown as it stands below.
  }
  return detail && detail !== 'null' ? [['', detail]] : []
}

/** Says where the subject of an entry has a page; null where it has none. */
export function subjectAddress({ action, subject }: Pick<AuditEntry, 'action' | 'subject'>): string | null {
  // A list that showed one resident is a look at that one.
  const list = action === 'resident.search' || action === 'credential.list'
  if (list) return subject === 'register' || subject === 'credentials' ? null : address.resident(subject)
  if (action === 'resident.view' || action.startsWith('offer.')) return address.resident(subject)
  if (/^credential\.(issue|view|suspend|reinstate|revoke)$/.test(action)) return address.credential(subject)
  return null
}
