// A timestamp (RFC 3161): when these bytes existed, as an authority signed it. A second reader beside the server's,
// written from the standards: RFC 5652 (CMS), RFC 5816, and X.509.

import { certificate, HASHES, leads, need, oid, one, parts, signedBy, take, time } from "./der.js";
import { Refused, same } from "./log.js";

const [SIGNED_DATA, TST_INFO] = ["1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"];
const [CONTENT_TYPE, DIGEST] = ["1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"];
const [SIGNER_1, SIGNER_2] = ["1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"];

export class Untrusted extends Error {}   // it may be a timestamp, but not of an authority that is known here

const digested = async (name, bytes) => new Uint8Array(await crypto.subtle.digest(name, bytes));

export function pem(text) {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => certificate(Uint8Array.from(atob(block.replace(/-----[A-Z ]+-----|\s/g, "")), (letter) => letter.charCodeAt(0))));
}

// What the answer holds, not yet believed.
function opened(answer) {
  const [status, token] = parts(one(answer));
  if (parts(status)[0].body.join() !== "0" || !token) throw new Refused("");   // 0: granted
  const [kind, wrapped] = parts(token);
  if (oid(kind) !== SIGNED_DATA) throw new Refused("");
  const list = parts(one(wrapped.body));
  need(list, 0x02);
  need(list, 0x31);
  const [type, inner] = parts(need(list, 0x30));
  const content = one(inner.body);
  if (oid(type) !== TST_INFO || content.tag !== 0x04) throw new Refused("");
  const held = take(list, 0xa0);
  take(list, 0xa1);
  const signers = parts(need(list, 0x31), 0x31);
  if (signers.length !== 1) throw new Refused("");
  const said = parts(one(content.body));
  need(said, 0x02);
  need(said, 0x06);
  const [how, imprint] = parts(need(said, 0x30));
  need(said, 0x02);
  return {
    certificates: held ? parts(held, 0xa0).map((each) => certificate(each.whole)) : [],
    signer: parts(signers[0]),
    content: content.body,
    hash: HASHES[oid(parts(how)[0])],
    imprint: imprint.body,
    when: time(need(said, 0x18)),
  };
}

// The milliseconds since 1970 at which `message` existed. Throws Refused for what is no timestamp of it, and Untrusted.
export async function stamped(answer, message, trusted) {
  let found;
  try { found = opened(answer); } catch { throw new Refused("What it answered is no timestamp."); }
  if (!found.hash || !same(found.imprint, await digested(found.hash, message))) throw new Refused("The timestamp is of something else.");
  const roots = trusted.filter((each) => each.ownRoot);
  if (!roots.length) throw new Untrusted("No authority for timestamps is known here.");
  const known = [...found.certificates, ...trusted.filter((each) => !each.ownRoot)];
  let holds = false;
  try { holds = await signed(found, known, roots); } catch { /* what cannot be read is signed by nobody */ }
  if (!holds) throw new Untrusted("The timestamp is not by an authority that is known here.");
  return found.when;
}

async function signed({ signer, content, when }, known, roots) {
  const list = [...signer];
  need(list, 0x02);
  const [issuer, serial] = parts(need(list, 0x30));
  const hash = HASHES[oid(parts(need(list, 0x30))[0])];
  const attributes = need(list, 0xa0);
  const algorithm = oid(parts(need(list, 0x30))[0]);
  const signature = need(list, 0x04).body;
  const said = new Map(parts(attributes, 0xa0).map((each) => {
    const [name, values] = parts(each);
    return [oid(name), parts(values, 0x31)];
  }));
  const only = (name) => (said.get(name)?.length === 1 ? said.get(name)[0] : null);
  if (!hash || oid(only(CONTENT_TYPE)) !== TST_INFO || !same(only(DIGEST).body, await digested(hash, content))) return false;
  const leaf = known.find((each) => same(each.issuer, issuer.whole) && same(each.serial, serial.body));
  if (!leaf || !leaf.stamps || !(await isNamed(leaf, only(SIGNER_2), only(SIGNER_1)))) return false;
  const message = attributes.whole.slice();
  message[0] = 0x31;   // signed as the set it is, not as the part it stands in for
  return await signedBy(leaf, algorithm, signature, message, hash) && leads(leaf, known, roots, when);
}

// The signature names the certificate it was made with, by its hash.
async function isNamed(leaf, second, first) {
  const named = second ?? first;
  if (!named) return false;
  const inside = parts(parts(parts(named)[0])[0]);
  const how = take(inside, 0x30);
  const name = second ? (how ? HASHES[oid(parts(how)[0])] : "SHA-256") : "SHA-1";
  return Boolean(name) && same(need(inside, 0x04).body, await digested(name, leaf.whole));
}
