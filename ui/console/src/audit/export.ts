import type { AuditEntry } from '@jumin/shared/types/console.ts'
import { api } from '../api'

const PAGE = 500

/** Reads the whole trail, oldest first. */
export async function wholeTrail(): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = []
  for (;;) {
    const page = (await api.audit(entries.at(-1)?.seq ?? null, PAGE)).entries
    entries.push(...page)
    if (page.length < PAGE) return entries.reverse()
  }
}

/** Saves the whole trail and the report about its chain as one JSON file; returns how many entries it has. */
export async function exportAudit(): Promise<number> {
  const entries = await wholeTrail()
  const report = await api.verifyAudit()
  const exported_at = new Date().toISOString()
  const text = JSON.stringify({ exported_at, report, entries }, null, 2)
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `audit-${exported_at.slice(0, 10)}.json`
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
  return entries.length
}
