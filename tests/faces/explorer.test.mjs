// The explorer's page as somebody uses it who wants to see that no single agency is in control, on a real network.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { check } from './lib/axe.mjs'
import { launch } from './lib/browser.mjs'
import { startLedger } from './lib/ledger.mjs'
import { programs } from './lib/stack.mjs'

const run = promisify(execFile)
let ledger
let reader
let page
const testId = (id) => page.getByTestId(id)

before(async () => {
  ledger = await startLedger()
  reader = await launch({ viewport: { width: 1280, height: 900 } })
  await reader.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  page = await reader.open(ledger.url)
  await testId('validator').first().waitFor()
})
after(async () => {
  await reader?.close()
  await ledger?.stop()
})

const goTo = (hash) => page.evaluate((to) => (location.hash = to), hash)
/** Goes to a screen and waits for a part of it. */
async function open(hash, part) {
  await goTo('#/nowhere')
  await goTo(hash)
  await testId(part).first().waitFor()
}
const attribute = (id, name, value, timeout = 20_000) =>
  page.locator(`[data-testid=${id}][data-${name}="${value}"]`).first().waitFor({ state: 'attached', timeout })
/** Waits until the ledger has a block. */
async function reach(height) {
  const deadline = Date.now() + 120_000
  while ((await ledger.get('v1/overview')).height < height) assert.ok(Date.now() < deadline, `no block ${height}`)
}
const step = (name, result) => page.locator(`[data-step=${name}][data-result=${result}]`).waitFor()

describe('the page', () => {
  it('is served at / without cookies and under a strict policy', async () => {
    const response = await fetch(`${ledger.url}/`)
    const policy = response.headers.get('content-security-policy')
    assert.match(policy, /default-src 'none'/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.doesNotMatch(policy, /unsafe-inline|https?:/)
    assert.equal(response.headers.get('set-cookie'), null)
    assert.deepEqual(await reader.context.cookies(), [])
  })

  it('leaves the API its answers', async () => {
    const missing = await fetch(`${ledger.url}/v1/nothing`)
    assert.equal(missing.status, 404)
    assert.equal((await missing.json()).code, 'not_found')
    const description = await ledger.get('openapi.json')
    for (const route of ['/v1/overview', '/v1/blocks/{height}', '/v1/dids/{did}/history', '/v1/accreditations']) {
      assert.ok(description.paths[route], route)
    }
  })
})

describe('overview', () => {
  before(() => open('#/', 'validator'))

  it('shows every validator, its state and how many certificates it signed', async () => {
    assert.equal(await testId('validator').count(), 4)
    assert.equal(await page.locator('[data-testid=validator][data-role=voting]').count(), 4)
    await check(page, 'overview')
  })

  it('goes on by itself', async () => {
    const height = async () => Number((await testId('height').innerText()).replaceAll(',', ''))
    const before = await height()
    await page.waitForFunction((from) => Number(document.querySelector('[data-testid=height]').innerText.replaceAll(',', '')) > from, before)
    assert.ok((await height()) > before)
  })

  it('asks nothing while nobody looks', async () => {
    const asked = []
    const listener = (request) => asked.push(request.url())
    const hide = (hidden) =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => value })
        document.dispatchEvent(new Event('visibilitychange'))
      }, hidden)
    await hide(true)
    await page.waitForLoadState('networkidle')
    page.on('request', listener)
    await ledger.get('v1/overview')
    // A block a second goes by on the ledger meanwhile, and the page would have asked for each.
    const { height } = await ledger.get('v1/overview')
    for (;;) if ((await ledger.get('v1/overview')).height >= height + 4) break
    assert.deepEqual(asked, [])
    const again = page.waitForRequest((request) => request.url().endsWith('v1/overview'))
    await hide(false)
    await again
    page.off('request', listener)
  })

  it('speaks English and is dark when asked to be', async () => {
    await page.locator('footer input[value=en]').check({ force: true })
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    await check(page, 'overview in English')
    await page.locator('footer input[value=dark]').check({ force: true })
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark')
    await check(page, 'overview, dark')
    await page.locator('footer input[value=light]').check({ force: true })
    await page.locator('footer input[value=ko]').check({ force: true })
  })

  it('fits a phone and a wall', async () => {
    for (const [width, height] of [[360, 740], [1920, 1080]]) {
      await page.setViewportSize({ width, height })
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      assert.equal(beyond, 0, `at ${width}`)
      await check(page, `overview at ${width}`)
    }
    await page.setViewportSize({ width: 1280, height: 900 })
  })
})

