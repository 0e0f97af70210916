// The agency's console as a clerk uses it, with a real issuer, ledger, counter and wallet behind it.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { check } from './lib/axe.mjs'
import { launch } from './lib/browser.mjs'
import { addressOf, confirmRevocation, goTo, openConsole, setLanguage, signIn } from './lib/console.mjs'
import { startStack } from './lib/stack.mjs'

let stack
let clerk
let citizen
let resident
const testId = (page, id) => page.getByTestId(id)

before(async () => {
  stack = await startStack()
  clerk = await launch({ acceptDownloads: true })
  citizen = await stack.wallet('citizen')
  resident = (await stack.adults('김'))[0]
})
after(async () => {
  await clerk?.close()
  await stack?.stop()
})

/** Waits until a part of the page has an attribute. */
const attribute = (page, id, name, value) => page.locator(`[data-testid=${id}][data-${name}="${value}"]`).first().waitFor()

/** Shows the citizen's card at the counter and gives the verdict. */
async function verdict() {
  const { texts } = await citizen.present(await stack.counterRequest('address'))
  const outcome = await stack.counter('POST', '/v1/scans', { texts })
  return outcome.verdict
}

/** Waits until the counter says so: it hears of a change with its next sync. */
async function verdictBecomes(wanted) {
  let said
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    await stack.counter('POST', '/v1/sync')
    said = await verdict()
    if (said === wanted) return
  }
  assert.equal(said, wanted)
}

describe('signing in', () => {
  it('refuses a wrong password, counts tries, and lets the right one in', async () => {
    const page = await clerk.open(stack.env.CONSOLE_URL)
    await testId(page, 'sign-in').waitFor()
    await check(page, 'sign-in')
    await page.locator('input[name=account]').fill('admin')
    await page.locator('input[name=password]').fill('한글')
    await page.getByText('한/영 키를 확인하세요').waitFor()
    await page.locator('input[name=password]').fill('not the password')
    await page.keyboard.press('Enter')
    await page.getByText('계정 또는 비밀번호가 맞지 않습니다').waitFor()
    assert.equal(await page.locator('input[name=account]').inputValue(), 'admin')
    await check(page, 'sign-in refused')
    await signIn(page, stack)
    await testId(page, 'stats').waitFor()
    await page.close()
  })

  it('counts down after too many tries and lets nobody press before', async () => {
    const page = await clerk.context.newPage()
    await page.route('**/v1/session', (route) =>
      route.request().method() === 'POST'
        ? problem(route, 429, 'too_many_tries', { 'Retry-After': '3' })
        : problem(route, 401, 'unauthorized'),
    )
    await page.goto(stack.env.CONSOLE_URL)
    await page.locator('input[name=account]').fill('admin')
    await page.locator('input[name=password]').fill('something else')
    await page.keyboard.press('Enter')
    await testId(page, 'throttled').waitFor()
    const button = page.locator('button[type=submit]')
    assert.equal(await button.isDisabled(), true)
    await check(page, 'throttled')
    await page.locator('button[type=submit]:not(:disabled)').waitFor()
    await page.close()
  })

  it('says how to make an account where there is none', async () => {
    const page = await clerk.context.newPage()
    await page.route('**/v1/session', (route) => problem(route, 401, 'no_account'))
    await page.goto(stack.env.CONSOLE_URL)
    await testId(page, 'no-account').getByText('jumin-issuer account').waitFor()
    await check(page, 'no account')
    await page.close()
  })
})

