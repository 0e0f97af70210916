/**
 * Plays the program behind the window, for work on the pages in a browser: `vite --mode mock`, then for example
 * `?state=unlocked&lang=en&theme=dark`. `state`: new, locked, unlocked, no_network, unusable; `keyring=0`; `empty=1`; `long=1` (hostile names);
 * `status`: valid, suspended, revoked, key_ended, issuer_not_accredited, issuer_deactivated, unknown; `link=…`; `error=CODE` with `at=COMMAND[,COMMAND]`; `slow=MILLISECONDS`; `frames=N`; `unknown=1`
 * (who asks is not accredited); `beyond=1` (it asks for more than it may); `code=0` (an offer without a transaction code); `unchecked=1` (its issuer can't be checked). PIN: 246810.
 */
import { emit } from '@tauri-apps/api/event'
import { mockIPC } from '@tauri-apps/api/mocks'
import type { AppState, Checked, Consent, Party, Preferences, Scan } from '@jumin/shared/types/wallet.ts'
import { activity, both, code, days, detail, documents, groups, long, now, numberClaim, office, query, resident, residentFace, tax, hostile } from './sample'

type Values = Record<string, unknown>
const fail = (code: string, values: Record<string, string | number> = {}) => {
  throw { code, values }
}
const keyring = query.get('keyring') !== '0'
const checked: Checked = { online: !query.has('offline'), block: 48_211, age_seconds: query.has('offline') ? 9 * 3600 : 2 }

const app: AppState = {
  state: (query.get('state') as AppState['state'] | null) ?? 'unlocked',
  problem: query.get('state') === 'unusable' ? { code: query.get('error') ?? 'vault_damaged', values: { file: 'wallet.db' } } : null,
  protection: ['new', 'no_network'].includes(query.get('state') ?? '') ? null : keyring ? 'keyring' : 'passphrase',
  keyring_available: keyring,
  network: query.get('state') === 'no_network' ? null : 'jumin-test',
  preferences: {
    language: query.get('lang') as Preferences['language'],
    theme: (query.get('theme') as Preferences['theme'] | null) ?? 'system',
    lock_minutes: Number(query.get('lock') ?? 5),
  },
}
let wrong = 0
let received = 0
let link = query.get('link')

const reach = query.has('beyond')
  ? { may_ask: [both('성명', 'Name'), both('생년월일', 'Date of birth')], beyond: [both('주민등록번호', 'Resident registration number'), both('사진', 'Portrait')] }
  : { may_ask: null, beyond: [] }
const party: Party = query.has('unknown')
  ? { id: 'x509_hash:9f2c', did: null, name: long ? both(hostile, hostile) : null, accredited: false, not_accredited_because: 'not_accredited', unchecked: false, may_ask: null, beyond: [], checked }
  : { id: 'did:jumin:test:tax', did: 'did:jumin:test:tax', name: long ? office : tax, accredited: true, not_accredited_because: null, unchecked: false, ...reach, checked }

function consent(mode: Consent['mode'], id = 'resident'): Consent {
  const document = documents.find((one) => one.id === id)
  if (!document) return fail('nothing_fits')
  const [person, address, age] = groups
  return {
    verifier: party, mode, response_uri: mode === 'online' ? 'https://verify.example.go.kr/answer' : null, expires: now() + 120,
    documents: [{
      query_id: 'resident', document, disclosed: [...person!.claims.filter(({ path }) => path.startsWith('name.hangul') || path === 'birthdate' || path === 'portrait'), numberClaim, ...address!.claims.slice(0, 3)],
      always: groups[3]!.claims, hidden: [...person!.claims.slice(2, 4), ...age!.claims].map(({ label }) => label), reused: document.copies_left === 0,
    }],
    alternatives: documents.filter((one) => one.id !== id && one.state === 'valid'),
  }
}

function scan(text: string): Scan {
  const frames = Number(query.get('frames') ?? 1)
  if (++received < frames) return { kind: 'progress', received, needed: frames }
  received = 0
  if (/^(openid-credential-offer|haip-vci):/i.test(text)) {
    const transaction_code = query.get('code') === '0' ? null : { numeric: true, length: 6, description: null }
    const unchecked = query.has('unchecked')
    const silent = unchecked ? { accredited: false, not_accredited_because: 'ledger_unreachable', unchecked, checked: null } : {}
    const issuer = { ...party, id: 'did:jumin:test:z6Mk', name: query.has('unknown') || unchecked ? null : office, ...silent }
    return { kind: 'offer', offer: { documents: [{ name: resident, card: { ...residentFace, title: '', portrait: null, lines: [] } }], issuer_url: 'https://issuer.example.go.kr', issuer, transaction_code } }
  }
  if (!/^(openid4vp|haip-vp|JM|[A-Z0-9 $%*+\-./:]+$)/.test(text)) fail('code_unreadable')
  return { kind: 'request', consent: consent(/^(openid4vp|haip-vp):/.test(text) ? 'online' : 'qr') }
}

