import type { Activity } from '@jumin/shared/types/wallet.ts'

const DAY = 86_400
/** Korea keeps one time all the year, nine hours ahead. */
const dayOf = (at: number) => Math.floor((at + 9 * 3600) / DAY)

/** Is a day's entries; `at` is the newest one's time. */
export interface ActivityDay {
  at: number
  when: 'today' | 'yesterday' | null
  entries: Activity[]
}

/** Puts entries, the newest first, together by Korean days. */
export function byDay(entries: Activity[], now: number): ActivityDay[] {
  const days: ActivityDay[] = []
  for (const entry of entries) {
    const last = days.at(-1)
    if (last && dayOf(last.at) === dayOf(entry.at)) last.entries.push(entry)
    else days.push({ at: entry.at, when: named(dayOf(now) - dayOf(entry.at)), entries: [entry] })
  }
  return days
}

function named(ago: number): ActivityDay['when'] {
  return ago === 0 ? 'today' : ago === 1 ? 'yesterday' : null
}
