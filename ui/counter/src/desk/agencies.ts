import { pick, t } from '@jumin/shared'
import type { AgencyTrouble } from '@jumin/shared/types/counter.ts'

/** How many agencies a warning names; of the others it tells the number. */
export const NAMED = 3

/** Names the first of the agencies of which something is missing, each with what is wrong. */
export function named(troubled: readonly AgencyTrouble[]): string {
  const name = (one: AgencyTrouble) => t(`agencies.${one.trouble}`, { name: pick(one.name) || t('agencies.unnamed') })
  return troubled.slice(0, NAMED).map(name).join(', ')
}
