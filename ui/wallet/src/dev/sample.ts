import type { Activity, CardFace, Claim, ClaimGroup, CodeDrawing, DocumentDetail, DocumentSummary, Localized } from '@jumin/shared/types/wallet.ts'

const query = new URLSearchParams(location.search)
const long = query.has('long')
export const now = () => Math.floor(Date.now() / 1000)
const both = (ko: string, en: string): Localized => ({ ko, en })
const days = (count: number) => now() + count * 86_400

/** A name as an attacker or an unlucky citizen would have it. */
const hostile = '<img src=x onerror=alert(1)>김아주아주긴이름을가진사람‮שלום عليكم Wolfeschlegelsteinhausenbergerdorff'
const person = long ? hostile : '김하늘'
const office = long
  ? both('<b>서울특별시</b> 종로구 청운효자동 주민자치회관 겸 민원통합처리센터 제2별관 عربى 창구', '<b>Seoul</b> Jongno-gu Cheongunhyoja-dong Integrated Civil Petition Processing Centre, Second Annexe')
  : both('서울특별시 종로구', 'Jongno-gu, Seoul')

export const portrait = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 70 90"><rect width="70" height="90" fill="#dbe4ef"/><path d="M6 90c2-20 14-27 29-27s27 7 29 27z" fill="#3b4a63"/><path d="M28 52h14v13c-3 5-11 5-14 0z" fill="#e9bf9d"/><ellipse cx="35" cy="39" rx="15" ry="19" fill="#f1cdae"/><path d="M18 40c-3-22 8-29 18-29 12 0 19 9 16 29-2-12-8-15-17-15s-15 4-17 15z" fill="#2b2622"/></svg>',
)}`

const face = (background: string, title: string, lines: [Localized, string][], picture: string | null = null): CardFace => ({
  background,
  text: '#ffffff',
  title,
  portrait: picture,
  lines: lines.map(([label, value]) => ({ label, value })),
})
const resident = both('주민등록증', 'Resident Registration Card')
const household = both('주민등록표 등본', 'Household Register Copy')
const individual = both('주민등록표 초본', 'Individual Register Abstract')
const names = { name: both('성명(한글)', 'Name (Hangul)'), birth: both('생년월일', 'Date of birth'), issued: both('발급일', 'Date of issue'), office: both('발급기관', 'Issuing authority') }
export const residentFace = face('#1d4f8c', person, [[names.issued, '2026-03-02'], [names.office, office.ko]], portrait)

const base = { issuer: 'did:jumin:test:z6Mk', issuer_name: office, issued_at: days(-90), accepted_at: days(-89), copies: 10 }
export const documents: DocumentSummary[] = query.has('empty') ? [] : [
  { ...base, id: 'resident', vct: 'urn:jumin:resident-card:1', name: resident, expires: days(900), state: 'valid', copies_left: 7, card: residentFace },
  { ...base, id: 'household', vct: 'urn:jumin:household-register:1', name: household, expires: days(60), state: 'valid', copies_left: 1, card: face('#2f6b4f', person, [[names.issued, '2026-03-02'], [names.office, office.ko]]) },
  { ...base, id: 'individual', vct: 'urn:jumin:individual-register:1', name: individual, expires: days(-4), state: 'expired', copies_left: 0, card: face('#7a4a21', person, [[names.issued, '2025-11-18']]) },
]

const claim = (path: string, ko: string, en: string, value: Claim['value'] | string): Claim => ({
  path, label: both(ko, en), selectively_disclosable: true, value: typeof value === 'string' ? { kind: 'text', text: value } : value,
})
export const numberClaim = claim('resident_registration_number', '주민등록번호', 'Resident registration number', { kind: 'masked', text: '900101-2******' })
const groups: ClaimGroup[] = [
  { key: 'person', label: null, entry: null, claims: [
    claim('portrait', '사진', 'Portrait', { kind: 'picture', src: portrait }),
    claim('name.hangul', '성명(한글)', 'Name (Hangul)', person),
    claim('name.hanja', '성명(한자)', 'Name (Hanja)', '金하늘'),
    claim('name.roman', '성명(로마자)', 'Name (Roman)', 'Kim Haneul'),
    numberClaim,
    claim('birthdate', '생년월일', 'Date of birth', { kind: 'date', date: '1990-01-01' }),
    claim('sex', '성별', 'Sex', 'female'),
  ] },
  { key: 'address', label: null, entry: null, claims: [
    claim('address.sido', '시·도', 'Province or metropolitan city', '서울특별시'),
    claim('address.sigungu', '시·군·구', 'City, county or district', '종로구'),
    claim('address.eupmyeondong', '읍·면·동', 'Town, township or neighbourhood', '청운효자동'),
    claim('address.road', '도로명', 'Road name and number', long ? hostile : '자하문로 77'),
    claim('address.detail', '상세주소', 'Address detail', '203동 1501호'),
  ] },
  { key: 'age', label: null, entry: null, claims: [
    claim('age.14', '14세 이상', '14 or older', { kind: 'yes_no', yes: true }),
    claim('age.19', '19세 이상', '19 or older', { kind: 'yes_no', yes: true }),
    claim('age.65', '65세 이상', '65 or older', { kind: 'yes_no', yes: false }),
  ] },
  { key: 'document', label: null, entry: null, claims: [
    claim('issuing_authority', '발급기관', 'Issuing authority', office.ko),
    claim('issue_date', '발급일', 'Date of issue', { kind: 'date', date: '2026-03-02' }),
  ] },
]
const members: ClaimGroup[] = ['김하늘', '이바다', '김가람'].map((name, index) => ({
  key: 'household', label: both('세대원', 'Household member'), entry: index + 1, claims: [
    claim(`members.${index}.name`, '성명', 'Name', name),
    claim(`members.${index}.relation`, '세대주와의 관계', 'Relation to the head', ['본인', '배우자', '자녀'][index]!),
    claim(`members.${index}.rrn`, '주민등록번호', 'Resident registration number', { kind: 'masked', text: '900101-2******' }),
  ],
}))

const party = (name: Localized | null, accredited = true) => ({ id: 'did:jumin:test:counter', name, accredited })
const entry = (hours: number, kind: Activity['kind'], who: Activity['party'], claims: Localized[], outcome = 'done', document = 'resident'): Activity => ({
  at: now() - hours * 3600, kind, document, document_name: documents.find(({ id }) => id === document)?.name ?? resident, party: who, claims, outcome,
})
const tax = both('종로세무서 민원실', 'Jongno Tax Office')
export const activity: Activity[] = query.has('empty') ? [] : [
  entry(1, 'shown', party(long ? office : tax), [names.name, names.birth, both('주소', 'Address')]),
  entry(3, 'sent', party(both('온라인 은행', 'Online Bank')), [names.name, both('19세 이상', '19 or older')], 'sending'),
  entry(26, 'shown-one-way', party(both('국민건강보험공단', 'National Health Insurance Service')), [names.name]),
  entry(27, 'sent', party(null, false), [names.name, both('19세 이상', '19 or older')], 'unreachable'),
  entry(50, 'deleted', null, [], 'done', 'gone'),
  entry(24 * 89, 'accepted', party(office), []),
  entry(24 * 89, 'accepted', party(office), [], 'done', 'household'),
]

export function detail(id: string): DocumentDetail {
  const summary = documents.find((one) => one.id === id)
  if (!summary) throw { code: 'unknown_document', values: {} }
  return { summary, groups: id === 'household' ? [...members, groups[3]!] : groups, shown: activity.filter(({ document, kind }) => document === id && kind !== 'accepted') }
}

/** Draws something that looks like a QR code and is none. */
export function code(modules = 77): CodeDrawing {
  let path = ''
  let seed = now()
  const finder = (x: number, y: number) => [[0, 0], [modules - 7, 0], [0, modules - 7]].find(([a, b]) => x >= a! - 1 && x <= a! + 7 && y >= b! - 1 && y <= b! + 7)
  for (let y = 0; y < modules; y++)
    for (let x = 0; x < modules; x++) {
      seed = (seed * 1103515245 + 12345) % 2147483648
      const corner = finder(x, y)
      const ring = corner ? Math.max(Math.abs(x - corner[0]! - 3), Math.abs(y - corner[1]! - 3)) : -1
      if (corner ? ring !== 2 && ring <= 3 : seed & 65536) path += `M${x} ${y}h1v1h-1z`
    }
  return { modules, path }
}
export { both, individual, household, resident, office, tax, long, groups, query, days, hostile }