describe('blocks and operations', () => {
  it('pages through the blocks', async () => {
    await reach(40)
    await open('#/blocks?before=40', 'block')
    assert.equal(await testId('block').first().innerText(), '39')
    await testId('older').click()
    await page.waitForFunction(() => document.querySelector('[data-testid=block]')?.innerText === '14')
    assert.equal(await testId('block').last().innerText(), '0')
    assert.equal(await testId('older').count(), 0)
    await check(page, 'blocks')
  })

  it('shows who signed a block and what its operations did in plain words', async () => {
    const { entries } = await ledger.get(`v1/dids/${ledger.agencies.jongno}/history`)
    const accredited = entries.find(({ operation }) => operation.kind === 'accredit').operation
    await open(`#/blocks/${accredited.height}`, 'signers')
    assert.ok((await page.locator('[data-testid=signers] li.signed').count()) >= 3)
    await page.getByTestId('operations').getByText('서울특별시가 서울특별시 종로구를 발급기관으로 인가했습니다').click()
    await testId('effect').waitFor()
    assert.match(await testId('facts').innerText(), new RegExp(accredited.hash))
    await check(page, 'operation')
  })

  it('finds a DID, a block and an operation, and says what it can find', async () => {
    const { entries } = await ledger.get(`v1/dids/${ledger.agencies.seoul}/history`)
    const search = async (text, part) => {
      await testId('search').fill(text)
      await testId('search').press('Enter')
      await testId(part).first().waitFor()
    }
    await search(ledger.agencies.seoul, 'did')
    await search('3', 'signers')
    await search(entries[0].operation.hash, 'effect')
    await testId('search').fill('서울')
    await testId('search').press('Enter')
    await page.getByText('DID(did:jumin:…), 작업 해시(43자) 또는 블록 높이(숫자)를 입력하세요.').waitFor()
    await check(page, 'search')
    await testId('search').fill('')
  })

  it('says so where there is nothing', async () => {
    await open('#/blocks/99999999', 'missing')
    await open(`#/operations/${'A'.repeat(43)}`, 'missing')
    await open('#/dids/did:web:example.org', 'missing')
    await check(page, 'nothing there')
  })

  it('says from where on the history of a node goes', async () => {
    await page.route('**/v1/blocks?*', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, json: { ...(await response.json()), first: 7 } })
    })
    await open('#/blocks', 'nodes-word')
    assert.equal(await testId('nodes-word').getAttribute('data-first'), '7')
    await page.getByText('이 노드의 이력은 블록 7부터 있습니다').waitFor()
    await page.unroute('**/v1/blocks?*')
  })
})

describe('a node that sends anything', () => {
  it('cannot take the page with it', async () => {
    await page.route('**/v1/blocks/3', (route) => route.fulfill({ json: { summary: { height: 'x', time_ms: {} }, signers: 7, operations: null } }))
    await open('#/blocks/3', 'boundary')
    await check(page, 'an answer that cannot be drawn')
    await page.unroute('**/v1/blocks/3')
    await open('#/blocks/4', 'signers')
  })
})

describe('a DID', () => {
  it('shows document, accreditations, anchors and what happened', async () => {
    await open(`#/dids/${ledger.agencies.jongno}`, 'entry')
    await attribute('standing', 'standing', 'active')
    assert.match(await testId('grants').innerText(), /발급기관/)
    assert.match(await testId('anchors').innerText(), /jongno\.example/)
    assert.equal(await testId('entry').count(), 5)
    assert.match(await testId('history').innerText(), /신원 문서를 2판으로 바꿨습니다/)
    await check(page, 'DID')
  })

  it('shows one that was deactivated and one that is not created yet', async () => {
    await open(`#/dids/${ledger.agencies.mapo}`, 'standing')
    await attribute('standing', 'standing', 'deactivated')
    await open(`#/dids/${ledger.agencies.waiting}`, 'standing')
    await attribute('standing', 'standing', 'absent')
    await check(page, 'DID not created')
  })
})

