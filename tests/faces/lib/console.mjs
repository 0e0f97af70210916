// What a clerk does again and again in the console.

/** Opens the console as a clerk who is signed in. */
export async function openConsole(desk, stack) {
  const page = await desk.open(stack.env.CONSOLE_URL)
  const form = page.getByTestId('sign-in')
  const overview = page.getByTestId('stats')
  await form.or(overview).first().waitFor()
  if (await form.isVisible()) await signIn(page, stack)
  await overview.waitFor()
  return page
}

/** Fills in the form that is shown, for the first time or after a session ended. */
export async function signIn(page, stack) {
  const form = page.getByTestId('sign-in')
  await form.locator('input[name=account]').fill(stack.env.CONSOLE_ACCOUNT ?? 'admin')
  await form.locator('input[name=password]').fill(stack.env.CONSOLE_PASSWORD)
  await form.locator('button[type=submit]').click()
  await form.waitFor({ state: 'detached' })
}

/** Goes to a screen as a link does. */
export async function goTo(page, hash) {
  await page.evaluate((to) => (location.hash = to), hash)
}

/** Gives the part of the address that names the screen. */
export const addressOf = (page) => page.evaluate(() => location.hash)

/** Chooses the language in the account menu. */
export async function setLanguage(page, language) {
  const menu = page.getByTestId('account-menu')
  await menu.click()
  await page.locator(`input[type=radio][value=${language}]`).check({ force: true })
  await page.keyboard.press('Escape')
}

/** Goes as far as the last button of a revocation, which stays disabled for anything but the document's own name. */
export async function confirmRevocation(page, id, reason = '착오 발급') {
  await page.getByTestId('revoke').click()
  await page.getByTestId('reason').fill(reason)
  await page.getByTestId('change-next').click()
  const last = page.getByTestId('change-next')
  await page.getByTestId('confirm-text').fill('0000')
  if (await last.isEnabled()) throw new Error('anything confirms a revocation')
  await page.getByTestId('confirm-text').fill(id.slice(-4))
}
