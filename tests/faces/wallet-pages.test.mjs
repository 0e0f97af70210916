// Every screen of the wallet that needs no other side, in the states that are hard to reach with real parts.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { check } from './lib/axe.mjs'
import { launch } from './lib/browser.mjs'
import { startMock } from './lib/mock.mjs'

let mock
let desk
before(async () => {
  mock = await startMock()
  desk = await launch({ viewport: { width: 440, height: 800 }, reducedMotion: 'reduce' })
})
after(async () => {
  await desk?.close()
  await mock?.stop()
})

const press = (...ids) => async (page) => {
  for (const id of ids) await page.getByTestId(id).first().click()
}
const pages = (lang, count, then = async () => {}) => async (page) => {
  await press(`language-${lang}`)(page)
  for (let turn = 0; turn < count; turn++) await page.getByTestId('first-next').click()
  await then(page)
}
const guess = (seen) => async (page) => {
  await page.getByTestId('unlock-secret').fill('wrong')
  await page.getByTestId('unlock').click()
  await page.getByTestId(seen).waitFor()
}
const typed = async (page) => {
  await page.getByTestId('pin').fill('123456')
  await page.getByTestId('pin-again').fill('12345ㅎ')
}
const refused = async (page) => {
  await page.getByTestId('network-file').setInputFiles({ name: 'a.json', mimeType: 'application/json', buffer: Buffer.from('{}') })
  await page.getByTestId('problem').waitFor()
}
const replaced = (text, seen) => async (page) => {
  await press('tab-settings')(page)
  await page.getByTestId('replace-network-file').setInputFiles({ name: 'a.json', mimeType: 'application/json', buffer: Buffer.from(text) })
  await seen(page).waitFor()
}
const card = (number, then = async () => {}) => async (page) => {
  await press(`card-${number}`)(page)
  await page.getByTestId('status').waitFor()
  await then(page)
}
const searched = async (page) => {
  await press('tab-activity')(page)
  await page.getByTestId('search').fill('nobody')
  await page.getByTestId('activity-item').first().waitFor({ state: 'detached' })
}

const insisted = async (page) => {
  await press('consent-accept')(page)
  await page.getByTestId('beyond').and(page.locator(':focus')).waitFor()
}

/** Screen → [what the mock plays, how to get there]. */
const screens = {
  language: [{ state: 'new' }],
  'what it holds': [{ state: 'new' }, pages('ko', 0)],
  'who decides': [{ state: 'new' }, pages('ko', 1)],
  'where it stays': [{ state: 'new' }, pages('ko', 2)],
  'a new PIN': [{ state: 'new' }, pages('ko', 3, typed)],
  'a new passphrase': [{ state: 'new', keyring: '0' }, pages('ko', 3)],
  'no network file': [{ state: 'no_network', error: 'bad_trust_file', at: 'choose_network' }, pages('ko', 3, refused)],
  locked: [{ state: 'locked' }],
  'too many tries': [{ state: 'locked', wrong: '5' }, guess('wait')],
  'wrong passphrase': [{ state: 'locked', keyring: '0', wrong: '5' }, guess('wait')],
  'record of tries lost': [{ state: 'locked', error: 'pin_count_lost', at: 'unlock' }, guess('count-lost')],
  'locked out': [{ state: 'locked', wrong: '10' }, guess('erase')],
  erasing: [{ state: 'unusable', error: 'vault_damaged' }, press('erase', 'erase-understood')],
  home: [{}, (page) => page.getByTestId('card-2').waitFor()],
  'home with nothing': [{ empty: '1' }, (page) => page.getByTestId('home-empty').waitFor()],
  'home that fails': [{ error: 'storage_failed' }, (page) => page.getByTestId('problem').waitFor()],
  'a card': [{}, card(0)],
  'a card whose status is not known': [{ status: 'unknown', long: '1' }, card(0)],
  'a revoked card': [{ status: 'revoked' }, card(1)],
  'an expired card': [{}, card(2)],
  'deleting a card': [{}, card(0, press('delete'))],
  activity: [{ long: '1' }, press('tab-activity')],
  'no activity': [{ empty: '1' }, press('tab-activity')],
  'activity not found': [{}, searched],
  settings: [{}, press('tab-settings', 'sync')],
  'another connection file': [{}, replaced('{"nodes":[]}', (page) => page.getByTestId('network-replaced'))],
  'a connection file that is refused': [{}, replaced('{}', (page) => page.getByTestId('problem'))],
  'another PIN': [{}, press('tab-settings', 'change-secret')],
  'an offer whose issuer can’t be checked': [{ link: 'openid-credential-offer://x', unchecked: '1' }, (page) => page.getByTestId('not-accredited').waitFor()],
  'a request within what is allowed': [{ link: 'openid4vp://x' }, (page) => page.getByTestId('may-ask').waitFor()],
  'a request for more than is allowed': [{ link: 'openid4vp://x', beyond: '1' }, insisted],
  'about to lock': [{ lock: '0.3' }, (page) => page.getByRole('timer').waitFor()],
}

