// Draws the counter's screens: the clerk's page and the customer's window.
import { cameraOf } from '../lib/camera.mjs'
import { nextCustomer, openDesk, requestOf, verdictOf, withTroubledAgencies, withoutRight } from '../lib/clerk.mjs'
import { scanByHand } from '../lib/wedge.mjs'

const CLERK = { width: 1280, height: 800 }

/** Draws every screen of the counter in one language. */
export async function screens({ stack, language, launch, shoot }) {
  const wallet = await stack.wallet(`pictures-${language}`)
  await wallet.accept(await stack.offer())
  const started = await stack.counter('POST', '/v1/requests', { service: 'identity-photo', mode: 'qr' })
  const { texts } = await wallet.present(started.qr[0])
  const cameraFrames = await cameraOf(stack.path(`pictures-${language}.y4m`), texts)
  await withCamera({ stack, language, launch, shoot, started, cameraFrames })
  await withoutCamera({ stack, language, launch, shoot, wallet })
}

async function withCamera({ stack, language, launch, shoot, started, cameraFrames }) {
  const browser = await launch({ locale: language, viewport: CLERK, cameraFrames })
  await browser.context.route('**/v1/requests', (route) => route.fulfill({ status: 201, json: started }))
  const page = await openDesk(browser, stack, 'identity-photo', { language, theme: 'system' })
  await verdictOf(page, 'valid')
  await shoot(page, 'counter-valid')
  await browser.close()
}

async function withoutCamera({ stack, language, launch, shoot, wallet }) {
  const browser = await launch({ locale: language, viewport: CLERK })
  const outside = await browser.open(stack.env.DESK_URL)
  const kept = { desk: '', service: null, way: 'request', sound: true, language, theme: 'system' }
  await outside.evaluate((value) => localStorage.setItem('jumin-counter', value), JSON.stringify(kept))
  await outside.reload()
  await outside.getByTestId('signed-out').waitFor()
  await shoot(outside, 'counter-signed-out')
  await outside.close()
  const setup = await openDesk(browser, stack, null, { language, theme: 'system', desk: '' })
  await setup.getByTestId('service-age-19').click()
  await shoot(setup, 'counter-setup')
  await setup.close()
  const beyond = await openDesk(browser, stack, 'address', { language, theme: 'system' })
  await withoutRight(beyond)
  await requestOf(beyond)
  await shoot(beyond, 'counter-beyond')
  await beyond.close()
  const troubled = await openDesk(browser, stack, 'address', { language, theme: 'system' })
  await withTroubledAgencies(troubled)
  await requestOf(troubled)
  await shoot(troubled, 'counter-agencies')
  await troubled.close()
  const page = await openDesk(browser, stack, 'age-19', { language, theme: 'system' })
  const [customer] = await Promise.all([browser.context.waitForEvent('page'), page.getByTestId('open-customer').click()])
  await customers({ page, customer, shoot })
  await verdicts({ page, shoot, wallet })
  await browser.close()
}

async function customers({ page, customer, shoot }) {
  await requestOf(page)
  await shoot(page, 'counter-request')
  await customer.setViewportSize(CLERK)
  await requestOf(customer, 'customer-code')
  await shoot(customer, 'counter-customer')
  await customer.setViewportSize({ width: 800, height: 1280 })
  await shoot(customer, 'counter-customer-upright')
  await customer.close()
}

async function verdicts({ page, shoot, wallet }) {
  const { texts } = await wallet.present(await requestOf(page))
  await scanByHand(page, texts[0])
  await verdictOf(page, 'valid')
  await shoot(page, 'counter-age')
  await nextCustomer(page)
  await scanByHand(page, texts[0])
  await verdictOf(page, 'replayed')
  await shoot(page, 'counter-replayed')
  await nextCustomer(page)
  await scanByHand(page, 'JM1:DAMAGED.')
  await verdictOf(page, 'malformed')
  await page.setViewportSize({ width: 1024, height: 768 })
  await shoot(page, 'counter-unreadable')
}
