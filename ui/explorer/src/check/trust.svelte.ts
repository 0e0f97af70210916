/** The trust file that the reader chose: it holds for every check until the page is closed. */
let chosen = $state.raw<{ name: string; content: unknown } | null>(null)
const MAX_BYTES = 64 * 1024

export const trusted = {
  get file() {
    return chosen
  },
  /** Takes a file in; tells whether it is JSON at all. */
  async take(file: File): Promise<boolean> {
    if (file.size > MAX_BYTES) return false
    try {
      chosen = { name: file.name, content: JSON.parse(await file.text()) }
      return true
    } catch {
      return false
    }
  },
  forget() {
    chosen = null
  },
}
