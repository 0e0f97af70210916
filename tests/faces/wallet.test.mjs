// The wallet's real window, from the first start to a code that a real counter accepts.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { qrPicture } from './lib/camera.mjs'
import {
  PASSPHRASE, PIN, acceptOffer, agree, givePicture, goHome, lock, makeWallet, pasteLink, readCode, showOneWay, texts, unlock,
} from './lib/citizen.mjs'
import { startDesktop } from './lib/desktop.mjs'
import { startStack } from './lib/stack.mjs'
import { startStranger } from './lib/stranger.mjs'
import { until } from './lib/window.mjs'

const WRONG_PIN = '999999'
let stack
let network
let desktop
let home
let window
let english
let resident
const desktops = []

async function anotherDesktop(options) {
  const other = await startDesktop(options)
  desktops.push(other)
  return other
}

/** Checks a screen for people with disabilities. */
const look = (name) => window.check(name)

before(async () => {
  stack = await startStack()
  network = await stack.networkFile()
  desktop = await anotherDesktop()
  home = desktop.home()
  resident = (await stack.adults())[0]
})

after(async () => {
  for (const each of desktops) await each.stop()
  await stack?.stop()
})

test('without a keyring a passphrase protects the wallet, in English too', async () => {
  const other = await anotherDesktop({ keyring: false })
  english = await other.open('--home', other.home(), '--network', network)
  await makeWallet(english, { language: 'en', secret: PASSPHRASE, look: (name) => english.check(`${name}, English`) })
  await english.says((await texts('en'))['home.empty.title'])
  await lock(english)
  await unlock(english, PASSPHRASE)
  await english.click('tab-settings')
  await english.find('change-secret')
  await english.check('settings, English')
  // For the last test: the shortest time there is runs while the others do their work.
  await english.run(`document.querySelector('input[type="radio"][value="1"]').click()`)
  assert.deepEqual(await english.violations(), [])
})

test('first start leads from the language to an empty wallet', async () => {
  window = await desktop.open('--home', home, '--network', network)
  await makeWallet(window, { language: 'ko', look })
  assert.equal(await window.run('return document.documentElement.lang'), 'ko')
})

test('link given to a second start arrives in the first window and becomes a document', async () => {
  const offer = await stack.offer(resident.id)
  const second = await desktop.start('--home', home, offer.credential_offer_uri)
  assert.equal(second.code, 0, second.stderr)
  await acceptOffer(window, offer.tx_code, look)
  await window.click('open-document')
})

test('card page is checked against the ledger and masks the number until asked', async () => {
  const status = await window.find('status')
  await until('the status is known', async () => (await status.getAttribute('data-status')) === 'valid')
  const masked = await window.find('masked')
  assert.match(await masked.getText(), /^\d{6}-\d\*{6}$/)
  assert.doesNotMatch(await window.html(), /\d{6}-?\d{7}/)
  await look('card')
  await window.press('masked')
  await until('the number is in view', async () => /^\d{6}-\d{7}$/.test(await masked.getText()))
  await window.press('masked')
  assert.match(await masked.getText(), /\*{6}$/)
})

test('code that the window shows is accepted by the counter', async () => {
  const request = await stack.counterRequest('address')
  await givePicture(window, 'present', request)
  await agree(window, look)
  await look('code')
  const outcome = await scan(await readCode(window))
  assert.equal(outcome.verdict, 'valid', JSON.stringify(outcome))
  await window.click('qr-done')
  await window.find('summary')
  await look('summary')
})

test('one-way code is drawn anew, and the new one is accepted', async () => {
  await showOneWay(window, stack.env.COUNTER_DID, 'age-19')
  const first = await readCode(window)
  const second = await until('the code is drawn anew', async () => (await window.codes()).find((code) => code !== first), 40_000)
  assert.equal((await scan(second)).verdict, 'valid')
})

