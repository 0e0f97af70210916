/** Seconds since 1970, moving while somebody looks. */
let seconds = $state(Math.floor(Date.now() / 1000))
setInterval(() => (seconds = Math.floor(Date.now() / 1000)), 500)

/** Returns the time, seconds since 1970; reactive, by the second. */
export const now = (): number => seconds
