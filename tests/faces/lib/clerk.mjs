// Plays a clerk at the counter's page.
import { readCodes } from './camera.mjs'

/** Opens the page as a desk that chose its service: what a clerk does once per desk. */
export async function openDesk(browser, stack, service, preferences = {}) {
  const kept = { desk: '3번 창구', service, way: 'request', sound: true, language: 'ko', theme: 'light', ...preferences }
  const page = await browser.context.newPage()
  await page.addInitScript((value) => {
    // Once in this window: what the clerk changes stays so when the page is loaded again.
    if (sessionStorage.getItem('opened')) return
    sessionStorage.setItem('opened', 'yes')
    localStorage.setItem('jumin-counter', value)
  }, JSON.stringify(kept))
  await page.goto(await stack.signInLink())
  // Until the link has let it in, the page shows nothing and takes no scan.
  await page.waitForFunction(() => document.getElementById('app').childElementCount > 0)
  return page
}

/** Has the page believe that two agencies' servers can't be used, as the program tells it in that case. */
export async function withTroubledAgencies(page) {
  await page.route('**/v1/status', async (route) => {
    const response = await route.fetch()
    const json = await response.json()
    const agency = (ko, en, trouble) => ({ did: `did:jumin:demo:${en}`, name: { ko, en }, trouble, since: 0, missing: 1 })
    json.troubled = [agency('부산광역시 해운대구', 'Haeundae-gu, Busan', 'unreachable'), agency('제주특별자치도', 'Jeju', 'unusable')]
    json.agencies = 40
    await route.fulfill({ response, json })
  })
  await page.reload()
  await page.getByTestId('troubled').waitFor()
}

/** Has the page believe that the office's accreditation leaves out the name, as the program tells it in that case. */
export async function withoutRight(page) {
  await page.route('**/v1/status', async (route) => {
    const response = await route.fetch()
    const json = await response.json()
    const beyond = [{ path: 'name.hangul', label: { ko: '성명', en: 'Name' }, group: null }]
    for (const service of json.services) Object.assign(service, { standing: 'beyond', beyond })
    await route.fulfill({ response, json })
  })
  await page.reload()
  await page.getByTestId('standing').waitFor()
}

/** Reads the request that the page shows, as a wallet's camera would. */
export async function requestOf(page, testid = 'request-code') {
  const code = page.getByTestId(testid)
  await code.waitFor()
  const [text] = await readCodes(await code.screenshot())
  return text
}

/** Waits for a verdict and says what it is. */
export async function verdictOf(page, expected) {
  const verdict = page.getByTestId('verdict')
  await (expected ? page.locator(`[data-testid=verdict][data-verdict=${expected}]`) : verdict).waitFor()
  return { verdict: await verdict.getAttribute('data-verdict'), kind: await verdict.getAttribute('data-kind'), word: await page.getByTestId('verdict-word').innerText() }
}

/** Goes on to the next customer with the one key, and waits for the new request. */
export async function nextCustomer(page) {
  const known = () => document.querySelector('[data-testid=request-code] path')?.getAttribute('d') ?? null
  const before = await page.evaluate(known)
  await page.keyboard.press('F2')
  await page.getByTestId('verdict').waitFor({ state: 'detached' })
  await page.waitForFunction((old) => {
    const path = document.querySelector('[data-testid=request-code] path')?.getAttribute('d')
    return path && path !== old
  }, before)
}
