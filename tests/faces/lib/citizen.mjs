// What a citizen does in the wallet's window, from screen to screen.
import { readFile } from 'node:fs/promises'
import { until as wait } from './window.mjs'

export const PIN = '135724'
export const PASSPHRASE = 'a passphrase of several words'
const INTRODUCTION = 3

/** The wallet's texts in a language, as its catalogue has them. */
export async function texts(language) {
  const file = new URL(`../../../ui/wallet/src/messages/${language}.json`, import.meta.url)
  return JSON.parse(await readFile(file, 'utf8'))
}

/**
 * Goes from the first screen to the wallet's empty home, or to what `until` names where a link waits; `look(name)` is called
 * on every screen on the way.
 */
export async function makeWallet(window, { language = 'ko', secret = PIN, until = 'tab-home', look = async () => {} } = {}) {
  await window.find(`language-${language}`)
  await look('language')
  await window.click(`language-${language}`)
  for (let page = 1; page <= INTRODUCTION; page += 1) {
    await window.find('first-next')
    await look(`intro-${page}`)
    await window.click('first-next')
  }
  await window.type('pin', secret)
  await window.type('pin-again', secret)
  await look('secret')
  await window.click('first-create')
  await window.find(until)
  await look('home-empty')
}

/** Opens the locked wallet. */
export async function unlock(window, secret = PIN) {
  // Locking loads the page anew, whoever did it.
  await window.listen()
  await window.type('unlock-secret', secret)
  await window.click('unlock')
  await window.find('tab-home')
}

/** Locks the wallet and waits for the page that asks for the PIN. */
export async function lock(window) {
  await goHome(window)
  await window.click('lock-now')
  await window.find('unlock')
  await window.listen()
}

/** Goes to the list of documents, whatever is in view. */
export async function goHome(window) {
  for (const way of ['qr-done', 'home', 'done', 'consent-decline', 'discard-offer', 'back', 'back', 'back']) {
    if (await window.visible('tab-home')) break
    if (await window.visible(way)) await window.click(way)
  }
  await window.click('tab-home')
  await window.find('accept-open')
}

/** Gives a link to the wallet as people paste it. */
export async function pasteLink(window, way, link) {
  await goHome(window)
  await window.click(`${way}-open`)
  if (way === 'present') await window.click('way-scan')
  await window.type('link', link)
  await window.click('open-link')
}

/** Gives a picture of a code to the wallet. */
export async function givePicture(window, way, picture) {
  await goHome(window)
  await window.click(`${way}-open`)
  if (way === 'present') await window.click('way-scan')
  await window.file('picture-file', picture)
}

/** From an offer in view to the document in the wallet. */
export async function acceptOffer(window, transactionCode, look = async () => {}) {
  await window.find('offer')
  await look('offer')
  await window.click('accept')
  await window.type('transaction-code', transactionCode)
  await look('transaction-code')
  await window.click('accept')
  await window.find('accepted')
  await look('accepted')
}

/** From a consent page in view to the code on the screen. */
export async function agree(window, look = async () => {}) {
  await window.find('consent-accept')
  await look('consent')
  await window.click('consent-accept')
  await window.find('qr')
}

/** From home to a one-way code for an office's service. */
export async function showOneWay(window, agency, service) {
  await goHome(window)
  await window.click('present-open')
  await window.click('way-one-way')
  await window.choose('agency', agency)
  await window.choose('service', service)
  await window.click('one-way-go')
  await agree(window)
}

/** Reads the code that the window shows. */
export function readCode(window) {
  return wait('the window shows a code', async () => (await window.codes())[0])
}
