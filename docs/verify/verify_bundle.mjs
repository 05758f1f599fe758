// Verifies a Holdfast evidence bundle without any code of Holdfast's, with node 20 or newer and no package:
//     node verify_bundle.mjs BUNDLE.zip [LOG-KEY [HANDLE=THUMBPRINT …]]
// It checks the ZIP, the manifest's hashes, the log's checkpoint, for every entry of the log its proof and what it commits
// to, the grants from each member's root key to the keys that signed, and every act's signature over its body. It adds up
// no ledger and weighs no roles: `holdfast verify` does. Status 1 if anything fails.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
const hex = (bytes) => bytes.toString('hex')
function require(holds, why) { if (!holds) throw new Error(why) }
function decode(text, form) { // of several spellings of the same bytes, one alone is read
  const bytes = Buffer.from(text, form)
  require(bytes.toString(form) === text, `no canonical ${form}`)
  return bytes
}

// The ZIP: files one behind the other from byte 0 on, the directory, its end, and nothing else.
function unzip(zip) {
  const end = zip.length - 22, files = new Map()
  require(end >= 0 && zip.readUInt32LE(end) === 0x06054b50 && zip.readUInt16LE(end + 20) === 0, 'this is no plain ZIP')
  const count = zip.readUInt16LE(end + 10), start = zip.readUInt32LE(end + 16)
  require(start + zip.readUInt32LE(end + 12) === end && zip.readUInt32LE(end + 4) === 0, 'this is no plain ZIP')
  let at = start, place = 0
  for (let number = 0; number < count; number++) {
    require(at + 46 <= end && zip.readUInt32LE(at) === 0x02014b50, 'the directory is cut short')
    const [packed, size, length] = [zip.readUInt32LE(at + 20), zip.readUInt32LE(at + 24), zip.readUInt16LE(at + 28)]
    const method = zip.readUInt16LE(at + 10), name = zip.toString('latin1', at + 46, at + 46 + length)
    const content = place + 30 + length, mode = zip.readUInt16LE(at + 40) & 0o170000
    require(/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(name) && !files.has(name), `bad or second name: ${name}`)
    require(zip.readUInt16LE(at + 8) === 0 && [0, 8].includes(method) && size <= 2 ** 28, `bad entry: ${name}`)
    require([0, 0o100000].includes(mode) && zip.readUInt32LE(at + 30) === 0, `no regular file: ${name}`)
    require(zip.readUInt32LE(at + 42) === place && content + packed <= start, `out of place: ${name}`)
    const same = zip.subarray(place + 6, place + 28).equals(zip.subarray(at + 8, at + 30))
    require(zip.readUInt32LE(place) === 0x04034b50 && same && zip.readUInt16LE(place + 28) === 0, `two headers: ${name}`)
    require(zip.toString('latin1', place + 30, content) === name, `two names: ${name}`)
    const raw = zip.subarray(content, content + packed)
    const { buffer, engine } = method ? inflateRawSync(raw, { maxOutputLength: size + 1, info: true }) : { buffer: raw }
    require(buffer.length === size && (!engine || engine.bytesWritten === packed), `another size: ${name}`)
    files.set(name, buffer)
    ;[place, at] = [content + packed, at + 46 + length]
  }
  require(place === start && at === end, 'something stands between the files')
  return files
}

// Tokens, by keys that thumbprints (RFC 7638) name: JWS (RFC 7515) by Ed25519 or P-256, and what passkeys sign (Web Authentication, section 7.2).
const thumbprint = ({ kty, crv, x, y }) => sha256(JSON.stringify(kty === 'OKP' ? { crv, kty, x } : { crv, kty, x, y })).toString('base64url')
const isSigned = ({ kty, crv, x, y }, data, signature, dsaEncoding) => verify(kty === 'OKP' ? null : 'sha256', data,
  { key: createPublicKey({ key: kty === 'OKP' ? { kty, crv, x } : { kty, crv, x, y }, format: 'jwk' }), dsaEncoding }, signature)