const answer = (mode: Consent['mode']) => ({
  mode, verifier: party, frames: mode === 'online' ? [] : Array.from({ length: Number(query.get('shown') ?? 1) }, () => code()),
  until: now() + (mode === 'one-way' ? 60 : 120), copies_left: 6, disclosed: consent(mode).documents[0]!.disclosed.map(({ label }) => label), redirect: mode === 'online',
})
let mode: Consent['mode'] = 'qr'

function unlock(secret: string): AppState {
  if (wrong >= 10) fail('pin_locked_out')
  if (secret === '246810') return Object.assign(app, { state: 'unlocked' })
  wrong += Number(query.get('wrong') ?? 1)
  if (wrong >= 10) fail('pin_locked_out')
  const seconds = wrong >= 5 ? 30 : 0
  return fail('wrong_pin', keyring ? { left: 10 - wrong, seconds } : { seconds })
}

const commands: Record<string, (values: Values) => unknown> = {
  app_state: () => ({ ...app }),
  set_preferences: ({ preferences }) => (app.preferences = preferences as Preferences),
  choose_network: ({ text }) => (String(text).includes('nodes') ? Object.assign(app, { state: 'new', network: 'jumin-test' }) : fail('bad_trust_file')),
  replace_network: ({ text }) => (String(text).includes('nodes') ? null : fail('bad_network_file')),
  create_wallet: ({ secret, keyring }) => {
    if (String(secret).length < (keyring ? 6 : 10)) fail(keyring ? 'pin_too_short' : 'passphrase_too_short')
    return Object.assign(app, { state: 'unlocked', protection: keyring ? 'keyring' : 'passphrase' })
  },
  unlock: ({ secret }) => unlock(String(secret)),
  lock: () => void emit('locked'),
  change_secret: ({ old }) => (old === '246810' ? null : fail('wrong_pin', { left: 9, seconds: 0 })),
  erase_wallet: () => Object.assign(app, { state: 'new', protection: null }),
  touch: () => null,
  about: () => ({ version: '0.1.0', network: 'jumin-test', nodes: ['https://node1.example.go.kr', 'https://node2.example.go.kr'], folder: '/home/haneul/.local/share/kr.jumin.wallet', protection: app.protection, records: checked }),
  sync: () => checked,
  documents: () => documents,
  document: ({ id }) => detail(String(id)),
  reveal: () => '900101-2345678',
  document_status: () => {
    const status = query.get('status') ?? 'valid'
    return { status, reason: status === 'unknown' ? 'unreachable' : null, checked_at: now() - 4, list_age_seconds: 240, block: 48_211 }
  },
  delete_document: ({ id }) => void documents.splice(documents.findIndex((one) => one.id === id), 1),
  activity: ({ search, document }) =>
    activity.filter((one) => (!document || one.document === document) && (!search || JSON.stringify(one).includes(String(search)))),
  scan: ({ text }) => {
    const found = scan(String(text))
    if (found.kind === 'request') mode = found.consent.mode
    return found
  },
  reset_scan: () => void (received = 0),
  accept_offer: ({ transactionCode }) => (transactionCode === '000000' ? fail('offer_refused') : { ...documents[0], accepted_at: now(), expires: days(900) }),
  discard_offer: () => null,
  choose_document: ({ document }) => consent(mode, String(document)),
  answer: () => answer(mode),
  decline: () => null,
  agencies: () => [{ did: 'did:jumin:test:tax', name: tax }, { did: 'did:jumin:test:z6Mk', name: office }, { did: 'did:jumin:test:nhis', name: both('국민건강보험공단', 'National Health Insurance Service') }],
  services: () => [{ service: 'age-19', name: both('19세 이상 확인', 'Over 19') }, { service: 'address', name: both('주소 확인', 'Address') }, { service: 'identity', name: both('신원 확인', 'Identity') }],
  one_way_consent: ({ document }) => consent((mode = 'one-way'), document ? String(document) : undefined),
  one_way_show: () => answer('one-way'),
  one_way_redraw: () => [code()],
  finish_showing: () => null,
  open_redirect: () => null,
  take_link: () => {
    const waiting = link
    link = null
    return waiting
  },
}

/** Puts the mock in the program's place. */
export function startMock(): void {
  const failing = (query.get('at') ?? 'unlock,documents,document,activity,scan,accept_offer,answer,one_way_show,sync,change_secret').split(',')
  mockIPC(
    async (command, values) => {
      await new Promise((done) => setTimeout(done, Number(query.get('slow') ?? 0)))
      const error = query.get('error')
      if (error && failing.includes(command) && app.state !== 'unusable') fail(error, { seconds: 30, left: 3, file: 'wallet.db', name: '홍길동', needed: 3, received: 1 })
      const known = commands[command]
      return known ? structuredClone(known((values ?? {}) as Values)) : fail('internal')
    },
    { shouldMockEvents: true },
  )
  Object.assign(window, { mockLink: (text: string) => ((link = text), emit('link')), mockLocked: () => emit('locked') })
}
