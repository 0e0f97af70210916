/** A QR code as the programs draw it: `modules` a side, and the dark ones as one SVG path in units of a module. */
export interface CodeDrawing {
  modules: number
  path: string
}