test('portrait goes over in moving frames', async () => {
  await givePicture(window, 'present', await stack.counterRequest('identity-photo'))
  await agree(window)
  const frames = new Set()
  const outcome = await until('the counter has all frames', async () => {
    const before = frames.size
    for (const code of await window.codes()) frames.add(code)
    if (frames.size === before) return undefined
    const answer = await stack.counter('POST', '/v1/scans', { texts: [...frames], desk: 'moving' })
    return answer.progress ? undefined : answer
  }, 60_000)
  assert.ok(frames.size > 1, `${frames.size} frames`)
  assert.equal(outcome.verdict, 'valid', JSON.stringify(outcome))
  await window.click('qr-done')
})

test('activity tells what was shown to whom', async () => {
  await goHome(window)
  await window.click('tab-activity')
  await until('all is listed', async () => (await window.all('activity-item')).length >= 4)
  await look('activity')
  await window.type('search', 'no such office')
  await until('nothing is found', async () => (await window.all('activity-item')).length === 0)
})

test('wrong transaction code leaves the offer open for the right one', async () => {
  const offer = await stack.offer(resident.id, 'individual-register')
  await pasteLink(window, 'accept', offer.credential_offer_uri)
  await window.click('accept')
  await window.type('transaction-code', wrong(offer.tx_code))
  await window.click('accept')
  assert.equal(await window.problem(), 'offer_refused')
  await look('wrong transaction code')
  await window.type('transaction-code', offer.tx_code)
  await window.click('accept')
  await window.find('accepted')
})

test('used offer says so and loses nothing', async () => {
  const offer = await stack.offer(resident.id)
  const citizen = await stack.wallet('other')
  await citizen.accept(offer)
  await pasteLink(window, 'accept', offer.credential_offer_uri)
  await window.until(['offer', 'problem'])
  if (await window.has('offer')) {
    await window.click('accept')
    await window.type('transaction-code', offer.tx_code)
    await window.click('accept')
  }
  assert.match(await window.problem(), /^offer_/)
  await goHome(window)
  await until('both documents are there', async () => (await window.all('card-face')).length === 2)
})