describe('the accreditation tree', () => {
  const node = (name) => page.locator(`[data-testid=tree-node][data-id$="${ledger.agencies[name]}"]`)

  it('shows three steps, and what ended not by colour alone', async () => {
    await open('#/accreditations', 'tree-node')
    assert.equal(await testId('tree-node').count(), 10)
    assert.equal(await node('jongno').getAttribute('data-holds'), 'true')
    for (const name of ['gangnam', 'mapo', 'waiting']) {
      assert.equal(await node(name).getAttribute('data-holds'), 'false', name)
      assert.equal(await node(name).locator('path.mark').count(), 1, name)
    }
    const place = async (name) => (await node(name).boundingBox()).x
    assert.ok((await place('ministry')) < (await place('seoul')) && (await place('seoul')) < (await place('jongno')))
    await check(page, 'tree')
  })

  it('is walked with the keyboard', async () => {
    await page.locator('[data-testid=tree-node][data-id=governance]').focus()
    const focused = () => page.evaluate(() => document.activeElement.dataset.id)
    await page.keyboard.press('ArrowRight')
    assert.notEqual(await focused(), 'governance')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowLeft')
    assert.equal(await focused(), 'governance')
    await node('jongno').focus()
    await page.keyboard.press('Enter')
    await testId('tree-details').waitFor()
    assert.match(await testId('tree-details').innerText(), /서울특별시 종로구[\s\S]*발급기관[\s\S]*주민등록증/)
    await check(page, 'tree details')
  })

  it('is the same as a list', async () => {
    await page.locator('input[value=list]').check({ force: true })
    assert.equal(await page.locator('[data-testid=tree-list] button').count(), 10)
    await page.locator(`[data-testid=tree-list] button[data-id$="${ledger.agencies.gangnam}"]`).click()
    assert.match(await testId('tree-details').innerText(), /종료됨/)
    await check(page, 'list')
    await page.locator('input[value=picture]').check({ force: true })
  })

  it('shows nothing where nobody is accredited', async () => {
    await page.route('**/v1/accreditations?*', (route) => route.fulfill({ json: { height: 1, accreditations: [], next: null } }))
    await open('#/accreditations', 'tree-empty')
    await check(page, 'no tree')
    await page.unroute('**/v1/accreditations?*')
  })

  it('shows that ending one takes the effect from those below, and bears 200', async () => {
    await ledger.tell('end ministry')
    await ledger.tell('more 200')
    await open('#/accreditations', 'tree-node')
    assert.equal(await testId('tree-node').count(), 210)
    for (const name of ['ministry', 'seoul', 'jongno', 'haeundae']) {
      assert.equal(await node(name).getAttribute('data-holds'), 'false', name)
    }
    assert.equal(await node('transport').getAttribute('data-holds'), 'true')
    assert.match(await node('jongno').getAttribute('aria-label'), /위 인가가 끝나 효력 없음/)
    await check(page, 'tree of 210')
  })
})

