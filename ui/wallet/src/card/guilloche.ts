/** Draws one closed, waved line around a centre: a strand of a banknote's rosette. */
function strand(x: number, y: number, radius: number, depth: number, waves: number, turn: number): string {
  const points = 180
  let path = ''
  for (let step = 0; step < points; step++) {
    const angle = (step / points) * 2 * Math.PI
    const reach = radius * (1 + depth * Math.cos(waves * angle + turn))
    path += `${step ? 'L' : 'M'}${(x + reach * Math.cos(angle)).toFixed(1)} ${(y + reach * Math.sin(angle)).toFixed(1)}`
  }
  return `${path}Z`
}

function rosette(x: number, y: number, radius: number, strands: number, waves: number): string {
  return Array.from({ length: strands }, (_, index) => {
    const turn = (index / strands) * 2 * Math.PI
    return strand(x, y, radius * (0.45 + (0.55 * (index + 1)) / strands), 0.16, waves, turn)
  }).join('')
}

/** Is the line work of a card, on 856 × 540. */
export const guilloche = rosette(720, 430, 330, 9, 9) + rosette(80, 40, 240, 6, 7)
