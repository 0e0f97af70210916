/** Printable keys of the US layout by their place: without and with Shift. */
const keys: Record<string, string> = {
  Space: '  ', Minus: '-_', Equal: '=+', BracketLeft: '[{', BracketRight: ']}', Backslash: '\\|', Semicolon: ';:',
  Quote: '\'"', Backquote: '`~', Comma: ',<', Period: '.>', Slash: '/?', NumpadDivide: '//', NumpadMultiply: '**',
  NumpadSubtract: '--', NumpadAdd: '++', NumpadDecimal: '..',
}
const shiftedDigits = ')!@#$%^&*('

/** Tells the character that a key of the US layout writes; null for a key that writes none. */
export function layout(code: string, shift: boolean): string | null {
  const letter = /^Key([A-Z])$/.exec(code)?.[1]
  if (letter) return shift ? letter : letter.toLowerCase()
  const digit = /^(Digit|Numpad)([0-9])$/.exec(code)
  if (digit) return shift && digit[1] === 'Digit' ? shiftedDigits[Number(digit[2])]! : digit[2]!
  const pair = Object.hasOwn(keys, code) ? keys[code]! : null
  return pair ? pair[shift ? 1 : 0]! : null
}