const kidOf = (token) => token.startsWith('webauthn.') ? token.split('.')[1] : JSON.parse(decode(token.split('.')[0], 'base64url')).kid
function opened(bundle, file, jwk) { // what a token says, if this key made it over the body beside it
  const token = bundle.text(`${file}.token`), [first, ...rest] = token.split('.'), body = bundle.files.get(`${file}.body`)
  require(jwk && thumbprint(jwk) === kidOf(token), `${file}: signed by another key`)
  let claims
  if (first === 'webauthn') {
    const [base, client, data, signature] = rest.slice(1).map((part) => decode(part, 'base64url'))
    const document = bundle.text(`${file}.document`), said = JSON.parse(client), [made, shown] = [base, document].map(JSON.parse)
    require(jwk.webauthn && isSigned(jwk, Buffer.concat([data, sha256(client)]), signature, 'der'), `${file}: not signed`)
    require(said.type === 'webauthn.get' && said.origin === jwk.webauthn.origin && !said.crossOrigin, `${file}: another page`)
    require(said.challenge === sha256(document).toString('base64url'), `${file}: another document was signed`)
    require(data.subarray(0, 32).equals(sha256(jwk.webauthn.rp_id)) && (data[32] & 5) === 5, `${file}: by nobody`)
    require(Object.keys(made).every((name) => made[name] === shown[name]), `${file}: the document is another`)
    claims = { ...made, iss: made.partner, sub: made.person, htm: made.method, htu: made.aud + made.path }
  } else {
    const head = JSON.parse(decode(first, 'base64url')), data = Buffer.from(`${first}.${rest[0]}`)
    require(rest.length === 2 && !jwk.webauthn && head.alg === (jwk.kty === 'OKP' ? 'EdDSA' : 'ES256'), `${file}: no such token`)
    require(isSigned(jwk, data, decode(rest[1], 'base64url'), 'ieee-p1363'), `${file}: the signature is wrong`)
    claims = JSON.parse(decode(rest[0], 'base64url'))
  }
  require(!body || hex(sha256(body)) === claims.body_sha256, `${file}: the body is another`)
  require(claims.aud === bundle.manifest.origin && claims.htm === 'POST', `${file}: for another coordinator`)
  return claims
}

// Grants: by the root key; by the key that is replaced; or proposed by one lead and approved by another.
function chainOf(bundle, handle) { // a member's keys that go back to its root key, by thumbprint
  const roots = bundle.lines(`members/${handle}/keys.jsonl`).filter((key) => key.is_root && !key.revoked_at)
  const [root] = roots, pin = bundle.pins.get(handle), keys = new Map(), roles = new Map(), url = `${bundle.manifest.origin}/v1/`
  require(roots.length === 1 && thumbprint(root.jwk) === root.kid, `${handle} has no root key, or several`)
  require(!pin || pin === root.kid, `the root key of ${handle} is another than you say`)
  const isLead = (key) => roles.get(key.subject)?.includes('security_lead')
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
    if (grant.replaces === kid) {
      require(grant.subject === signer.subject && !grant.policy, 'other rights')
      return give({ ...grant, roles: [] }, signer.proposer)
    }
    const approver = keys.get(kidOf(bundle.text(`${file}.approval.token`)))
    const approval = opened(bundle, `${file}.approval`, approver?.jwk)
    require(approval.htu === `${url}grants/${proposal}/approvals` && approval.sub === approver.subject, 'no approval')
    require(bundle.json(`${file}.approval.body`).grant_sha256 === act.body_sha256, 'another grant was approved')
    require(isLead(signer) && isLead(approver) && grant.subject !== signer.subject, 'no leads, or for oneself')
    require(![signer.subject, signer.proposer, grant.subject].includes(approver.subject), 'one person, or for oneself')
    give(grant, signer.subject)
  }
  let pending = bundle.lines(`members/${handle}/grants.jsonl`), before, rounds = 20
  do { // a grant may stand before the one that it rests on, a little
    before = pending.length
    pending = pending.filter((grant) => { try { apply(grant) } catch { return true } return false })
  } while (pending.length < before && --rounds)
  return keys
}