describe('a document from offer to revocation', () => {
  let page
  let credential

  before(async () => {
    page = await openConsole(clerk, stack)
    await testId(page, 'stats').waitFor()
  })
  after(() => page.close())

  it('finds a resident with the keyboard alone and keeps the name out of the address', async () => {
    await goTo(page, '#/residents')
    await testId(page, 'search').fill(resident.name)
    await page.keyboard.press('Enter')
    const row = page.locator(`[data-row][href="#/residents/${resident.id}"]`)
    await row.waitFor()
    await testId(page, 'search').press('ArrowDown')
    assert.equal(await page.evaluate(() => document.activeElement.hasAttribute('data-row')), true)
    await row.focus()
    await page.keyboard.press('Enter')
    await testId(page, 'identity').waitFor()
    assert.equal(await addressOf(page), `#/residents/${resident.id}`)
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1')
  })

  it('masks the resident number until asked', async () => {
    const number = testId(page, 'number')
    assert.match(await number.innerText(), /^\d{6}-\d\*{6}$/)
    await page.getByRole('button', { name: '번호 보기' }).click()
    assert.match(await number.innerText(), /^\d{6}-\d{7}$/)
    await page.getByRole('button', { name: '번호 보기' }).click()
    assert.match(await number.innerText(), /\*{6}$/)
  })

  it('hands an offer over to a real wallet and sees it accepted', async () => {
    await testId(page, 'offer-resident-card').click()
    await attribute(page, 'offer-state', 'state', 'open')
    const credential_offer_uri = await testId(page, 'offer-link').getAttribute('data-link')
    const tx_code = (await testId(page, 'tx-code').innerText()).replace(/\s/g, '')
    assert.match(tx_code, /^\d{6}$/)
    await check(page, 'hand-over')
    await citizen.accept({ credential_offer_uri, tx_code })
    await attribute(page, 'offer-state', 'state', 'accepted')
    assert.equal(await testId(page, 'tx-code').count(), 0)
    await check(page, 'accepted')
    await testId(page, 'offer-outcome').getByRole('button').first().click()
    await testId(page, 'changes').waitFor()
    credential = await testId(page, 'credential-id').innerText()
  })

  it('suspends and reinstates, each with its block', async () => {
    await testId(page, 'suspend').click()
    await testId(page, 'change-next').click()
    await page.getByText('사유를 입력하세요').waitFor()
    await page.getByRole('button', { name: '분실 신고' }).click()
    await check(page, 'suspension')
    await testId(page, 'change-next').click()
    await attribute(page, 'change-result', 'final', 'true')
    await testId(page, 'block').waitFor()
    await testId(page, 'change-close').click()
    await attribute(page, 'status', 'status', 'suspended')
    await testId(page, 'reinstate').click()
    await testId(page, 'reason').fill('되찾음')
    await testId(page, 'change-next').click()
    await attribute(page, 'change-result', 'final', 'true')
    await testId(page, 'change-close').click()
    await testId(page, 'suspend').waitFor()
  })

  it('revokes only after a second confirmation, and the counter sees it', async () => {
    await verdictBecomes('valid')
    await confirmRevocation(page, credential)
    await check(page, 'revocation')
    await testId(page, 'change-next').click()
    await attribute(page, 'change-result', 'final', 'true')
    assert.match(await testId(page, 'block').innerText(), /원장 블록 [\d,]+/)
    await testId(page, 'change-close').click()
    await page.locator('[data-testid=change][data-final=true]').getByText(/원장 블록/).first().waitFor()
    await check(page, 'document')
    const { credential: row } = await stack.console('GET', `/v1/credentials/${credential}`)
    assert.equal(row.status, 'revoked')
    await verdictBecomes('revoked')
  })

  it('finds it all in the audit trail, whole, and saves it as a file', async () => {
    await goTo(page, '#/audit')
    await testId(page, 'audit').locator('strong', { hasText: '증명서 폐기' }).first().waitFor()
    await testId(page, 'verify').click()
    await testId(page, 'verify-result').getByText('모두 온전합니다').waitFor()
    await check(page, 'audit')
    const [download] = await Promise.all([page.waitForEvent('download'), testId(page, 'export').click()])
    const saved = JSON.parse(await readFile(await download.path(), 'utf8'))
    assert.equal(saved.report.broken_at, null)
    assert.deepEqual(saved.entries.map(({ seq }) => seq), saved.entries.map((_, at) => at + 1))
  })
})

