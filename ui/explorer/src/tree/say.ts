import { t } from '@jumin/shared'
import { party } from '../words'
import type { TreeNode } from './tree'

/** Names a node's roles, each once. */
export function rolesOf(node: TreeNode): string {
  return [...new Set(node.grants.map(({ role }) => role))].map((role) => t(`role.${role}`)).join(' · ')
}

/** Says in a word how a node stands, and why nothing of it holds. */
export function state(node: TreeNode): string {
  if (node.holds) return t('grant_state.holds')
  // What was taken away says more than what ran out.
  const standings = node.grants.map(({ standing }) => standing)
  const telling = (['deactivated', 'absent', 'above', 'ended', 'not_yet'] as const).find((one) => standings.includes(one))
  return t(`grant_state.${telling ?? 'expired'}`)
}

/** Says a node as a screen reader reads it. */
export function spoken(node: TreeNode): string {
  const name = party(node.who, node.name)
  if (node.who === 'governance') return t('tree.spoken_root', { name, count: node.children.length })
  return t('tree.spoken', { name, roles: rolesOf(node), state: state(node), count: node.children.length })
}
