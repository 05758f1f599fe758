// Verifies a Holdfast evidence bundle without any code of Holdfast's: node 20.15 or newer, no package.
//     node verify_bundle.mjs BUNDLE.zip [LOG-KEY [HANDLE=THUMBPRINT …]]
// It checks the ZIP, the manifest's hashes, the log's checkpoint, every entry's proof and what it commits to, the grants from
// each member's root key on, every act's signature over its body, and that acts and numbered events name each other. It adds
// up no ledger or pool, weighs no roles, witnesses, timestamps or revocations: `holdfast verify` does. Status 1 if anything fails.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { crc32, inflateRawSync } from 'node:zlib'
const hex = (bytes) => bytes.toString('hex'), sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
function require(holds, why) { if (!holds) throw new Error(why) }
function decode(text, form, bytes = Buffer.from(text, form)) { // of several spellings of the same bytes, one alone is read
  require(bytes.toString(form) === text, `no canonical ${form}`); return bytes
}
// The ZIP: files one behind the other from byte 0 on, the directory, its end, and nothing else.
function unzip(zip) {
  const end = zip.length - 22, files = new Map(), names = new Set()
  require(end >= 0 && zip.readUInt32LE(end) === 0x06054b50 && zip.readUInt16LE(end + 20) === 0, 'this is no plain ZIP')
  const count = zip.readUInt16LE(end + 10), start = zip.readUInt32LE(end + 16), inOne = zip.readUInt32LE(end + 4) === 0 && zip.readUInt16LE(end + 8) === count
  let at = start, place = 0, total = 0
  for (let number = 0; number < count; number++) {
    require(at + 46 <= end && zip.readUInt32LE(at) === 0x02014b50, 'the directory is cut short')
    const [packed, size, length] = [zip.readUInt32LE(at + 20), zip.readUInt32LE(at + 24), zip.readUInt16LE(at + 28)]
    const method = zip.readUInt16LE(at + 10), name = zip.toString('latin1', at + 46, at + 46 + length)
    const content = place + 30 + length, mode = zip.readUInt16LE(at + 40) & 0o170000
    require(/^[\w-]+(\.+[\w-]+)*(\/[\w-]+(\.+[\w-]+)*)*$/.test(name), `bad name: ${name}`)
    require(names.size < names.add(name.toLowerCase()).size, `a name for the second time, but for its case: ${name}`)
    require(zip.readUInt32LE(at + 6) <= 20 && [0, 8].includes(method) && size <= 2 ** 28, `bad entry: ${name}`) // no flags
    require([0, 0o100000].includes(mode) && zip.readUIntLE(at + 30, 6) === 0, `no regular file: ${name}`)
    require(zip.readUInt32LE(at + 42) === place && content + packed <= start && (total += size) <= 2 ** 30, `out of place: ${name}`)
    const own = Buffer.concat([Buffer.from('PK\x03\x04'), zip.subarray(at + 6, at + 30), Buffer.alloc(2), Buffer.from(name)])
    require(zip.subarray(place, content).equals(own), `two headers: ${name}`)
    const raw = zip.subarray(content, content + packed), bounded = { maxOutputLength: size + 1, info: true }
    const { buffer, engine } = method ? inflateRawSync(raw, bounded) : { buffer: raw }
    require(buffer.length === size && (engine?.bytesWritten ?? packed) === packed && crc32(buffer) === zip.readUInt32LE(at + 16), `another size or CRC: ${name}`)
    files.set(name, buffer)
    ;[place, at] = [content + packed, at + 46 + length]
  }
  const isBelow = (name) => name.split('/').some((_, depth, parts) => names.has(parts.slice(0, depth).join('/')))
  require(inOne && place === start && at === end && at - start === zip.readUInt32LE(end + 12) && ![...names].some(isBelow), 'something stands between files, or is a file and a folder')
  return files
}
// Tokens, by keys that thumbprints (RFC 7638) name: JWS (RFC 7515) by Ed25519 or P-256, and what passkeys sign (Web Authentication, section 7.2).
const members = ({ kty, crv, x, y }) => kty === 'OKP' ? { crv, kty, x } : { crv, kty, x, y }, thumbprint = (jwk) => sha256(JSON.stringify(members(jwk))).toString('base64url')
const isSigned = (jwk, data, signature, dsaEncoding) => verify(
  jwk.kty === 'OKP' ? null : 'sha256', data, { key: createPublicKey({ key: members(jwk), format: 'jwk' }), dsaEncoding }, signature)
