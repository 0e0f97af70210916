import type { AccreditationView, GrantView, Localized } from '@jumin/shared/types/explorer.ts'

/** How a grant stands, as the node judges it; `above` where not it but something above it was taken away. */
export type GrantStanding = 'in_force' | 'later' | 'ran_out' | 'ended' | 'above' | 'deactivated' | 'not_created' | 'unknown'

const codes: readonly string[] = ['in_force', 'later', 'ran_out', 'ended', 'deactivated', 'not_created']

export const GOVERNANCE = 'governance'

/** Tells how a grant stands; `subject` is how the agency's DID stands. The node knows the rules of the ledger. */
export function standingOf(grant: GrantView, subject = 'active'): GrantStanding {
  const own = grant.standing === 'deactivated' ? subject === 'deactivated' : grant.ended !== null
  if ((grant.standing === 'ended' || grant.standing === 'deactivated') && !own) return 'above'
  return codes.includes(grant.standing) ? (grant.standing as GrantStanding) : 'unknown'
}

export interface HeldGrant extends Omit<GrantView, 'standing'> {
  role: string
  /** The record that has it. */
  record: string
  standing: GrantStanding
}

/** An agency below the one that accredited it. */
export interface TreeNode {
  /** Unique in the tree; an agency accredited by two stands below both. */
  id: string
  /** The DID, or `governance` for the root. */
  who: string
  name: Localized | null
  grants: HeldGrant[]
  /** `active`, `deactivated` or `absent`. */
  standing: string
  /** Whether one of its grants holds, with everything that it hangs below. */
  holds: boolean
  /** Whether it stands elsewhere with what hangs below it. */
  reference: boolean
  children: TreeNode[]
}

interface Group {
  by: string
  subject: string
  standing: string
  grants: HeldGrant[]
}

/** Gathers the grants that one party gave another. */
function groups(accreditations: AccreditationView[]): Map<string, Group> {
  const found = new Map<string, Group>()
  for (const { key, subject, role, standing, grants } of accreditations) {
    for (const grant of grants) {
      const id = `${grant.by} ${subject}`
      const group = found.get(id) ?? { by: grant.by, subject, standing, grants: [] }
      group.grants.push({ ...grant, role, record: key, standing: standingOf(grant, standing) })
      found.set(id, group)
    }
  }
  return found
}

/** Of several that accredited an agency, the one below which it stands with what hangs below it. */
function rank(group: Group): number {
  const accredits = group.grants.filter(({ role }) => role === 'accreditor')
  if (accredits.some(({ standing }) => standing === 'in_force')) return 3
  if (group.grants.some(({ standing }) => standing === 'in_force')) return 2
  return accredits.length > 0 ? 1 : 0
}

const nameOf = (grants: HeldGrant[]): Localized | null =>
  grants.reduce<HeldGrant | null>((best, one) => (best && best.from > one.from ? best : one), null)?.name ?? null

/** Builds the tree of accreditations: governance on top. */
export function build(accreditations: AccreditationView[]): TreeNode {
  const all = [...groups(accreditations).values()]
  const home = new Map<string, Group>()
  for (const group of all) {
    const held = home.get(group.subject)
    if (!held || rank(group) > rank(held)) home.set(group.subject, group)
  }
  const below = new Map<string, Group[]>()
  for (const group of all) below.set(group.by, [...(below.get(group.by) ?? []), group])
  const seen = new Set<string>([GOVERNANCE])

  const node = (group: Group): TreeNode => {
    const reference = home.get(group.subject) !== group || seen.has(group.subject)
    if (!reference) seen.add(group.subject)
    return {
      id: `${group.by}-${group.subject}`,
      who: group.subject,
      name: nameOf(group.grants),
      grants: group.grants,
      standing: group.standing,
      holds: group.grants.some(({ standing }) => standing === 'in_force'),
      reference,
      children: reference ? [] : children(group.subject),
    }
  }
  const children = (who: string): TreeNode[] => (below.get(who) ?? []).map(node).sort(byName)
  return {
    id: GOVERNANCE,
    who: GOVERNANCE,
    name: null,
    grants: [],
    standing: 'active',
    holds: true,
    reference: false,
    children: children(GOVERNANCE),
  }
}

const byName = (one: TreeNode, other: TreeNode): number => (one.name?.ko ?? '').localeCompare(other.name?.ko ?? '', 'ko')

/** Lists a tree's nodes in the order in which they are read. */
export const flat = (root: TreeNode): TreeNode[] => [root, ...root.children.flatMap(flat)]
