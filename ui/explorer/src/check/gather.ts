import { api } from '../api'
import { decode64 } from '../proof/bytes'
import type { Answer } from '../proof/check'
import { MAX_HANDOVERS, readHandover } from '../proof/trust'

/** Asks the node for a record and for the changes of validators since `epoch`; nothing of it is checked here. */
export async function gather(record: string, epoch: number): Promise<Answer> {
  const answer = await api.record(record)
  const handovers: string[] = []
  let from = epoch
  for (;;) {
    const page = await api.handovers(from)
    const found = Array.isArray(page.handovers) ? page.handovers : []
    handovers.push(...found)
    const next = found.length > 0 ? epochAfter(found.at(-1)!) : null
    if (next === null || next <= from || handovers.length > MAX_HANDOVERS) break
    from = next
  }
  return { ...answer, handovers }
}

/** The epoch that a handover leads to; null for what is none: the check says so. */
function epochAfter(handover: string): number | null {
  try {
    return Number(readHandover(decode64(handover, 'handover')).checkpoint.header.epoch) + 1
  } catch {
    return null
  }
}

/** Says from which epoch on a trust file has to be followed; 0 for what is none: the check says so. */
export function epochOf(trust: unknown): number {
  const epoch = (trust as { epoch?: unknown } | null)?.epoch
  return typeof epoch === 'number' && Number.isSafeInteger(epoch) && epoch >= 0 ? epoch : 0
}
