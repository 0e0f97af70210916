// Takes pictures of screens for the documentation.
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import sharp from 'sharp'

const WIDEST = 1280

/**
 * Makes `shoot(screen, name)`, which writes `<name>-<language>-<theme>.png` in light and dark. A screen is a page of Chromium
 * or the wallet's window; `name` begins with the face: `counter-verdict`.
 */
export function shooter(folder, language) {
  return async (screen, name) => {
    await mkdir(folder, { recursive: true })
    for (const theme of ['light', 'dark']) {
      await dress(screen, theme)
      const file = path.join(folder, `${name}-${language}-${theme}.png`)
      await writeFile(file, await compress(await take(screen)))
    }
    await dress(screen, 'light')
  }
}

// Buttons fade from one theme's colours to the other's: the picture waits for the end of it.
const SETTLE = `document.documentElement.dataset.theme = THEME
  document.activeElement?.blur?.()
  const painted = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true))))
  const faded = () => Promise.all(document.getAnimations()
    .filter((animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime))
    .map((animation) => animation.finished.catch(() => {})))
  return document.fonts.ready.then(painted).then(faded).then(painted)`

async function dress(screen, theme) {
  const script = SETTLE.replace('THEME', JSON.stringify(theme))
  if (screen.driver) {
    await screen.driver.executeAsyncScript(`const done = arguments[0]; (function () { ${script} })().then(done)`)
  } else {
    await screen.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await screen.evaluate(new Function(script))
  }
}

function take(screen) {
  return screen.driver ? screen.picture() : screen.screenshot({ animations: 'disabled' })
}

async function compress(picture) {
  const { width } = await sharp(picture).metadata()
  const image = width > WIDEST ? sharp(picture).resize(WIDEST) : sharp(picture)
  return image.png({ palette: true, colours: 96, effort: 10, compressionLevel: 9 }).toBuffer()
}