const kidOf = (token) => (token.startsWith('webauthn.') ? token.split('.')[1] : JSON.parse(decode(token.split('.')[0], 'base64url')).kid)
function opened(bundle, file, jwk) { // what a token says, if this key made it over the body beside it
  const token = bundle.text(`${file}.token`), [first, ...rest] = token.split('.'), body = bundle.files.get(`${file}.body`)
  require(jwk && thumbprint(jwk) === kidOf(token), `${file}: signed by another key`)
  let claims
  if (first === 'webauthn') {
    const [base, client, data, signature] = rest.slice(1).map((part) => decode(part, 'base64url'))
    const document = bundle.text(`${file}.document`), said = JSON.parse(client), [made, shown] = [base, document].map(JSON.parse)
    require(jwk.webauthn && isSigned(jwk, Buffer.concat([data, sha256(client)]), signature, 'der'), `${file}: not signed`)
    require(said.type === 'webauthn.get' && said.origin === jwk.webauthn.origin && !said.crossOrigin, `${file}: another page`)
    require(data.subarray(0, 32).equals(sha256(jwk.webauthn.rp_id)) && (data[32] & 5) === 5, `${file}: by nobody`)
    const isWhole = Object.keys(made).every((name) => made[name] === shown[name])
    require(isWhole && said.challenge === sha256(document).toString('base64url'), `${file}: another document was signed`)
    claims = { ...made, iss: made.partner, sub: made.person, htm: made.method, htu: made.aud + made.path }
  } else {
    const head = JSON.parse(decode(first, 'base64url')), data = Buffer.from(`${first}.${rest[0]}`)
    require(rest.length === 2 && !jwk.webauthn && head.alg === (jwk.kty === 'OKP' ? 'EdDSA' : 'ES256'), `${file}: no such token`)
    require(isSigned(jwk, data, decode(rest[1], 'base64url'), 'ieee-p1363'), `${file}: the signature is wrong`)
    claims = JSON.parse(decode(rest[0], 'base64url'))
  }
  const isSame = (!body || hex(sha256(body)) === claims.body_sha256) && claims.htm === 'POST'
  require(isSame && claims.aud === bundle.manifest.origin, `${file}: for another body or coordinator`)
  return claims
}
// Grants: by the root key; by the key that is replaced; or proposed by one lead and approved by another.
function chainOf(bundle, handle) { // a member's keys that go back to its root key, by thumbprint
  const roots = bundle.lines(`members/${handle}/keys.jsonl`).filter((key) => key.is_root && !key.revoked_at)
  const [root] = roots, pin = bundle.pins.get(handle), keys = new Map(), roles = new Map(), url = `${bundle.manifest.origin}/v1/`
  require(roots.length === 1 && thumbprint(root.jwk) === root.kid && (!pin || pin === root.kid), `${handle} has another root key, or several`)
  function give(grant, proposer) {
    const kid = grant.subject && grant.jwk && thumbprint(grant.jwk)
    if (kid && !keys.has(kid)) keys.set(kid, { subject: grant.subject, jwk: grant.jwk, proposer })
    if (grant.roles?.length) roles.set(grant.subject, grant.roles)
  }
  function apply({ file, proposal }) {
    const kid = kidOf(bundle.text(`${file}.token`)), grant = bundle.json(`${file}.body`), signer = keys.get(kid)
    const act = opened(bundle, file, kid === root.kid ? root.jwk : signer?.jwk)
    require(act.iss === handle && [`${url}join`, `${url}grants`].includes(act.htu), 'no grant of this member')
    if (kid === root.kid) return (act.htu === `${url}join` ? grant.grants : [grant]).forEach((each) => give(each, null))
    require(act.htu === `${url}grants` && act.sub === signer.subject, 'signed for something else')
    require(grant.replaces !== kid || (grant.subject === signer.subject && !grant.policy), 'other rights')
    if (grant.replaces === kid) return give({ ...grant, roles: [] }, signer.proposer)
    const approver = keys.get(kidOf(bundle.text(`${file}.approval.token`))), approval = opened(bundle, `${file}.approval`, approver?.jwk)
    const isOfThis = bundle.json(`${file}.approval.body`).grant_sha256 === act.body_sha256 && approval.sub === approver.subject
    require(isOfThis && approval.htu === `${url}grants/${proposal}/approvals`, 'another grant was approved')
    const areLeads = [signer, approver].every((key) => roles.get(key.subject)?.includes('security_lead'))
    require(areLeads && ![signer.subject, signer.proposer].includes(approver.subject), 'no two leads')
    require(![signer.subject, approver.subject].includes(grant.subject), 'for oneself')
    give(grant, signer.subject)
  }
  const isLeft = (grant) => { try { apply(grant) } catch { return true } } // one may stand before that on which it rests, a little
  for (let round = 0, left = bundle.lines(`members/${handle}/grants.jsonl`); round < 20; round++) left = left.filter(isLeft)
  return keys
}
// The log: a signed note (c2sp.org/signed-note), inclusion proofs (RFC 9162 section 2.1.3.2), commitments.
function signedTree(note, log) { // what a checkpoint states, if the log with this key signed it
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(log), key = decode(encoded, 'base64'), border = note.indexOf('\n\n')
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.subarray(1).toString('base64url') }, [by, size, root] = note.split('\n')
  const lines = note.slice(border + 2).trimEnd().split('\n').map((line) => line.split(' ')).filter((line) => line[1] === name)
  const own = lines.map(([, , value]) => decode(value, 'base64')).filter((value) => hex(value.subarray(0, 4)) === id)
  const isOwn = own.length > 0 && own.every((value) => isSigned(jwk, Buffer.from(note.slice(0, border + 1)), value.subarray(4)))
  require(key[0] === 1 && hex(sha256(`${name}\n`, key)).slice(0, 8) === id && isOwn && by === name, 'the log did not sign the checkpoint')
  return { note, name, size: Number(size), root }
}
function committedBy(bundle, base, { note, size, root }) { // what an entry of a tree commits to; nothing: that was erased
  const entry = bundle.files.get(`${base}.entry`), proof = bundle.text(`${base}.tlog-proof`), committed = bundle.files.get(`${base}.committed`)
  const [kind, at, ...hashes] = proof.slice(0, proof.indexOf('\n\n')).split('\n'), from = 43 + entry[42]
  require(kind === 'c2sp.org/tlog-proof@v1' && proof.endsWith(`\n\n${note}`), `${base}: a proof under another checkpoint`)
  let index = Number(at.slice(6)), last = size - 1, hash = sha256(Buffer.from([0]), entry)
  require(index === Number(base.slice(-12)) && index <= last, `${base}: a proof of another entry`)
  for (const sibling of hashes.map((text) => decode(text, 'base64'))) {
    const isRight = index % 2 === 1 || index === last
    require(last > 0, `${base}: the proof is too long`)
    hash = isRight ? sha256(Buffer.from([1]), sibling, hash) : sha256(Buffer.from([1]), hash, sibling)
    while (isRight && index % 2 === 0 && index > 0) [index, last] = [index / 2, Math.floor(last / 2)]
    ;[index, last] = [Math.floor(index / 2), Math.floor(last / 2)]
  }
  require(last === 0 && hash.toString('base64') === root, `${base} is not in the log`)
  const event = committed && JSON.parse(committed.subarray(50)) // behind prefix and salt
  require(!event || sha256(committed).equals(entry.subarray(from, from + 32)), `${base} commits to something else`)
  require(!event || event.type === entry.toString('latin1', 43, from), `${base} is of another type`)
  return event
}
function checkLog(bundle) {
  const { origin, log, request_id: request, tree_size: leaves } = bundle.manifest, tree = signedTree(bundle.text('checkpoint'), log)
  const all = [...bundle.files.keys()].filter((file) => file.endsWith('.entry')).map((file) => file.slice(0, -6)).sort()
  let key = bundle.logKey ?? log, from = 0
  for (const base of all.filter((name) => name.startsWith('log-keys/') && key !== log)) { // the log handed over, under the key before
    const { type, data } = JSON.parse(bundle.files.get(`${base}.committed`).subarray(50)), proof = bundle.text(`${base}.tlog-proof`)
    if (type !== 'log.key_handed_over' || data.old_key !== key) continue
    committedBy(bundle, base, signedTree(proof.slice(proof.indexOf('\n\n') + 2), key))
    ;[key, from] = [data.new_key, Number(base.slice(-12)) + 1]
  }
  require(key === log && tree.name === `${origin.split('//')[1]}/v1/log` && tree.size === leaves && from <= leaves, 'it is of another log, or size')
  const entries = all.filter((name) => name.startsWith('log/')).map((base) => ({ index: Number(base.slice(4)), ...committedBy(bundle, base, tree) }))
  require(entries.every(({ type, data }) => !type || type.startsWith('grant.') || data[bundle.kind.told] === request), 'an entry is of another request')
  return entries
}
// Events: acts and they name each other, and each side's are numbered without a gap, as legs say how many there were.
function checkEvents(bundle, entries, acts) {
  const isErased = entries.some(({ type }) => !type), told = new Map()
  const events = entries.flatMap(({ index, type, data }) => (!type || type.startsWith('grant.') ? [] : [{ index, id: data.act_id ?? data.report_id, ...data }]))
  const legs = new Map(bundle.kind.legs ? bundle.lines(bundle.kind.legs).map((leg) => [leg.id, leg]) : []), ids = new Set(acts.map((act) => act.act_id))
  const { requester, opener, id: shown, content_sha256: content } = bundle.json(bundle.kind.view), isRequester = (requester ?? opener) === bundle.manifest.partner; require(shown === bundle.manifest.request_id && content === bundle.manifest.content_sha256, 'it is shown as something else')
  const number = isRequester ? 'requester_sequence' : 'sequence', placed = new Map(events.map((event) => [event.index, event]))
  for (const { id, leg_id: leg, ...data } of events) {
    require((!id || ids.has(id)) && (!leg || legs.has(leg)), `an event tells of ${id} or ${leg}, which is not there`)
    if (bundle.kind.legs && (leg || isRequester)) told.set(leg, (told.get(leg) ?? new Set()).add(leg ? data[number] : data.sequence))
  }
  const isPlaced = ({ act_id: id, leaf_index: at }) => placed.has(at) ? (placed.get(at).id ?? id) === id : at === null || !isRequester || isErased
  require(acts.every(isPlaced), 'an act has another entry')
  for (const leg of isErased ? [] : [...legs.keys(), undefined]) {
    const seen = [...told.get(leg) ?? []].filter(Number.isInteger), last = leg ? legs.get(leg)[number] : seen.length
    require(seen.length === last && seen.every((each) => each >= 1 && each <= last), `events of ${leg ?? 'the request'} are missing`)
  }
}
// Acts: what each is signed for, below the URL of the request, restitution or recovery request that it is about.
const KINDS = { frq: { base: 'freeze-requests', view: 'request/request.json', legs: 'request/legs.jsonl', told: 'request_id' }, rst: { base: 'restitutions', view: 'restitution/restitution.json', told: 'restitution' }, rcv: { base: 'recovery-requests', view: 'recovery/recovery.json', told: 'recovery_id' } }
const PATHS = { submit: /^freeze-requests$/, open_restitution: /^restitutions$/, submit_recovery: /^recovery-requests$/, take: /^tasks.*taken$/ }
const UNSIGNED = ['deliver', 'expire', 'expire_return', 'unratify', 'lapse', 'void_withdrawal', 'close', 'recommend_release', 'resolve_dispute', 'suspend', 'erase', 'guest_answer', 'guest_joined']
const PATHS_OF = { frq: { 'info-requests/[^/]+/answer': 'answer', 'clearances/[^/]+/revocation': 'revoke_clearance', approvals: 'approve reject approve_addition reject_addition', withdrawal: 'withdraw propose_withdrawal', decline: 'decline', 'withdrawals/[^/]+/approvals': 'approve_withdrawal reject_withdrawal', 'disputes/[^/]+/resolution': 'propose_resolution resolve_dispute', partners: 'add_partners', support: 'raise_support', indemnities: 'give_indemnity', guests: 'ask_guest', 'data-subject-requests/[^/]+/answer': 'answer_data_subject', 'flag-renewals': 'renew_flags', 'same-funds': 'mark_same_funds', closure: 'close', 'return-requests': 'ask_return', 'return-requests/[^/]+/approvals': 'approve_return reject_return', 'return-requests/[^/]+/withdrawal': 'withdraw_return', 'return-requests/[^/]+/revocation': 'revoke_return', 'return-requests/[^/]+/receipt': 'confirm_return', 'return-requests/[^/]+/answer': 'answer_return', 'extension-requests': 'ask_extension', acknowledgement: 'acknowledge', review: 'review', 'info-requests': 'ask', 'freeze-reports': 'report', 'hold-extensions': 'extend', disputes: 'dispute', 'legal-orders': 'legal_order', 'legal-orders/[^/]+/call-backs': 'call_back', 'legal-orders/[^/]+/reviews': 'review_legal_order', 'legal-orders/[^/]+/lifting': 'lift_legal_order', encumbrances: 'encumber', 'encumbrances/[^/]+/reviews': 'review_encumbrance', 'encumbrances/[^/]+/lifting': 'lift_encumbrance', erasure: 'erase', 'sealed-evidence': 'seal_evidence', 'sealed-evidence/[^/]+/recipients': 'share_evidence' },
  rst: { 'pool-lines': 'add_pool_lines', claims: 'file_claims', 'claims/[^/]+/decisions': 'verify_claim reject_claim', 'claims/[^/]+/objections': 'object_to_claim', 'claim-links': 'make_claim_links', 'claim-link-revocations': 'revoke_claim_links', 'claims/[^/]+/payout-changes': 'propose_payout_account', 'claims/[^/]+/payout-changes/[^/]+/decisions': 'approve_payout_account reject_payout_account', allocations: 'propose_allocation', 'allocations/[^/]+/approvals': 'approve_allocation reject_allocation', payouts: 'record_payouts', closure: 'close_restitution' },
  rcv: { approvals: 'approve_recovery reject_recovery', withdrawal: 'withdraw_recovery', answers: 'answer_recovery', replies: 'reply_recovery' } }
