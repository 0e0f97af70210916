// What a clerk does first on the counter's page.

/** Opens a desk for a service: from a sign-in link to the page that asks. */
export async function openDesk(browser, stack, service, name = '1번 창구') {
  const page = await browser.open(await stack.signInLink())
  await page.getByTestId('desk-name').fill(name)
  await page.getByTestId(`service-${service}`).click()
  await page.getByTestId('open-desk').click()
  await page.getByTestId('request-code').waitFor()
  return page
}
