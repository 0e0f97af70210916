// Drives the wallet's real window through WebKitWebDriver.
import { setTimeout as sleep } from 'node:timers/promises'
import { Builder, By, Capabilities } from 'selenium-webdriver'
import { checkWindow } from './axe.mjs'
import { readCodes } from './camera.mjs'
import { findProcess, hasEnded } from './process.mjs'

const DEADLINE = 30_000

/** Opens the window of `binary` on the display of a WebDriver and gathers violations of its content security policy. */
export async function openWindow(driverUrl, display, binary, args) {
  const capabilities = new Capabilities({
    browserName: 'wry',
    pageLoadStrategy: 'normal',
    'webkitgtk:browserOptions': { binary, args },
  })
  const driver = await until('the WebDriver takes a window', () =>
    new Builder().usingServer(driverUrl).withCapabilities(capabilities).build(),
  )
  await driver.manage().setTimeouts({ script: 30_000, pageLoad: 30_000 })
  const window = new WalletWindow(driver, () => findProcess(binary, args, display))
  await window.listen()
  return window
}

/** Waits until `probe` gives something true; errors on the way are the answer only when time is up. */
export async function until(what, probe, deadline = DEADLINE) {
  const end = Date.now() + deadline
  for (;;) {
    let last
    try {
      const value = await probe()
      if (value) return value
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`, { cause: last })
    await sleep(50)
  }
}

class WalletWindow {
  /** `process` gives the id of the program's process. */
  constructor(driver, process) {
    Object.assign(this, { driver, process })
  }

  /** Runs a script in the page. */
  run(script, ...args) {
    return this.driver.executeScript(script, ...args)
  }

  /** Calls a command of the program, past the page: the code that it fails with, or `undefined`. */
  command(name, values) {
    const script = `const done = arguments[arguments.length - 1]
      window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1]).then(() => done(null), (error) => done(error.code ?? String(error)))`
    return this.driver.executeAsyncScript(script, name, values).then((code) => code ?? undefined)
  }

  /** Begins to gather violations of the policy; a page that was loaded anew must be told again. */
  listen() {
    return this.run(`if (!window.__violations) {
      window.__violations = []
      addEventListener('securitypolicyviolation', (event) =>
        window.__violations.push(event.violatedDirective + ' ' + event.blockedURI))
    }`)
  }

  /** The violations since `listen`; a page to which nobody listens has none, so that is an error. */
  async violations() {
    const found = await this.run('return window.__violations ?? null')
    if (found === null) throw new Error('nobody listens to this page')
    return found
  }

  /** Waits for what `data-testid` names. */
  find(id) {
    return until(`${id} is there`, () => this.driver.findElement(By.css(`[data-testid="${id}"]`)))
  }

  /** Whether it is there now. */
  async has(id) {
    return (await this.driver.findElements(By.css(`[data-testid="${id}"]`))).length > 0
  }

  /** Whether it is in view now. */
  async visible(id) {
    const [element] = await this.driver.findElements(By.css(`[data-testid="${id}"]`))
    return element ? element.isDisplayed() : false
  }

  /** Chooses one of a group's radio buttons by its value; `id` is how their `data-testid` begin. */
  async choose(id, value) {
    await until(`${value} is chosen`, async () => {
      const button = await this.driver.findElement(By.css(`[data-testid^="${id}-"][value="${value}"]`))
      await this.run('arguments[0].click()', button)
      return button.isSelected()
    })
  }

  /** All elements that `data-testid` names. */
  all(id) {
    return this.driver.findElements(By.css(`[data-testid="${id}"]`))
  }

  /** Waits until one of several is there. */
  until(ids) {
    return until(`${ids.join(' or ')} is there`, async () => {
      for (const id of ids) if (await this.has(id)) return id
      return undefined
    })
  }

  /** Clicks the button beside what `data-testid` names. */
  async press(id) {
    const element = await this.find(id)
    await this.run('arguments[0].parentElement.querySelector("button").click()', element)
  }

  /** Waits until an error is in view, and gives its code. */
  async problem() {
    const element = await this.find('problem')
    return element.getAttribute('data-code')
  }

  /** Waits until it is gone. */
  gone(id) {
    return until(`${id} is gone`, async () => !(await this.has(id)))
  }

  /** Clicks what `data-testid` names, once it can be clicked. */
  async click(id) {
    await until(`${id} is clicked`, async () => {
      const element = await this.driver.findElement(By.css(`[data-testid="${id}"]`))
      if (!(await element.isEnabled())) return false
      await this.run('arguments[0].scrollIntoView({ block: "center" })', element)
      await element.click()
      return true
    })
  }

  /** Types into a field, in place of what it holds. */
  async type(id, text) {
    const field = await this.find(id)
    await field.clear()
    await field.sendKeys(text)
  }

  /** Waits until the page says something. */
  says(text) {
    return until(`the window says ${text}`, async () => (await this.text()).includes(text))
  }

  /** What the page says. */
  text() {
    return this.run('return document.body.innerText')
  }

  /** Waits until an element says something, and gives it. */
  async textOf(id) {
    const element = await this.find(id)
    return element.getText()
  }

  /** All that the page holds: to look for what must not be left. */
  html() {
    return this.run('return document.documentElement.outerHTML')
  }

  /** Gives a picture file to the file input of the page. */
  async file(id, picture) {
    const input = await this.find(id)
    await input.sendKeys(picture)
  }

  /** A picture of the window (PNG bytes). */
  async picture() {
    return Buffer.from(await this.driver.takeScreenshot(), 'base64')
  }

  /** Reads the QR codes that the window shows now. */
  async codes() {
    return readCodes(await this.picture())
  }

  /** Checks the screen with axe-core. */
  check(what) {
    return checkWindow(this.driver, what)
  }

  /** Closes the window and waits for its program's end: one that starts before that would only greet it. */
  async close() {
    const { driver } = this
    if (!driver) return
    this.driver = undefined
    const id = await this.process()
    await driver.quit()
    await until('the program has ended', () => !id || hasEnded(id))
  }
}
