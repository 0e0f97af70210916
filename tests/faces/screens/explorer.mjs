// The explorer's screens for the documentation.
import { startLedger } from '../lib/ledger.mjs'

/** A ledger alone is enough. */
export const start = () => startLedger()

/** Draws every screen of the explorer in one language. */
export async function screens({ stack: ledger, language, launch, shoot }) {
  const reader = await launch({ locale: language, viewport: { width: 1280, height: 900 } })
  await reader.context.addInitScript((chosen) => {
    if (location.protocol.startsWith('http')) localStorage.setItem('jumin.explorer.settings', JSON.stringify({ language: chosen }))
  }, language)
  const page = await reader.open(ledger.url)
  const { jongno } = ledger.agencies
  const at = async (hash, testId, name) => {
    await page.evaluate((to) => (location.hash = to), hash)
    await page.getByTestId(testId).first().waitFor()
    await shoot(page, name)
  }
  await page.getByTestId('validator').first().waitFor()
  await page.getByTestId('block').first().waitFor()
  await shoot(page, 'explorer-overview')
  const { entries } = await ledger.get(`v1/dids/${jongno}/history`)
  const operation = entries.find(({ operation }) => operation.kind === 'accredit').operation
  await at('#/blocks', 'block', 'explorer-blocks')
  await at(`#/blocks/${operation.height}`, 'operations', 'explorer-block')
  await at(`#/operations/${operation.hash}`, 'effect', 'explorer-operation')
  await at('#/accreditations', 'tree-node', 'explorer-tree')
  await page.locator(`[data-testid=tree-node][data-id$="${jongno}"]`).click()
  await page.getByTestId('tree-details').waitFor()
  await shoot(page, 'explorer-tree-details')
  await page.locator('input[value=list]').check({ force: true })
  await page.getByTestId('tree-list').waitFor()
  await shoot(page, 'explorer-list')
  await at(`#/dids/${jongno}`, 'entry', 'explorer-did')
  await page.evaluate(() => (location.hash = `#/check`))
  await at(`#/check?record=did/${jongno}`, 'verdict', 'explorer-check')
  await page.getByTestId('verdict').scrollIntoViewIfNeeded()
  await page.route('**/v1/records/**', async (route) => {
    const response = await route.fetch()
    const answer = await response.json()
    const value = Buffer.from(answer.value, 'base64url')
    value[30] ^= 1
    await route.fulfill({ response, json: { ...answer, value: value.toString('base64url') } })
  })
  await page.getByTestId('run').click()
  await page.locator('[data-testid=verdict][data-proven=false]').waitFor()
  await page.getByTestId('verdict').evaluate((one) => one.scrollIntoView({ block: 'start' }))
  await shoot(page, 'explorer-lie')
  await page.unroute('**/v1/records/**')
  await page.setViewportSize({ width: 390, height: 844 })
  await page.evaluate(() => scrollTo(0, 0))
  await at('#/', 'validator', 'explorer-phone')
  await reader.close()
}
