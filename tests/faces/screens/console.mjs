// The console's screens for the documentation.
import { confirmRevocation, goTo, openConsole } from '../lib/console.mjs'

/** Draws every screen of the console in one language. */
export async function screens({ stack, language, launch, shoot }) {
  const desk = await launch({ locale: language, viewport: { width: 1280, height: 800 } })
  await desk.context.addInitScript((chosen) => {
    if (location.protocol.startsWith('http')) localStorage.setItem('jumin.console.settings', JSON.stringify({ language: chosen }))
  }, language)
  const page = await desk.open(stack.env.CONSOLE_URL)
  await page.getByTestId('sign-in').waitFor()
  await shoot(page, 'console-sign-in')
  await page.close()
  const issued = await fill(stack)
  const inside = await openConsole(desk, stack)
  await draw(inside, issued, shoot)
  await stopped(inside, shoot)
  await desk.close()
}

/** Draws what the console says of a server whose database was put back from a backup. */
async function stopped(page, shoot) {
  await page.route('**/v1/agency', async (route) => {
    const response = await route.fetch()
    const json = await response.json()
    const uri = 'https://issuer.example/status/1'
    json.publisher.conflicts = [{ kind: 'backup', made: 1_795_000_000 }, { kind: 'list', uri, version: 12 }]
    await route.fulfill({ response, json })
  })
  await goTo(page, '#/')
  await page.reload()
  await page.getByTestId('conflict').waitFor()
  await page.getByTestId('stats').waitFor()
  await shoot(page, 'console-stopped')
}

/** Issues some documents and ends some of them, so that lists and charts have something to show. */
async function fill(stack) {
  const citizen = await stack.wallet('documents')
  const people = (await stack.adults('김')).slice(0, 4)
  const types = ['resident-card', 'household-register', 'resident-card', 'individual-register']
  for (const [at, { id }] of people.entries()) await citizen.accept(await stack.offer(id, types[at]))
  const { credentials } = await stack.console('GET', '/v1/credentials')
  const change = (at, what, reason) => stack.console('POST', `/v1/credentials/${credentials[at].id}/${what}`, { reason })
  await change(0, 'suspend', '분실 신고')
  await change(0, 'reinstate', '분실 후 되찾음')
  await change(1, 'revoke', '착오 발급')
  await change(2, 'suspend', '사실 확인 중')
  return { person: people[0], credential: credentials[0] }
}

async function draw(page, { person, credential }, shoot) {
  const at = async (hash, testId, name) => {
    await goTo(page, hash)
    await page.getByTestId(testId).first().waitFor()
    await shoot(page, name)
  }
  await shoot(page, 'console-overview')
  await goTo(page, '#/residents')
  await page.getByTestId('search').fill('김')
  await page.keyboard.press('Enter')
  await page.locator('[data-row]').first().waitFor()
  await shoot(page, 'console-residents')
  await page.getByTestId('search').fill('홍길동전')
  await page.keyboard.press('Enter')
  await page.getByTestId('no-results').waitFor()
  await shoot(page, 'console-no-results')
  await at(`#/residents/${person.id}`, 'identity', 'console-resident')
  await page.getByTestId('offer-household-register').click()
  await page.getByTestId('tx-code').waitFor()
  await shoot(page, 'console-hand-over')
  await at('#/credentials', 'credentials', 'console-documents')
  await at(`#/credentials/${credential.id}`, 'changes', 'console-document')
  await confirmRevocation(page, credential.id)
  await shoot(page, 'console-revoke')
  await page.keyboard.press('Escape')
  await goTo(page, '#/audit')
  await page.getByTestId('audit').waitFor()
  await page.getByTestId('verify').click()
  await page.getByTestId('verify-result').waitFor()
  await shoot(page, 'console-audit')
  await at('#/agency', 'proof', 'console-agency')
}
