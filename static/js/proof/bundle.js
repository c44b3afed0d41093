// A certificate's bundle: what of the zip proves something. Its trust file is only its own word and is not read.

import { Unreadable } from "./container.js";

const NEEDED = ["envelope.json", "proof.txt"];
const WITNESSES = ["timestamp.tsr", "chain.json", "chain-proof.txt"];
const LARGEST = 2 ** 20;   // of one file: none of them comes near it

const unreadable = () => new Unreadable("This is not a certificate bundle.");

async function inflated(bytes, size) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const out = new Uint8Array(size);
  let at = 0;
  for (const reader = stream.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (at + value.length > size) { await reader.cancel(); throw unreadable(); }
    out.set(value, at);
    at += value.length;
  }
  if (at !== size) throw unreadable();
  return out;
}

// The bytes of the wanted files by their name, wherever in the zip they lie.
async function members(bytes, wanted) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Map();
  let end = bytes.length - 22;
  for (const least = Math.max(0, end - 65535); end >= least && view.getUint32(end, true) !== 0x06054b50; end -= 1);
  if (end < 0 || view.getUint32(end, true) !== 0x06054b50) throw unreadable();
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    if (view.getUint32(at, true) !== 0x02014b50) throw unreadable();
    const [length, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + length)).split("/").pop();
    if (wanted.includes(name)) {
      const [packed, size, local] = [20, 24, 42].map((field) => view.getUint32(at + field, true));
      if (out.has(name) || size > LARGEST || view.getUint32(local, true) !== 0x04034b50) throw unreadable();
      const from = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      const body = bytes.subarray(from, from + packed);
      const method = view.getUint16(at + 10, true);
      if (body.length !== packed || ![0, 8].includes(method) || (!method && packed !== size)) throw unreadable();
      out.set(name, method ? await inflated(body, size) : body);
    }
    at += 46 + length + extra + comment;
  }
  return out;
}

export const isZip = (bytes) => bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

// { envelope, proof, brought: { timestamp, chain, chainProof } }. Throws Unreadable.
export async function readBundle(bytes) {
  try {
    const have = await members(bytes, [...NEEDED, ...WITNESSES]);
    const text = (name) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(have.get(name));
    if (NEEDED.some((name) => !have.has(name))) throw unreadable();
    return {
      envelope: JSON.parse(text("envelope.json")),
      proof: text("proof.txt"),
      brought: {
        timestamp: have.get("timestamp.tsr") ?? null,
        chain: have.has("chain.json") ? JSON.parse(text("chain.json")) : null,
        chainProof: have.has("chain-proof.txt") ? text("chain-proof.txt") : "",
      },
    };
  } catch { throw unreadable(); }
}
