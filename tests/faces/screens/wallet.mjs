// Every screen of the wallet, taken from its real window.
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { qrPicture } from '../lib/camera.mjs'
import { PASSPHRASE, acceptOffer, agree, givePicture, goHome, lock, makeWallet, pasteLink, showOneWay, unlock } from '../lib/citizen.mjs'
import { startDesktop } from '../lib/desktop.mjs'
import { until } from '../lib/window.mjs'

export async function screens({ stack, language, shoot }) {
  const desktop = await startDesktop()
  const plain = await startDesktop({ keyring: false })
  try {
    const network = await stack.networkFile()
    const window = await desktop.open('--home', desktop.home(), '--network', network)
    const picture = (name) => shoot(window, `wallet-${name}`)
    await makeWallet(window, { language, look: picture })
    await documents({ stack, window, picture })
    await presenting({ stack, window, picture })
    await troubles({ stack, window, picture })
    await locked({ window, picture })
    await inUse(plain, desktop.home(), language, shoot)
    await window.close()
    await withoutKeyring(plain, network, language, shoot)
  } finally {
    await plain.stop()
    await desktop.stop()
  }
}

async function documents({ stack, window, picture }) {
  const [resident] = await stack.adults()
  const card = await stack.offer(resident.id)
  await goHome(window)
  await window.click('accept-open')
  await window.find('open-camera')
  await picture('accept')
  await pasteLink(window, 'accept', card.credential_offer_uri)
  await acceptOffer(window, card.tx_code, picture)
  await window.click('done')
  const register = await stack.offer(resident.id, 'individual-register')
  await pasteLink(window, 'accept', register.credential_offer_uri)
  await acceptOffer(window, register.tx_code)
  await window.click('done')
  await window.find('card-face')
  await picture('home')
  await window.click('card-0')
  const status = await window.find('status')
  await until('the status is known', () => status.getAttribute('data-status'))
  await picture('card')
  await window.run(`document.querySelector('[data-testid="masked"]')?.scrollIntoView({ block: 'center' })`)
  await picture('card-claims')
}

async function presenting({ stack, window, picture }) {
  await goHome(window)
  await window.click('present-open')
  await window.find('way-scan')
  await picture('present')
  await givePicture(window, 'present', await stack.counterRequest('address'))
  await agree(window, picture)
  await picture('code')
  await window.click('qr-done')
  await window.find('summary')
  await picture('summary')
  await goHome(window)
  await window.click('present-open')
  await window.click('way-one-way')
  await window.choose('agency', stack.env.COUNTER_DID)
  await window.choose('service', 'age-19')
  await picture('one-way')
  await window.click('one-way-go')
  await agree(window, (name) => picture(`one-way-${name}`))
  await picture('one-way-code')
  await goHome(window)
  await window.click('present-open')
  await givePicture(window, 'present', await stack.counterRequest('identity-photo'))
  await agree(window)
  await picture('moving-code')
  await goHome(window)
  await window.click('tab-activity')
  await window.find('activity-item')
  await picture('activity')
  await window.click('tab-settings')
  await window.find('change-secret')
  await picture('settings')
  await window.click('change-secret')
  await picture('change-pin')
  await window.run(`document.querySelector('dialog[open]')?.dispatchEvent(new Event('cancel', { cancelable: true }))
    document.querySelector('dialog[open]')?.close()`)
}

async function troubles({ stack, window, picture }) {
  const offer = await stack.offer()
  const unknown = await stack.counterRequest('address', 'unknown.png')
  await pasteLink(window, 'accept', offer.credential_offer_uri)
  await window.click('accept')
  await window.type('transaction-code', offer.tx_code.replace(/./g, '0'))
  await window.click('accept')
  await window.problem()
  await picture('wrong-code')
  await stack.tell('end-accreditation issuer')
  await pasteLink(window, 'accept', offer.credential_offer_uri)
  await window.find('not-accredited')
  await picture('unaccredited-issuer')
  await stack.tell('accredit issuer')
  await stack.tell('end-accreditation counter')
  await givePicture(window, 'present', unknown)
  await window.find('unknown-verifier')
  await picture('unaccredited-counter')
  await window.click('consent-decline')
  await stack.tell('accredit counter')
  const foreign = stack.path('foreign.png')
  await writeFile(foreign, await qrPicture('https://example.com/not-ours'))
  await givePicture(window, 'present', foreign)
  await window.problem()
  await picture('foreign-code')
  await stack.tell('cut')
  await pasteLink(window, 'accept', offer.credential_offer_uri)
  await window.problem()
  await picture('network-gone')
  await stack.tell('restore')
}

async function locked({ window, picture }) {
  await lock(window)
  await picture('locked')
  await window.type('unlock-secret', '999999')
  await window.click('unlock')
  await window.find('secret-error').catch(() => sleep(500))
  await picture('wrong-pin')
  await unlock(window)
}

async function inUse(other, home, language, shoot) {
  const window = await other.open('--home', home)
  await window.problem()
  await shoot(window, 'wallet-in-use')
  await window.close()
}

async function withoutKeyring(plain, network, language, shoot) {
  const window = await plain.open('--home', plain.home())
  const picture = (name) => shoot(window, `wallet-${name}`)
  await window.click(`language-${language}`)
  for (let page = 1; page <= 3; page += 1) await window.click('first-next')
  await window.find('network-file')
  await picture('network-file')
  await window.file('network-file', network)
  await window.type('pin', PASSPHRASE)
  await window.type('pin-again', PASSPHRASE)
  await picture('passphrase')
  await window.close()
}
