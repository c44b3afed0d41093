// DER, and of X.509 what a signer's certificate has to show. Hostile bytes: every length is checked, one form is read.

import { Refused, same } from "./log.js";

const torn = () => new Refused("It is not DER that can be read.");

// { tag, body, whole } of the value at `at`; `after` is where the next one begins.
function value(bytes, at) {
  if (at + 2 > bytes.length || (bytes[at] & 0x1f) === 0x1f) throw torn();
  let length = bytes[at + 1];
  let start = at + 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (!count || count > 3 || start + count > bytes.length || !bytes[start]) throw torn();
    length = 0;
    for (let i = 0; i < count; i += 1) length = length * 256 + bytes[start + i];
    if (length < 0x80) throw torn();
    start += count;
  }
  if (start + length > bytes.length) throw torn();
  return { tag: bytes[at], body: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length), after: start + length };
}

export function one(bytes) {
  const found = value(bytes, 0);
  if (found.after !== bytes.length) throw torn();
  return found;
}

export function parts(held, tag = 0x30) {
  if (held?.tag !== tag) throw torn();
  const out = [];
  for (let at = 0; at < held.body.length; at = out[out.length - 1].after) out.push(value(held.body, at));
  return out;
}

export function take(list, tag) {   // the next one, where it is of this tag; else undefined
  return list[0]?.tag === tag ? list.shift() : undefined;
}

export function need(list, tag) {
  const found = take(list, tag);
  if (!found) throw torn();
  return found;
}

export function oid(held) {
  if (held?.tag !== 0x06 || !held.body.length) throw torn();
  const out = [];
  let number = 0;
  for (const byte of held.body) {
    number = number * 128 + (byte & 0x7f);
    if (!(byte & 0x80)) { out.push(number); number = 0; }
  }
  const first = Math.min(Math.floor(out[0] / 40), 2);
  return [first, out[0] - 40 * first, ...out.slice(1)].join(".");
}

// Milliseconds since 1970, of UTCTime or GeneralizedTime in the form that DER wants.
export function time(held) {
  const text = String.fromCharCode(...held.body);
  const found = (held.tag === 0x17 ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z$/).exec(text);
  if (!found || ![0x17, 0x18].includes(held.tag)) throw torn();
  const [year, month, ...rest] = found.slice(1).map(Number);
  return Date.UTC(held.tag === 0x17 ? year + (year < 50 ? 2000 : 1900) : year, month - 1, ...rest);
}

export const HASHES = { "2.16.840.1.101.3.4.2.1": "SHA-256", "2.16.840.1.101.3.4.2.2": "SHA-384", "2.16.840.1.101.3.4.2.3": "SHA-512" };
const SIGNED = {
  "1.2.840.113549.1.1.11": "SHA-256", "1.2.840.113549.1.1.12": "SHA-384", "1.2.840.113549.1.1.13": "SHA-512",
  "1.2.840.10045.4.3.2": "SHA-256", "1.2.840.10045.4.3.3": "SHA-384", "1.2.840.10045.4.3.4": "SHA-512",
};
const CURVES = { "1.2.840.10045.3.1.7": ["P-256", 32], "1.3.132.0.34": ["P-384", 48], "1.3.132.0.35": ["P-521", 66] };
const RSA = "1.2.840.113549.1.1.1";
const EC = "1.2.840.10045.2.1";

// r and s one behind the other, as WebCrypto wants them.
function flat(signature, size) {
  const out = new Uint8Array(2 * size);
  const numbers = parts(one(signature));
  if (numbers.length !== 2) throw torn();
  numbers.forEach(({ tag, body }, i) => {
    const bare = body[0] === 0 ? body.subarray(1) : body;
    if (tag !== 0x02 || bare.length > size) throw torn();
    out.set(bare, size * (i + 1) - bare.length);
  });
  return out;
}