describe('checking a proof', () => {
  it('shows each step for what the node says, with the caveat', async () => {
    await open(`#/check?record=did/${ledger.agencies.jongno}`, 'verdict')
    await attribute('verdict', 'proven', 'true')
    await attribute('verdict', 'exists', 'true')
    for (const name of ['trust', 'answer', 'handovers', 'checkpoint', 'signatures', 'age', 'path', 'value']) await step(name, 'ok')
    await attribute('trust', 'own', 'false')
    await page.getByText('주의: 검증 노드가 누구인지 이 노드에게 물었습니다').waitFor()
    await check(page, 'check')
  })

  it('believes the validators of a file that the reader chooses', async () => {
    await testId('trust-file').setInputFiles(ledger.trust)
    await attribute('trust', 'own', 'true')
    await testId('run').click()
    await page.getByText('내 신뢰 파일의 검증 노드 정족수가 서명했습니다').waitFor()
    await check(page, 'check with own file')
  })

  it('proves that something does not exist', async () => {
    await open('#/check?record=type/urn:none', 'verdict')
    await attribute('verdict', 'exists', 'false')
  })

  const flip = (text, at) => {
    const bytes = Buffer.from(text, 'base64url')
    bytes[at] ^= 1
    return bytes.toString('base64url')
  }
  const lies = [
    ['the value', 'path', (answer) => ({ ...answer, value: flip(answer.value, 30) })],
    ['the state root', 'signatures', (answer) => ({ ...answer, checkpoint: flip(answer.checkpoint, 2 + 4 + 24 + 32) })],
    ['a signature', 'signatures', (answer) => ({ ...answer, checkpoint: flip(answer.checkpoint, Buffer.from(answer.checkpoint, 'base64url').length - 1) })],
    ['that there is nothing', 'path', (answer) => ({ ...answer, value: null })],
    ['about another record', 'answer', (answer) => ({ ...answer, key: 'governance' })],
  ]
  for (const [what, failed, lie] of lies) {
    it(`shows a node that lies: ${what}`, async () => {
      await page.route('**/v1/records/**', async (route) => {
        const response = await route.fetch()
        await route.fulfill({ response, json: lie(await response.json()) })
      })
      await open(`#/check?record=did/${ledger.agencies.jongno}`, 'verdict')
      await attribute('verdict', 'proven', 'false')
      await step(failed, 'failed')
      await page.getByText('이 응답을 믿지 마세요').waitFor()
      await check(page, `a lie: ${what}`)
      await page.unroute('**/v1/records/**')
    })
  }

  it('finds a made-up network out by the reader’s file', async () => {
    const other = await startLedger(1)
    try {
      await page.route('**/v1/**', async (route) => {
        const { pathname, search } = new URL(route.request().url())
        await route.fulfill({ response: await route.fetch({ url: `${other.url}${pathname}${search}` }) })
      })
      await open('#/check?record=governance', 'verdict')
      await attribute('verdict', 'proven', 'false')
      await page.locator('[data-step=signatures][data-code=not_this_committee]').waitFor()
    } finally {
      await page.unroute('**/v1/**')
      await other.stop()
    }
  })

  it('gives the command that checks the same, and it does', async () => {
    await open(`#/check?record=accreditation/${ledger.agencies.jongno}/issuer`, 'verdict')
    const command = await testId('command').locator('code').innerText()
    await testId('command').getByRole('button').click()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), command)
    const [program, ...arguments_] = command.replace('network.json', ledger.trust).split(' ')
    const { stdout } = await run(path.join(programs, program), arguments_)
    assert.match(stdout, /proven: accreditation\//)
  })

  it('saves the answer, which the command checks without the network', async () => {
    const download = page.waitForEvent('download')
    await page.getByText('응답 저장', { exact: true }).click()
    const file = ledger.path('answer.json')
    await (await download).saveAs(file)
    const record = `accreditation/${ledger.agencies.jongno}/issuer`
    const arguments_ = ['check', '--network', ledger.trust, '--answer', file, record]
    const program = path.join(programs, 'jumin-registry-node')
    assert.match((await run(program, arguments_)).stdout, /proven: accreditation\//)
    const answer = JSON.parse(await readFile(file, 'utf8'))
    await writeFile(file, JSON.stringify({ ...answer, value: flip(answer.value, 30) }))
    await assert.rejects(run(program, arguments_), ({ code, stdout }) => code === 1 && /FAILED path/.test(stdout))
  })
})

describe('when things stop', () => {
  it('says that the network stands when too few validators run', async () => {
    await open('#/', 'validator')
    await ledger.tell('kill 1')
    await ledger.tell('kill 2')
    await attribute('node-state', 'state', 'stale', 90_000)
    await check(page, 'a network that stands')
    await ledger.tell('start 1')
    await attribute('node-state', 'state', 'ok', 90_000)
  })

  it('says that the node is away, keeps what it had, and goes on when it is back', async () => {
    await open('#/', 'validator')
    await ledger.tell('kill 0')
    await attribute('node-state', 'state', 'down')
    assert.equal(await testId('validator').count(), 4)
    await check(page, 'a node that is away')
    await ledger.tell('start 2')
    await ledger.tell('start 0')
    await attribute('node-state', 'state', 'ok', 90_000)
  })
})