// The log: a signed note (c2sp.org/signed-note), inclusion proofs (RFC 9162 section 2.1.3.2), commitments.
function signedTree(note, log) { // what a checkpoint states, if the log with this key signed it
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(log), key = decode(encoded, 'base64'), border = note.indexOf('\n\n')
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.subarray(1).toString('base64url') }
  require(key[0] === 1 && hex(sha256(`${name}\n`, key)).slice(0, 8) === id, 'the key of the log is none')
  const lines = note.slice(border + 2).trimEnd().split('\n').map((line) => line.split(' ')), [by, size, root] = note.split('\n')
  const own = lines.filter(([, by]) => by === name).map(([, , value]) => decode(value, 'base64')).filter((value) => hex(value.subarray(0, 4)) === id)
  const isOwn = own.length > 0 && own.every((value) => isSigned(jwk, Buffer.from(note.slice(0, border + 1)), value.subarray(4)))
  require(isOwn && by === name, 'the log did not sign the checkpoint')
  return { note, name, size: Number(size), root }
}
function checkEntry(bundle, base, { note, size, root }) { // that it is in a tree; returns what it commits to, unless that was erased
  const entry = bundle.files.get(`${base}.entry`), proof = bundle.text(`${base}.tlog-proof`)
  const [kind, at, ...hashes] = proof.slice(0, proof.indexOf('\n\n')).split('\n')
  let index = Number(at.slice(6)), last = size - 1, hash = sha256(Buffer.from([0]), entry)
  require(kind === 'c2sp.org/tlog-proof@v1' && proof.endsWith(`\n\n${note}`), `${base}: a proof under another checkpoint`)
  require(index === Number(base.slice(-12)) && index <= last, `${base}: a proof of another entry`)
  for (const sibling of hashes.map((text) => decode(text, 'base64'))) {
    require(last > 0, `${base}: the proof is too long`)
    const isRight = index % 2 === 1 || index === last
    hash = isRight ? sha256(Buffer.from([1]), sibling, hash) : sha256(Buffer.from([1]), hash, sibling)
    while (isRight && index % 2 === 0 && index > 0) [index, last] = [index / 2, Math.floor(last / 2)]
    ;[index, last] = [Math.floor(index / 2), Math.floor(last / 2)]
  }
  require(last === 0 && hash.toString('base64') === root, `${base} is not in the log`)
  const from = 43 + entry[42], committed = bundle.files.get(`${base}.committed`)
  require(!committed || sha256(committed).equals(entry.subarray(from, from + 32)), `${base} commits to something else`)
  const event = committed ? JSON.parse(committed.subarray(50)) : null // behind prefix and salt
  require(!event || event.type === entry.toString('latin1', 43, from), `${base} is of another type`)
  return event
}
function checkLog(bundle) {
  const note = bundle.text('checkpoint'), { origin, log, request_id: request, tree_size: leaves } = bundle.manifest
  const all = [...bundle.files.keys()].filter((file) => file.endsWith('.entry')).map((file) => file.slice(0, -6)).sort()
  let key = bundle.logKey ?? log, from = 0
  for (const base of all.filter((base) => base.startsWith('log-keys/') && key !== log)) { // handed over, under the key before
    const { type, data } = JSON.parse(bundle.files.get(`${base}.committed`).subarray(50)), proof = bundle.text(`${base}.tlog-proof`)
    if (type !== 'log.key_handed_over' || data.old_key !== key) continue
    checkEntry(bundle, base, signedTree(proof.slice(proof.indexOf('\n\n') + 2), key))
    ;[key, from] = [data.new_key, Number(base.slice(-12)) + 1]
  }
  require(key === log, 'it is of another log than you say')
  const tree = signedTree(note, log), entries = all.filter((base) => base.startsWith('log/'))
  require(tree.name === `${origin.split('//')[1]}/v1/log` && tree.size === leaves && from <= leaves, 'the checkpoint is of another log, or size')
  const events = entries.map((base) => checkEntry(bundle, base, tree)).filter(Boolean)
  require(events.every(({ type, data }) => type.startsWith('grant.') || data.request_id === request), 'an entry is of another request')
  return entries.length
}