// Whether the key of a certificate signed this. `algorithm`: of the signature, dotted; `hash`: where it names none.
export async function signedBy(certificate, algorithm, signature, message, hash = null) {
  const digest = SIGNED[algorithm] ?? (algorithm === RSA ? hash : null);
  const [kind, curve] = parts(parts(certificate.key)[0]).map((held) => (held.tag === 0x06 ? oid(held) : null));
  if (!digest) return false;
  try {
    if (kind === RSA) {
      const how = { name: "RSASSA-PKCS1-v1_5", hash: digest };
      const key = await crypto.subtle.importKey("spki", certificate.key.whole, how, false, ["verify"]);
      return await crypto.subtle.verify(how, key, signature, message);
    }
    if (kind !== EC || !CURVES[curve]) return false;
    const [namedCurve, size] = CURVES[curve];
    const key = await crypto.subtle.importKey("spki", certificate.key.whole, { name: "ECDSA", namedCurve }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "ECDSA", hash: digest }, key, flat(signature, size), message);
  } catch { return false; }
}

const READ = new Set(["2.5.29.14", "2.5.29.15", "2.5.29.19", "2.5.29.31", "2.5.29.32", "2.5.29.35", "2.5.29.37"]);

export function certificate(bytes) {
  const [tbs, how, bits] = parts(one(bytes));
  if (bits?.tag !== 0x03 || bits.body[0] !== 0) throw torn();
  const list = parts(tbs);
  take(list, 0xa0);   // version
  const serial = need(list, 0x02).body;
  list.shift();   // the algorithm again
  const issuer = need(list, 0x30).whole;
  const [from, until] = parts(need(list, 0x30)).map(time);
  const subject = need(list, 0x30).whole;
  const key = need(list, 0x30);
  take(list, 0x81);
  take(list, 0x82);
  const said = new Map();
  let strange = false;   // something critical that is not read here: such a certificate is not believed
  for (const extension of list.length ? parts(one(need(list, 0xa3).body)) : []) {
    const inner = parts(extension);
    const name = oid(inner.shift());
    const critical = Boolean(take(inner, 0x01)?.body[0]);
    said.set(name, { critical, held: one(need(inner, 0x04).body) });
    strange ||= critical && !READ.has(name);
  }
  const basics = said.has("2.5.29.19") ? parts(said.get("2.5.29.19").held) : [];
  const authority = Boolean(take(basics, 0x01)?.body[0]);
  const below = take(basics, 0x02);
  const usage = said.get("2.5.29.15")?.held.body;
  const purposes = said.get("2.5.29.37");
  return {
    whole: bytes, serial, issuer, subject, from, until, key, strange,
    signed: { message: tbs.whole, algorithm: oid(parts(how)[0]), signature: bits.body.subarray(1) },
    certifies: authority && (!usage || Boolean(usage[1] & 0x04)),
    below: below ? below.body[0] : Infinity,   // how many authorities may stand under it
    stamps: Boolean(purposes?.critical) && parts(purposes.held).some((purpose) => oid(purpose) === "1.3.6.1.5.5.7.3.8")
      && (!usage || Boolean(usage[1] & 0xc0)),
    ownRoot: same(issuer, subject),
  };
}

// Whether `leaf` leads to one of `roots` over certificates of `between`, all of them valid at `moment`.
export async function leads(leaf, between, roots, moment, depth = 0) {
  if (depth > 6 || leaf.strange || moment < leaf.from || moment > leaf.until) return false;
  const { algorithm, signature, message } = leaf.signed;
  for (const upper of [...roots, ...between]) {
    if (!same(upper.subject, leaf.issuer) || !upper.certifies || upper.below < depth || upper === leaf) continue;
    if (!(await signedBy(upper, algorithm, signature, message))) continue;
    if (roots.includes(upper)) {
      if (!upper.strange && moment >= upper.from && moment <= upper.until) return true;
    } else if (await leads(upper, between, roots, moment, depth + 1)) return true;
  }
  return false;
}