describe('bad days', () => {
  let page
  before(async () => {
    page = await openConsole(clerk, stack)
    await testId(page, 'stats').waitFor()
  })
  after(() => page.close())

  it('keeps a typed reason when the session ends under an open page', async () => {
    const offer = await stack.offer(resident.id)
    await citizen.accept(offer)
    const { credentials } = await stack.console('GET', '/v1/credentials?status=valid')
    await goTo(page, `#/credentials/${credentials[0].id}`)
    await testId(page, 'suspend').click()
    await testId(page, 'reason').fill('오래 적은 사유')
    await clerk.context.clearCookies()
    await testId(page, 'change-next').click()
    await testId(page, 'sign-in-again').waitFor()
    await check(page, 'signed out under an open page')
    await signIn(page, stack)
    assert.equal(await testId(page, 'reason').inputValue(), '오래 적은 사유')
    await testId(page, 'change-next').click()
    await attribute(page, 'change-result', 'final', 'true')
    await testId(page, 'change-close').click()
  })

  it('says that the issuer is away and goes on by itself when it is back', async () => {
    await stack.tell('kill issuer')
    await goTo(page, '#/residents')
    await testId(page, 'search').fill('이')
    await page.keyboard.press('Enter')
    await testId(page, 'network').getByText('연결이 끊어졌습니다').waitFor()
    await check(page, 'issuer away')
    await stack.tell('start issuer')
    // Sessions may end with the process; then the clerk signs in where they were.
    const found = page.locator('[data-row]').first()
    const again = testId(page, 'sign-in-again')
    await found.or(again).first().waitFor({ timeout: 30_000 })
    if (await again.isVisible()) await signIn(page, stack)
    await found.waitFor()
    assert.equal(await testId(page, 'search').inputValue(), '이')
  })

  it('shows long, right-to-left and markup names as text', async () => {
    const names = ['<img src=x onerror=alert(1)>', 'محمد بن عبد الله', '가'.repeat(120)]
    await page.route('**/v1/residents/search', (route) =>
      route.fulfill({ json: { residents: names.map((name, at) => ({ ...resident, id: `r${at}`, name })), more: false } }),
    )
    await goTo(page, '#/residents')
    await testId(page, 'search').fill('아무개')
    await page.keyboard.press('Enter')
    for (const name of names) await page.locator('bdi', { hasText: name }).first().waitFor()
    await page.setViewportSize({ width: 400, height: 800 })
    const { scroll, width } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: innerWidth }))
    assert.ok(scroll <= width, `the page is ${scroll} wide`)
    await check(page, 'strange names')
    await page.unroute('**/v1/residents/search')
    await page.setViewportSize({ width: 1280, height: 800 })
  })

  it('shows a broken chain, an unproven ledger and a refused change for what they are', async () => {
    await page.route('**/v1/audit/verify', (route) => route.fulfill({ json: { entries: 9, head: 'x', broken_at: 4 } }))
    await goTo(page, '#/audit')
    await testId(page, 'verify').click()
    await testId(page, 'verify-result').getByText('4번 기록에서').waitFor()
    await check(page, 'broken chain')
    const agency = await stack.console('GET', '/v1/agency')
    await page.route('**/v1/agency', (route) =>
      route.fulfill({ json: { ...agency, proof: 'invalid', proof_problem: 'ledger_proof_invalid' } }),
    )
    await goTo(page, '#/agency')
    await attribute(page, 'proof', 'proof', 'invalid')
    await check(page, 'wrong proof')
    await page.unrouteAll()
  })

  it('follows a pending change until the ledger has it', async () => {
    const { credentials } = await stack.console('GET', '/v1/credentials?status=suspended')
    const id = credentials[0].id
    const detail = await stack.console('GET', `/v1/credentials/${id}`)
    const at = Math.floor(Date.now() / 1000)
    const change = { at, actor: 'admin', to: 'valid', reason: '되찾음', final: false, block: null }
    let answer = { credential: { ...detail.credential, pending: 'valid' }, changes: [change] }
    await page.route(`**/v1/credentials/${id}/reinstate`, (route) =>
      route.fulfill({ status: 202, json: { id, status: 'suspended', pending: 'valid', pending_reason: 'away', block: null } }),
    )
    await goTo(page, `#/credentials/${id}`)
    await testId(page, 'reinstate').click()
    await testId(page, 'reason').fill('되찾음')
    await page.route(`**/v1/credentials/${id}`, (route) => route.fulfill({ json: answer }))
    await testId(page, 'change-next').click()
    await attribute(page, 'change-result', 'final', 'false')
    await testId(page, 'pending').waitFor()
    await check(page, 'pending')
    const block = { height: 4242, at }
    answer = { credential: { ...detail.credential, status: 'valid', pending: null }, changes: [{ ...change, final: true, block }] }
    await attribute(page, 'change-result', 'final', 'true')
    await testId(page, 'block').getByText('4,242').waitFor()
    await testId(page, 'change-close').click()
    await page.unrouteAll()
  })
})

