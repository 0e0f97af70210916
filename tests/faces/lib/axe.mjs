// Checks pages with axe-core against WCAG 2.2 AA.
import assert from 'node:assert/strict'
import axe from 'axe-core'

const OPTIONS = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'],
  resultTypes: ['violations'],
  // Style sheets of other origins: there are none, and fetching them would break the page's policy.
  preload: false,
}

// Colours in the middle of a transition are nobody's choice: transitions begin with the next frame, and are waited for;
// endless spinners are not.
const SETTLED = `(async () => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))
  await painted()
  await Promise.all(document.getAnimations()
    .filter((animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime))
    .map((animation) => animation.finished.catch(() => {})))
  await painted()
})()`

/** Fails with what and where if axe finds something in a page of Chromium. */
export async function check(page, what = page.url()) {
  await page.evaluate(axe.source)
  await page.evaluate(`${SETTLED}.then(() => true)`)
  report(await page.evaluate((options) => globalThis.axe.run(document, options), OPTIONS), what)
}

/** Fails with what and where if axe finds something in the wallet's window (see window.mjs). */
export async function checkWindow(driver, what) {
  await driver.executeScript(`if (!window.axe) { ${axe.source} }`)
  const script = `const [options, done] = arguments;
    ${SETTLED}.then(() => window.axe.run(document, options)).then(done, (error) => done({ error: String(error) }))`
  const result = await driver.executeAsyncScript(script, OPTIONS)
  assert.equal(result.error, undefined)
  report(result, what)
}

function report({ violations }, what) {
  const found = violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} (${help}) at ${target.join(' ')}\n  ${failureSummary}`),
  )
  assert.equal(found.length, 0, `axe found in ${what}:\n${found.join('\n')}`)
}