for (const [kind, paths] of Object.entries(PATHS_OF)) for (const [path, names] of Object.entries(paths)) for (const name of names.split(' ')) PATHS[name] = new RegExp(`^${KINDS[kind].base}/${path}$`)
function checkAct(bundle, keys, { act, file, partner, subject, kid }) {
  require(keys, `${act} without a signature`)
  const { origin, request_id: request, content_sha256: content } = bundle.manifest, claims = opened(bundle, file, keys.get(kid)?.jwk)
  require(claims.iss === partner && claims.sub === subject && keys.get(kid).subject === subject, `${file}: somebody else's`)
  const path = claims.htu.slice(`${origin}/v1/`.length).replace(`/${request}/`, '/'), body = bundle.files.get(`${file}.body`), makes = PATHS[act]?.test(bundle.kind.base)
  require(PATHS[act]?.test(path) && (makes || claims.htu.includes(request.slice(4))), `${file}: signed as another act`)
  require((makes ? (body || bundle.cut) && claims.body_sha256 : JSON.parse(body).content_sha256) === content, `${file}: another document`)
  const isOfCut = act === 'approve' && bundle.cut && JSON.parse(body).remainder_sha256 !== hex(sha256(bundle.cut))
  require(!isOfCut && (!/^(approve|reject|verify)/.test(act) || JSON.parse(body).decision === act.split('_')[0]), `${file}: the lead decided otherwise`)
  require(bundle.seen.size < bundle.seen.add(JSON.stringify(claims)).size, `${file}: one signature, shown as two acts`)
}
const [path, logKey, ...pins] = process.argv.slice(2)
try {
  const files = unzip(readFileSync(path)), [, cut] = [...files].find(([name]) => name.endsWith('.remainder')) ?? []
  const bundle = { files, cut, logKey, seen: new Set(), pins: new Map(pins.map((pin) => pin.split('='))) }
  bundle.text = (name) => { require(files.has(name), `${name} is not there`); return files.get(name).toString() }
  bundle.json = (name) => JSON.parse(bundle.text(name))
  bundle.lines = (name) => bundle.text(name).split('\n').filter(Boolean).map((line) => (
    require(JSON.stringify(JSON.parse(line)) === line, `${name}: a second spelling`), JSON.parse(line)))
  const manifest = bundle.manifest = bundle.json('manifest.json'), isOneSpelling = JSON.stringify(manifest) === bundle.text('manifest.json')
  require(manifest.format === 'holdfast-evidence-bundle' && manifest.version === 1 && isOneSpelling, 'it is no such bundle')
  bundle.kind = KINDS[manifest.request_id.split('_')[0]]; require(bundle.kind, 'it is about nothing that is known')
  require(new Set(manifest.files.map((file) => file.path)).size === files.size - 1, 'a file is not in the manifest')
  for (const { path: name, size, sha256: is } of manifest.files) require(files.get(name)?.length === size && hex(sha256(files.get(name))) === is, `${name} differs`)
  const entries = checkLog(bundle), chains = new Map(), all = bundle.lines('acts.jsonl')
  checkEvents(bundle, entries, all)
  const byNobody = ({ act, kind, partner, subject }) => kind === 'coordinator' && !partner && !subject && UNSIGNED.includes(act) // clocks, the transport
  for (const { partner } of all) if (partner && !chains.has(partner)) chains.set(partner, chainOf(bundle, partner))
  for (const act of all.filter((each) => !byNobody(each))) checkAct(bundle, chains.get(act.partner), act)
  console.log(`ok: ${manifest.request_id}, ${files.size} files, ${bundle.seen.size} acts, ${entries.length} entries of the log`)
} catch (error) { console.error(`FAILED: ${error.message}`); process.exitCode = 1 }
