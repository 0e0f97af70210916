import { t } from '@jumin/shared'
import { party } from '../words'
import type { TreeNode } from './tree'

/** Names a node, as a heading does. */
export const titleOf = (node: TreeNode): string =>
  node.who === 'governance' ? t('governance.title') : party(node.who, node.name)

/** Shortens a text to so many columns: a Korean syllable takes two. */
export function clip(text: string, columns: number): string {
  let used = 0
  const characters = [...text]
  const end = characters.findIndex((character) => (used += character.charCodeAt(0) > 0x1100 ? 2 : 1) > columns)
  return end < 0 ? text : `${characters.slice(0, end - 1).join('')}…`
}

/** Names a node's roles, each once. */
export function rolesOf(node: TreeNode): string {
  return [...new Set(node.grants.map(({ role }) => role))].map((role) => t(`role.${role}`)).join(' · ')
}

/** Says in a word how a node stands, and why nothing of it holds. */
export function state(node: TreeNode): string {
  if (node.holds) return t('grant_state.in_force')
  // What was taken away says more than what ran out.
  const standings = node.grants.map(({ standing }) => standing)
  const telling = (['unknown', 'deactivated', 'not_created', 'above', 'ended', 'later'] as const).find((one) => standings.includes(one))
  return t(`grant_state.${telling ?? 'ran_out'}`)
}

/** Says a node as a screen reader reads it. */
export function spoken(node: TreeNode): string {
  const name = titleOf(node)
  if (node.who === 'governance') return t('tree.spoken_root', { name, count: node.children.length })
  return t('tree.spoken', { name, roles: rolesOf(node), state: state(node), count: node.children.length })
}
