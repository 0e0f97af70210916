/** Ticks while a screen is in view: `now` in seconds since 1970, to a quarter of a second. Call it while a component starts. */
export function ticking(): { readonly now: number } {
  let now = $state(Date.now() / 1000)
  $effect(() => {
    const timer = setInterval(() => (now = Date.now() / 1000), 250)
    return () => clearInterval(timer)
  })
  return {
    get now() {
      return now
    },
  }
}
