// Plays one presentation with the wallet's real window and the counter's real page: `node demo.mjs FOLDER`.
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { executablePath, launch } from './lib/browser.mjs'
import { liveCamera, readCodes } from './lib/camera.mjs'
import { acceptOffer, agree, givePicture, makeWallet, readCode } from './lib/citizen.mjs'
import { openDesk } from './lib/desk.mjs'
import { startDesktop } from './lib/desktop.mjs'
import { startStack } from './lib/stack.mjs'

const folder = path.resolve(process.argv[2] ?? 'target/demo')
const needed = ['Xvfb', 'WebKitWebDriver', 'dbus-run-session', 'gnome-keyring-daemon']

const missing = needed.filter((name) => !process.env.PATH.split(':').some((place) => existsSync(path.join(place, name))))
if (!existsSync(executablePath)) missing.push('Chromium')
if (missing.length > 0) {
  console.log(`건너뜁니다: 이 컴퓨터에 ${missing.join(', ')} 없음 · Left out: ${missing.join(', ')} cannot be had on this machine`)
  process.exit(0)
}

await mkdir(folder, { recursive: true })
const stack = await startStack()
const desktop = await startDesktop()
const camera = await liveCamera(stack.path('camera.y4m'))
const counter = await launch({ cameraFrames: camera.file, viewport: { width: 1280, height: 900 } })
try {
  await play()
} finally {
  await counter.browser.close()
  await desktop.stop()
  await stack.stop()
}

async function play() {
  const offer = await stack.offer()
  const window = await desktop.open('--home', desktop.home(), '--network', await stack.networkFile(), offer.credential_offer_uri)
  await makeWallet(window, { until: 'offer' })
  await acceptOffer(window, offer.tx_code)
  console.log('지갑 창: 첫 실행부터 주민등록증 받기까지 · wallet window: from the first start to the card')

  const page = await openDesk(counter, stack, 'address')
  const request = await keep('counter-asks.png', await page.getByTestId('request-code').screenshot({ scale: 'device' }))
  if ((await readCodes(request.bytes)).length === 0) throw new Error('the counter shows no code')
  await givePicture(window, 'present', request.file)
  await agree(window)
  const code = await readCode(window)
  await keep('window-answers.png', await window.picture())
  console.log('지갑 창: 동의하고 QR을 보임 · wallet window: consent, then the code')

  await camera.hold({ text: code })
  const verdict = page.getByTestId('verdict')
  await verdict.waitFor({ timeout: 30_000 })
  await keep('counter-verdict.png', await page.screenshot())
  const word = await verdict.getAttribute('data-verdict')
  console.log(`창구 화면: 카메라로 읽음 · counter page, read by its camera: ${word}`)
  if (word !== 'valid') throw new Error(`the counter's page says ${word}`)
  console.log('그림 pictures: counter-asks.png, window-answers.png, counter-verdict.png')
}

async function keep(name, bytes) {
  const file = path.join(folder, name)
  await writeFile(file, bytes)
  return { file, bytes }
}
