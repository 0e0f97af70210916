// Measures the faces as people wait for them; prints rows for the table of `make bench` as JSON.
import { writeFile } from 'node:fs/promises'
import { launch } from './lib/browser.mjs'
import { liveCamera, qrPicture } from './lib/camera.mjs'
import { acceptOffer, agree, givePicture, goHome, makeWallet, readCode } from './lib/citizen.mjs'
import { openDesk } from './lib/desk.mjs'
import { startDesktop } from './lib/desktop.mjs'
import { faces, weigh } from './lib/sizes.mjs'
import { startOf } from './lib/process.mjs'
import { startStack } from './lib/stack.mjs'
import { until } from './lib/window.mjs'

const ROUNDS = 7
const KILOBYTE = 1024
const rows = []

/** Adds what was measured beside its goal. */
function row(path, unit, value, goal) {
  rows.push({ path, who: 'jumin', unit, value, bound: goal, ratio: value / goal })
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

const stack = await startStack()
const desktop = await startDesktop()
try {
  const codes = await measureWallet()
  await measureCounter(codes)
  for (const face of faces) row(`${face} page, scripts and styles (gzip)`, 'kB', (await weigh(face)).code / KILOBYTE, 250)
} finally {
  await desktop.stop()
  await stack.stop()
}
console.log(JSON.stringify(rows))

async function measureWallet() {
  const args = ['--home', desktop.home(), '--network', await stack.networkFile()]
  const window = await desktop.open(...args)
  await makeWallet(window)
  const adults = await stack.adults()
  const offer = await stack.offer(adults[0].id)
  await givePicture(window, 'accept', await picture('offer', offer.credential_offer_uri))
  await acceptOffer(window, offer.tx_code)
  const shown = []
  const codes = []
  for (let round = 0; round < ROUNDS; round += 1) {
    await givePicture(window, 'present', await stack.counterRequest('address', `bench-${round}.png`))
    await agree(window)
    codes.push(await readCode(window))
    shown.push(await window.run(`const at = (name) => performance.getEntriesByName(name).at(-1).startTime
      return at('answer:shown') - at('answer:start')`))
    await goHome(window)
  }
  await window.close()
  const started = []
  for (let round = 0; round < ROUNDS; round += 1) started.push(await startTime(args))
  row('wallet: program start to unlock screen', 'ms', median(started), 1000)
  row('wallet: agreed to code on the screen', 'ms', median(shown), 100)
  return codes
}

/** Milliseconds from the start of the process to the first paint, which is the unlock screen. */
async function startTime(args) {
  const window = await desktop.open(...args)
  try {
    await window.find('unlock')
    const painted = await until('the paint is known', () =>
      window.run(`const paint = performance.getEntriesByName('first-contentful-paint')[0]
        return paint && performance.timeOrigin + paint.startTime`))
    return painted - (await startOf(await window.process()))
  } finally {
    await window.close()
  }
}

async function measureCounter(codes) {
  const camera = await liveCamera(stack.path('camera.y4m'))
  const desk = await launch({ cameraFrames: camera.file })
  const page = await openDesk(desk, stack, 'address')
  await page.locator('[data-testid="camera"][data-state="on"]').waitFor().catch(() => {})
  await page.evaluate(() => {
    globalThis.decided = () =>
      new Promise((resolve) => {
        const look = () => document.querySelector('[data-testid="verdict"]') && requestAnimationFrame(() => setTimeout(() => resolve(Date.now())))
        new MutationObserver(look).observe(document.body, { childList: true, subtree: true })
      })
  })
  const byCamera = []
  const byHand = []
  const half = Math.ceil(codes.length / 2)
  for (const code of codes.slice(0, half)) {
    const verdict = page.evaluate(() => globalThis.decided())
    const seen = performance.timeOrigin + (await camera.hold({ text: code }))
    byCamera.push((await verdict) - seen)
    await camera.hold()
    await page.keyboard.press('F2')
    await page.getByTestId('verdict').waitFor({ state: 'detached' })
  }
  for (const code of codes.slice(half)) {
    byHand.push(await page.evaluate(paste, code))
    await page.keyboard.press('F2')
    await page.getByTestId('verdict').waitFor({ state: 'detached' })
  }
  await desk.close()
  row('counter page: code in view to verdict', 'ms', median(byCamera), 300)
  row('counter page: text of a code to verdict', 'ms', median(byHand), 20)
}

async function paste(code) {
  const clipboardData = new DataTransfer()
  clipboardData.setData('text/plain', code)
  const verdict = globalThis.decided()
  const at = Date.now()
  document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  return (await verdict) - at
}

async function picture(name, text) {
  const file = stack.path(`${name}.png`)
  await writeFile(file, await qrPicture(text))
  return file
}