test('damaged links and foreign codes are told apart from ours', async () => {
  await pasteLink(window, 'accept', 'openid-credential-offer://?credential_offer=%7Bnot+json')
  assert.ok(await window.problem())
  await look('damaged link')
  const folder = await mkdtemp(path.join(tmpdir(), 'jumin-foreign-'))
  try {
    const picture = path.join(folder, 'foreign.png')
    await writeFile(picture, await qrPicture('https://example.com/not-ours'))
    await givePicture(window, 'present', picture)
    assert.ok(await window.problem())
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('lock leaves nothing of the documents in the page, and wrong PINs count', async () => {
  assert.deepEqual(await window.violations(), [])
  await lock(window)
  await look('locked')
  const html = await window.html()
  for (const trace of [resident.name, 'data:image/']) {
    assert.ok(!html.includes(trace), `${trace} is still there`)
  }
  for (const left of [9, 8]) {
    await window.type('unlock-secret', WRONG_PIN)
    await window.click('unlock')
    await window.says(String(left))
  }
  await look('wrong PIN')
  await unlock(window)
})

test('link that comes while the wallet is locked waits for the PIN', async () => {
  await lock(window)
  const offer = await stack.offer(resident.id)
  await desktop.start('--home', home, offer.credential_offer_uri)
  assert.ok(!(await window.has('offer')))
  await window.type('unlock-secret', PIN)
  await window.click('unlock')
  await window.find('offer')
  await window.click('back')
})

test('with the network gone documents are shown all the same', async () => {
  const offer = await stack.offer(resident.id)
  const request = await stack.counterRequest('age-19')
  await stack.tell('cut')
  try {
    await pasteLink(window, 'accept', offer.credential_offer_uri)
    assert.ok(await window.problem())
    await look('network gone')
    await givePicture(window, 'present', request)
    await agree(window)
    assert.equal((await scan(await readCode(window))).verdict, 'valid')
  } finally {
    await stack.tell('restore')
  }
})

test('offer of an agency that is not accredited is refused in plain words', async () => {
  const offer = await stack.offer(resident.id)
  await stack.tell('end-accreditation issuer')
  try {
    await pasteLink(window, 'accept', offer.credential_offer_uri)
    await window.find('not-accredited')
    assert.ok(!(await window.has('accept')))
    await look('not accredited')
  } finally {
    await stack.tell('accredit issuer')
  }
})

test('no command of the window sends a code to a server that is not proven', async () => {
  const listed = await readFile(path.join(import.meta.dirname, '../../wallet-app/src/commands/mod.rs'), 'utf8')
  const commands = [...listed.matchAll(/^ +[a-z]+::([a-z_]+),$/gm)].map(([, name]) => name)
  assert.ok(commands.includes('accept_offer') && commands.length > 30, commands.join(' '))
  const stranger = await startStranger()
  try {
    // Each command finds in what it is given whatever it asks for; nothing here destroys the wallet.
    const values = {
      text: stranger.link, transactionCode: '135790', id: 'x', path: 'name', document: null, search: null,
      agency: stack.env.COUNTER_DID, service: 'age-19', acceptUnknown: true, reuse: true, confirmed: false,
      secret: PIN, old: PIN, new: PIN, keyring: true, preferences: { language: 'ko', theme: 'system', lock_minutes: 5 },
    }
    const last = ['lock']
    for (const name of [...commands.filter((name) => !last.includes(name)), ...last]) {
      assert.equal(await window.command('scan', { text: stranger.link }), undefined, name)
      const code = await window.command(name, values)
      if (name === 'accept_offer') assert.equal(code, 'no_issuer_at_server')
      assert.deepEqual(stranger.posted, [], name)
    }
  } finally {
    await stranger.stop()
  }
  await unlock(window)
})

test('a counter that is not accredited is named as such, and agreeing takes a second thought', async () => {
  const request = await stack.counterRequest('address', 'unknown.png')
  await stack.tell('end-accreditation counter')
  try {
    await givePicture(window, 'present', request)
    await window.find('unknown-verifier')
    await look('unknown verifier')
    await window.click('consent-accept')
    assert.ok(!(await window.has('qr')))
    await window.click('consent-decline')
  } finally {
    await stack.tell('accredit counter')
  }
})

test('page can neither leave nor run what it did not bring', async () => {
  await goHome(window)
  assert.deepEqual(await window.violations(), [])
  await window.run(`const script = document.createElement('script')
    script.textContent = 'window.evil = true'
    document.body.append(script)`)
  await window.run(`const image = document.createElement('img')
    image.setAttribute('onerror', 'window.evil = true')
    image.src = 'https://example.com/x.png'
    document.body.append(image)
    setTimeout("window.evil = true")`).catch(() => {})
  await until('the policy has refused both', async () => (await window.violations()).length >= 2)
  assert.equal(await window.run('return window.evil ?? null'), null)
  await window.run(`location.href = 'https://example.com/'`)
  await window.run(`window.open('https://example.com/')`)
  assert.match(await window.run('return location.href'), /^tauri:\/\/localhost/)
  await window.find('tab-home')
})

test('second program on the same folder says that the wallet is in use', async () => {
  const other = await anotherDesktop()
  const second = await other.open('--home', home, '--network', network)
  assert.equal(await second.problem(), 'wallet_in_use')
  await second.check('wallet in use')
  await second.close()
})

test('wallet that nobody touches locks itself', async () => {
  await until('the wallet is locked', () => english.has('unlock-secret'), 90_000)
  assert.ok(!(await english.has('tab-home')))
})

async function scan(text) {
  return stack.counter('POST', '/v1/scans', { text })
}

function wrong(code) {
  return code.replace(/./g, (digit) => String((Number(digit) + 1) % 10))
}
