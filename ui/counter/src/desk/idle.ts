const signs = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const

/** Calls back once nobody did anything for so many milliseconds, and again after each further such time; returns what ends it. */
export function watchIdle(milliseconds: number, then: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>
  const begin = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      then()
      begin()
    }, milliseconds)
  }
  for (const sign of signs) addEventListener(sign, begin, { capture: true, passive: true })
  begin()
  return () => {
    clearTimeout(timer)
    for (const sign of signs) removeEventListener(sign, begin, { capture: true })
  }
}
