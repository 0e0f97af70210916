import { t } from '@jumin/shared'
import { party } from '../words'
import type { TreeNode } from './tree'

/** Names a node's roles, each once. */
export function rolesOf(node: TreeNode): string {
  return [...new Set(node.grants.map(({ role }) => role))].map((role) => t(`role.${role}`)).join(' · ')
}

/** Says in a word why nothing of a node holds. */
export function state(node: TreeNode): string {
  if (node.holds) return t('node_state.holds')
  if (node.standing !== 'active') return t(`standing.${node.standing}`)
  const own = node.grants.find(({ standing }) => standing === 'holds')
  // Its own grants hold, so what is above it doesn't.
  if (own) return t('node_state.above')
  return t(`grant_state.${node.grants.at(-1)?.standing ?? 'ended'}`)
}

/** Says a node as a screen reader reads it. */
export function spoken(node: TreeNode): string {
  const name = party(node.who, node.name)
  if (node.who === 'governance') return t('tree.spoken_root', { name, count: node.children.length })
  return t('tree.spoken', { name, roles: rolesOf(node), state: state(node), count: node.children.length })
}
