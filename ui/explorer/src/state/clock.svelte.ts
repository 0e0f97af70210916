/** Milliseconds since 1970 by this machine's clock, moving while somebody looks. */
let milliseconds = $state(Date.now())
setInterval(() => {
  if (!document.hidden) milliseconds = Date.now()
}, 500)

/** Returns this machine's time in milliseconds; reactive. */
export const now = (): number => milliseconds