async function visit([query, reach], look, state) {
  const page = await desk.open(mock.address({ ...look, ...query }))
  await page.getByRole('heading', { level: 1 }).waitFor()
  // The preferences may come a moment after the first heading.
  if (look.theme) await page.locator(`html[data-theme=${look.theme}]`).waitFor({ state: 'attached' })
  await reach?.(page)
  await state(page)
  await page.close()
}

for (const [name, screen] of Object.entries(screens)) {
  test(`axe finds nothing: ${name}`, async () => {
    for (const theme of ['light', 'dark']) await visit(screen, { lang: 'ko', theme }, (page) => check(page, `${name}, ${theme}`))
  })
}

test('with less motion, a change of theme reaches the deepest text at once', async () => {
  await visit(screens['a request within what is allowed'], { lang: 'ko', theme: 'light' }, async (page) => {
    const colours = await page.evaluate(() => {
      const root = document.documentElement
      return ['light', 'dark'].map((theme) => {
        root.dataset.theme = theme
        return [getComputedStyle(root).getPropertyValue('--text'), getComputedStyle(document.querySelector('.name > bdi')).color]
      })
    })
    const [[light, lightText], [dark, darkText]] = colours
    assert.notEqual(light, dark)
    assert.notEqual(lightText, darkText)
  })
})

test('the smallest window with text twice as large cuts nothing off', async () => {
  for (const name of ['home', 'a card whose status is not known', 'activity', 'settings', 'locked', 'a new PIN']) {
    await visit(screens[name], { lang: 'ko' }, async (page) => {
      await page.setViewportSize({ width: 360, height: 600 })
      await page.evaluate(() => (document.documentElement.style.fontSize = '200%'))
      const wide = await page.evaluate(() => [...document.querySelectorAll('.screen *')].filter((part) => !part.closest('svg') && part.getBoundingClientRect().right > innerWidth + 1).map((part) => part.outerHTML.slice(0, 80)))
      assert.deepEqual(wide, [], name)
    })
  }
})

test('what goes beyond a counter’s rights is named, and shown only on a second thought', async () => {
  await visit(screens['a request for more than is allowed'], { lang: 'ko' }, async (page) => {
    await page.getByTestId('beyond-items').getByText('주민등록번호').waitFor()
    assert.match(await page.getByTestId('may-ask').textContent(), /성명.*생년월일/)
    assert.equal(await page.getByTestId('sent').count(), 0)
    await press('beyond', 'consent-accept')(page)
    await page.getByTestId('sent').waitFor()
  })
})

test('a name with markup is text', async () => {
  await visit([{ long: '1' }, card(0)], { lang: 'ko' }, async (page) => {
    await page.getByTestId('claim-name.hangul').getByText('<img src=x onerror=alert(1)>').waitFor()
    assert.equal(await page.locator('img[src="x"]').count(), 0)
  })
})

test('a resident registration number shows on demand, and hides when the window does', async () => {
  await visit([{}, card(0)], { lang: 'ko' }, async (page) => {
    const number = page.getByTestId('claim-resident_registration_number').getByTestId('masked')
    assert.equal(await number.textContent(), '900101-2******')
    await page.getByTestId('reveal-resident_registration_number').click()
    await number.getByText('900101-2345678').waitFor()
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { get: () => true })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    await number.getByText('900101-2******').waitFor()
  })
})

test('the focus moves to the new screen’s heading, and back', async () => {
  await visit([{}, card(0)], { lang: 'ko' }, async (page) => {
    await page.locator('h1:focus').waitFor()
    await page.getByTestId('back').click()
    await page.getByTestId('card-0').waitFor()
    await page.locator('h1:focus').waitFor()
  })
})

test('a locked wallet’s page forgets everything', async () => {
  await visit([{}, card(0)], { lang: 'ko' }, async (page) => {
    const reloaded = page.waitForEvent('load')
    await page.evaluate(() => globalThis.mockLocked())
    await reloaded
  })
})
