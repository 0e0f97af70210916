// Plays a handheld scanner: it types a text as a US keyboard does, and ends it with Enter.

const named = { ' ': 'Space', '-': 'Minus', '=': 'Equal', '.': 'Period', '/': 'Slash', ';': 'Semicolon', ',': 'Comma' }
const shifted = { $: 'Digit4', '%': 'Digit5', '*': 'Digit8', '+': 'Equal', ':': 'Semicolon', '?': 'Slash', '&': 'Digit7', _: 'Minus' }

function keyOf(character) {
  if (/[A-Z]/.test(character)) return { code: `Key${character}`, shiftKey: true }
  if (/[a-z]/.test(character)) return { code: `Key${character.toUpperCase()}`, shiftKey: false }
  if (/[0-9]/.test(character)) return { code: `Digit${character}`, shiftKey: false }
  const shiftKey = character in shifted
  return { code: shiftKey ? shifted[character] : named[character], shiftKey }
}

/** Types a text; with `inputMethod`, every key looks as it does while a Korean input method is composing. */
export async function scanByHand(page, text, { inputMethod = false } = {}) {
  const keys = [...text].map((character) => ({ ...keyOf(character), key: inputMethod ? 'Process' : character }))
  await page.evaluate((all) => {
    // A machine that is busy must not make the scanner slow.
    let at = performance.now()
    const typed = (type, init) => Object.defineProperty(new KeyboardEvent(type, init), 'timeStamp', { value: (at += 2) })
    for (const key of [...all, { code: 'Enter', key: 'Enter', shiftKey: false }]) {
      const init = { ...key, bubbles: true, cancelable: true }
      const target = document.activeElement ?? document.body
      if (target.dispatchEvent(typed('keydown', init)) && key.code === 'Enter') target.click?.()
      target.dispatchEvent(typed('keyup', init))
    }
  }, keys)
}
