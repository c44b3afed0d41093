// The log's text forms and its Merkle proofs: RFC 9162, C2SP signed-note, tlog-checkpoint, tlog-proof.

export class Refused extends Error {}

const EM_DASH = "\u2014 ";
const encoder = new TextEncoder();

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
export const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
export const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);
const joined = (...parts) => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { out.set(part, at); at += part.length; }
  return out;
};
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

// Base64 in its one form: no spaces, no loose bits.
export function unbase64(text, what) {
  let raw;
  try {
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Error();
    raw = atob(text);
    if (btoa(raw) !== text) throw new Error();
  } catch { throw new Refused(`The ${what} is not valid base64 in its one form.`); }
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}

export async function signatureHolds(publicKey, signature, message) {
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, key, signature, message);
  } catch { return false; }
}

export const leafHash = (data) => sha256(joined(new Uint8Array([0]), data));
const nodeHash = (left, right) => sha256(joined(new Uint8Array([1]), left, right));

export async function included(leaf, index, size, proof, root) {   // RFC 9162, 2.1.3.2
  if (!(index >= 0n && index < size) || [leaf, root, ...proof].some((one) => one.length !== 32)) return false;
  let [fn, sn, top] = [index, size - 1n, leaf];
  for (const sibling of proof) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      top = await nodeHash(sibling, top);
      while (fn && !(fn & 1n)) { fn >>= 1n; sn >>= 1n; }
    } else top = await nodeHash(top, sibling);
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && same(top, root);
}

// Whether the log (second, secondRoot) only ever added to (first, firstRoot). Sizes are BigInt. RFC 9162, 2.1.4.2
export async function consistent(first, second, firstRoot, secondRoot, proof) {
  if (!(first >= 0n && first <= second) || [firstRoot, secondRoot, ...proof].some((one) => one.length !== 32)) return false;
  if (first === 0n && !same(firstRoot, await sha256(new Uint8Array()))) return false;
  if (first === second) return !proof.length && same(firstRoot, secondRoot);
  if (first === 0n) return !proof.length;
  const path = first & (first - 1n) ? proof : [firstRoot, ...proof];
  if (!path.length) return false;
  let [fn, sn, before, after] = [first - 1n, second - 1n, path[0], path[0]];
  while (fn & 1n) { fn >>= 1n; sn >>= 1n; }
  for (const sibling of path.slice(1)) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      before = await nodeHash(sibling, before);
      after = await nodeHash(sibling, after);
      while (fn && !(fn & 1n)) { fn >>= 1n; sn >>= 1n; }
    } else after = await nodeHash(after, sibling);
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && same(before, firstRoot) && same(after, secondRoot);
}

const number = (text, what) => {
  if (!/^(0|[1-9][0-9]{0,17})$/.test(text)) throw new Refused(`The ${what} in the log's text is not a plain number.`);
  return BigInt(text);
};

// The text of a signed note once a key of `keys` (name -> [32 bytes]) has signed it.
async function opened(note, keys) {
  const cut = note.lastIndexOf("\n\n");
  if (note.length > 64000 || cut < 0) throw new Refused("The log checkpoint is not a signed note.");
  const text = note.slice(0, cut + 1);
  const tail = note.slice(cut + 2);
  if (!tail.endsWith("\n")) throw new Refused("The log checkpoint is cut off.");
  let known = 0;
  for (const line of tail.slice(0, -1).split("\n")) {
    if (!line.startsWith(EM_DASH) || line.split(" ").length !== 3) throw new Refused("The log checkpoint has a broken signature line.");
    const [, name, encoded] = line.split(" ");
    const raw = unbase64(encoded, "checkpoint signature");
    for (const key of keys.get(name) ?? []) {
      const id = (await sha256(joined(encoder.encode(`${name}\n`), new Uint8Array([1]), key))).subarray(0, 4);
      if (!same(raw.subarray(0, 4), id)) continue;
      if (!(await signatureHolds(key, raw.subarray(4), encoder.encode(text)))) {
        throw new Refused("The log checkpoint's signature does not fit its text: one of them was changed.");
      }
      known += 1;
    }
  }
  if (!known) throw new Refused("The log checkpoint is not signed by a log key this Starforge knows.");
  return text;
}

// { origin, size, root } of a checkpoint that one of `keys` has signed; size as BigInt, root as bytes.
export async function checkpoint(note, keys) {
  const head = (await opened(note, keys)).split("\n");
  if (head.length < 4 || head[head.length - 1] || !head[0]) throw new Refused("The log checkpoint is incomplete.");
  const [origin, size, root] = [head[0], number(head[1], "checkpoint size"), unbase64(head[2], "checkpoint root")];
  if (root.length !== 32) throw new Refused("The log checkpoint's root is not a SHA-256 hash.");
  if (!keys.has(origin)) throw new Refused("The log checkpoint was written for another log.");
  return { origin, size, root };
}

// { index, size, origin, root } of a tlog-proof that ties `leaf` (bytes) to a checkpoint of one of `keys`.
export async function proved(text, leaf, keys) {
  if (text.length > 64000) throw new Refused("The log proof is too long.");
  const gap = text.indexOf("\n\n");
  const lines = (gap < 0 ? text : text.slice(0, gap)).split("\n");
  if (gap < 0 || lines.length < 2 || lines[0] !== "c2sp.org/tlog-proof@v1" || !lines[1].startsWith("index ")) {
    throw new Refused("The log proof is not in the tlog-proof format.");
  }
  if (lines.length - 2 > 63) throw new Refused("The log proof is longer than any log can need.");
  const hashes = lines.slice(2).map((line) => unbase64(line, "log proof"));
  if (hashes.some((one) => one.length !== 32)) throw new Refused("The log proof holds something that is not a SHA-256 hash.");
  const index = number(lines[1].slice(6), "entry number");
  const { origin, size, root } = await checkpoint(text.slice(gap + 2), keys);
  if (!(await included(await leafHash(leaf), index, size, hashes, root))) {
    throw new Refused("The log does not contain this stamp at the place it claims.");
  }
  return { index: Number(index), size, origin, root };
}
