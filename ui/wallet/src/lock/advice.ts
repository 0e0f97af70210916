export type Advice = 'sequence' | 'repeat' | 'date'

const steps = (text: string) => [...text].slice(1).map((letter, index) => letter.charCodeAt(0) - text.charCodeAt(index))

function isDate(digits: string): boolean {
  const short = /^(?:\d\d)?\d\d(\d\d)(\d\d)$/.exec(digits)
  if (!short) return false
  const [month, day] = [Number(short[1]), Number(short[2])]
  return month >= 1 && month <= 12 && day >= 1 && day <= 31
}

/** Finds what makes a PIN easy to guess; advice only. */
export function adviceOn(secret: string): Advice | null {
  if (secret.length < 4) return null
  const between = steps(secret)
  if (between.every((step) => step === 1) || between.every((step) => step === -1)) return 'sequence'
  if (new Set(secret).size <= 2 || /^(.{2,3})\1+$/.test(secret)) return 'repeat'
  return isDate(secret) ? 'date' : null
}