it('warns before an idle session ends, and keeps it when asked', async () => {
  const page = await openConsole(clerk, stack)
  await page.clock.install()
  await page.reload()
  await testId(page, 'stats').waitFor()
  await page.clock.fastForward('13:00')
  await testId(page, 'idle-stay').waitFor()
  await check(page, 'idle warning')
  await testId(page, 'idle-stay').click()
  await testId(page, 'idle-stay').waitFor({ state: 'detached' })
  await page.clock.fastForward('13:00')
  await testId(page, 'idle-stay').waitFor()
  await page.clock.fastForward('02:00')
  await testId(page, 'sign-in-again').waitFor()
  await page.close()
})

it('prints the code and its transaction code apart, and nothing else', async () => {
  const page = await openConsole(clerk, stack)
  await goTo(page, `#/residents/${resident.id}`)
  await testId(page, 'offer-household-register').click()
  await testId(page, 'tx-code').waitFor()
  await page.emulateMedia({ media: 'print' })
  const shown = (id) => testId(page, id).isVisible()
  assert.deepEqual([await shown('print-sheet'), await shown('codes'), await page.locator('nav').isVisible()], [true, false, false])
  const pdf = await page.pdf({ preferCSSPageSize: true })
  assert.equal(pdf.toString('latin1').match(/\/Type\s*\/Page\b/g).length, 1)
  await page.emulateMedia({ media: 'screen' })
  await goTo(page, '#/')
  await testId(page, 'stats').waitFor()
  await page.goBack()
  await testId(page, 'offer-outcome').waitFor()
  assert.equal(await testId(page, 'tx-code').count(), 0)
  await page.close()
})

for (const language of ['ko', 'en']) {
  it(`is accessible on every page in ${language}`, async () => {
    const page = await openConsole(clerk, stack)
    await setLanguage(page, language)
    await testId(page, 'stats').waitFor()
    const { credentials } = await stack.console('GET', '/v1/credentials')
    const pages = ['#/', '#/residents', `#/residents/${resident.id}`, '#/credentials', `#/credentials/${credentials[0].id}`, '#/audit', '#/agency', '#/nowhere']
    for (const theme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: theme })
      for (const hash of pages) {
        await goTo(page, hash)
        await page.locator('main h1').waitFor()
        await page.locator('[data-testid=skeleton]').first().waitFor({ state: 'detached' })
        assert.equal(await page.locator('main h1').count(), 1)
        await check(page, `${hash} in ${language}, ${theme}`)
      }
    }
    await setLanguage(page, 'ko')
    await page.close()
  })
}

function problem(route, status, code, headers = {}) {
  return route.fulfill({ status, headers, json: { status, code, title: code, detail: code } })
}
