import type { Activity, Agency } from '@jumin/shared/types/wallet.ts'

/** Orders agencies for choosing: those that something was shown to first, the latest one on top; then as they came. */
export function recentFirst(agencies: Agency[], past: Activity[]): Agency[] {
  const latest = new Map<string, number>()
  for (const { party, at } of past) {
    if (party) latest.set(party.id, Math.max(at, latest.get(party.id) ?? 0))
  }
  const at = (agency: Agency) => latest.get(agency.did) ?? latest.get(`decentralized_identifier:${agency.did}`) ?? 0
  return [...agencies].sort((a, b) => at(b) - at(a))
}

/** Keeps the agencies whose name, in either language, has every word of a search. */
export function matching(agencies: Agency[], search: string): Agency[] {
  const plain = (text: string) => text.normalize('NFC').toLocaleLowerCase()
  const words = plain(search).split(/\s+/).filter(Boolean)
  return agencies.filter(({ name }) => words.every((word) => plain(`${name.ko} ${name.en}`).includes(word)))
}
