// Opens our pages in Debian's Chromium, and gathers what no page may do.
import { chromium } from 'playwright-core'

/** Where Chromium is. */
export const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * Opens a browser; its context collects violations of the content security policy, uncaught errors and errors on the
 * console, and `close` fails if there were any.
 *
 * - `cameraFrames`: a Y4M file that the fake camera plays (see camera.mjs); `camera: 'refused'` for a camera that people
 *   don't allow; without both there is no camera.
 * - `allow`: patterns of console errors that a test expects. Answers of 4xx and 5xx are never counted: pages must
 *   show them, and tests look there.
 * - All else (`locale`, `colorScheme`, `viewport`, …) goes to Playwright's context.
 */
export async function launch({ cameraFrames, camera, allow = [], ...options } = {}) {
  const args = cameraFrames
    ? [...QUIET, '--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${cameraFrames}`]
    : camera === 'refused'
      ? [...QUIET, '--use-fake-device-for-media-stream', '--deny-permission-prompts']
      : QUIET
  const browser = await chromium.launch({ executablePath, args })
  const permissions = cameraFrames ? ['camera'] : []
  const context = await browser.newContext({ locale: 'ko-KR', timezoneId: 'Asia/Seoul', permissions, ...options })
  context.setDefaultTimeout(20_000)
  const problems = []
  await collect(context, problems, [/Failed to load resource/, ...allow])
  return {
    browser,
    context,
    problems,
    /** Opens a page at an address. */
    async open(url) {
      const page = await context.newPage()
      await page.goto(url)
      return page
    },
    /** Ends the browser, and fails if a page did what it may not. */
    async close() {
      await browser.close()
      if (problems.length > 0) throw new Error(`the pages did what they may not:\n${problems.join('\n')}`)
    },
  }
}

async function collect(context, problems, allow) {
  await context.exposeBinding('__violation', (_source, violation) => problems.push(`CSP: ${violation}`))
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      globalThis.__violation(`${event.violatedDirective} ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`)
    })
  })
  context.on('weberror', (error) => problems.push(`uncaught: ${error.error().stack ?? error.error()}`))
  context.on('console', (message) => {
    const text = message.text()
    if (message.type() === 'error' && !allow.some((pattern) => pattern.test(text))) problems.push(`console: ${text}`)
  })
}