// Acts: what each is signed for, below the request's own URL.
const PATHS = { submit: /^$/, take: /taken$/, answer: /^info-requests\/[^/]+\/answer$/, revoke_clearance: /^clearances\/.*revocation$/ }
const UNSIGNED = ['deliver', 'expire', 'unratify', 'lapse', 'void_withdrawal', 'close', 'recommend_release', 'resolve_dispute', 'suspend', 'erase']
const byPath = { approvals: 'approve reject approve_addition reject_addition', withdrawal: 'withdraw propose_withdrawal',
  'withdrawals/[^/]+/approvals': 'approve_withdrawal reject_withdrawal', 'disputes/[^/]+/resolution': 'propose_resolution resolve_dispute',
  partners: 'add_partners', support: 'raise_support', indemnities: 'give_indemnity', 'same-funds': 'mark_same_funds',
  closure: 'close', 'extension-requests': 'ask_extension', acknowledgement: 'acknowledge', review: 'review', decline: 'decline',
  'info-requests': 'ask', 'freeze-reports': 'report', 'hold-extensions': 'extend', disputes: 'dispute', 'legal-orders': 'legal_order',
  erasure: 'erase', 'sealed-evidence': 'seal_evidence', 'sealed-evidence/[^/]+/recipients': 'share_evidence' }
for (const [path, names] of Object.entries(byPath)) for (const name of names.split(' ')) PATHS[name] = new RegExp(`^${path}$`)
function checkAct(bundle, keys, { act, file, partner, subject, kid }) {
  const { origin, request_id: request, content_sha256: content } = bundle.manifest, claims = opened(bundle, file, keys.get(kid)?.jwk)
  require(claims.iss === partner && claims.sub === subject && keys.get(kid).subject === subject, `${file}: somebody else's`)
  const path = claims.htu.slice(`${origin}/v1/freeze-requests`.length).replace(`/${request}/`, ''), body = bundle.files.get(`${file}.body`)
  require(PATHS[act]?.test(path) && (act === 'submit' || claims.htu.includes(request.slice(4))), `${file}: signed as another act`)
  require(act === 'submit' ? claims.body_sha256 === content : JSON.parse(body).content_sha256 === content, `${file}: another document`)
  require(!/^(approve|reject)/.test(act) || JSON.parse(body).decision === act.split('_')[0], `${file}: the lead decided otherwise`)
  require(bundle.seen.size < bundle.seen.add(JSON.stringify(claims)).size, `${file}: one signature, shown as two acts`)
}

const [path, logKey, ...pins] = process.argv.slice(2)
try {
  const files = unzip(readFileSync(path)), bundle = { files, logKey, seen: new Set(), pins: new Map(pins.map((pin) => pin.split('='))) }
  bundle.text = (name) => { require(files.has(name), `${name} is not there`); return files.get(name).toString() }
  bundle.json = (name) => JSON.parse(bundle.text(name))
  bundle.lines = (name) => bundle.text(name).split('\n').filter(Boolean).map((line) => JSON.parse(line))
  const manifest = bundle.manifest = bundle.json('manifest.json')
  require(manifest.format === 'holdfast-evidence-bundle' && manifest.version === 1, 'it is no such bundle')
  require(new Set(manifest.files.map((file) => file.path)).size === files.size - 1, 'a file is not in the manifest')
  for (const file of manifest.files) require(hex(sha256(bundle.text(file.path) && files.get(file.path))) === file.sha256, `${file.path} differs`)
  const entries = checkLog(bundle), chains = new Map(), all = bundle.lines('acts.jsonl'), acts = all.filter((act) => act.partner)
  const byNobody = ({ act, kind, subject }) => kind === 'coordinator' && !subject && UNSIGNED.includes(act) // clocks, the transport
  require(all.every((act) => act.partner || byNobody(act)), 'an act without a signature')
  for (const { partner } of acts) if (!chains.has(partner)) chains.set(partner, chainOf(bundle, partner))
  for (const act of acts) checkAct(bundle, chains.get(act.partner), act)
  console.log(`ok: ${manifest.request_id}, ${files.size} files, ${acts.length} acts, ${entries} entries of the log`)
} catch (error) { console.error(`FAILED: ${error.message}`); process.exitCode = 1 }
