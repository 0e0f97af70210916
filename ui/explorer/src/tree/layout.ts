import { hierarchy, tree, type HierarchyPointNode } from 'd3-hierarchy'
import type { TreeNode } from './tree'

export const BOX = { width: 208, height: 58 }
const GAP = { column: 44, row: 12 }
const MARGIN = 8

/** Where a node stands, in pixels. */
export interface Placed {
  node: TreeNode
  depth: number
  x: number
  y: number
  parent: string | null
}

export interface Picture {
  width: number
  height: number
  placed: Placed[]
  /** The lines from a node to those below it, as SVG paths. */
  lines: { id: string; path: string; holds: boolean }[]
}

/** Lays a tree out from left to right, a column for each generation. */
export function layout(root: TreeNode): Picture {
  const spaced = tree<TreeNode>()
    .nodeSize([BOX.height + GAP.row, BOX.width + GAP.column])
    .separation(() => 1)
  const laid = spaced(hierarchy(root))
  const nodes = laid.descendants()
  const top = Math.min(...nodes.map(({ x }) => x))
  const place = (one: HierarchyPointNode<TreeNode>): Placed => ({
    node: one.data,
    depth: one.depth,
    // The layout grows downwards; the picture to the right.
    x: one.y + MARGIN,
    y: one.x - top + MARGIN,
    parent: one.parent?.data.id ?? null,
  })
  const placed = nodes.map(place)
  const lines = laid.links().map(({ source, target }) => {
    const [from, to] = [place(source), place(target)]
    const [x, y] = [from.x + BOX.width, from.y + BOX.height / 2]
    const [endX, endY] = [to.x, to.y + BOX.height / 2]
    const middle = (x + endX) / 2
    return { id: target.data.id, path: `M${x} ${y}C${middle} ${y} ${middle} ${endY} ${endX} ${endY}`, holds: target.data.holds }
  })
  return {
    width: Math.max(...placed.map(({ x }) => x)) + BOX.width + MARGIN,
    height: Math.max(...placed.map(({ y }) => y)) + BOX.height + MARGIN,
    placed,
    lines,
  }
}
