// What a sound file holds besides its sound, and the hash of that sound, from the bytes of the container alone.
// The same rules as the server's (docs/audio-hash.md). A file is hostile: every length is checked.

export class Unreadable extends Error {}

const ascii = (bytes, at, length) => String.fromCharCode(...bytes.subarray(at, at + length));
const be32 = (b, at) => ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0;
const le32 = (b, at) => ((b[at + 3] << 24) | (b[at + 2] << 16) | (b[at + 1] << 8) | b[at]) >>> 0;
const le16 = (b, at) => (b[at + 1] << 8) | b[at];
const be16 = (b, at) => (b[at] << 8) | b[at + 1];
const be24 = (b, at) => (b[at] << 16) | (b[at + 1] << 8) | b[at + 2];
const syncsafe = (b, at) => ((b[at] | b[at + 1] | b[at + 2] | b[at + 3]) & 0x80 || at + 4 > b.length
  ? null : (b[at] << 21) | (b[at + 1] << 14) | (b[at + 2] << 7) | b[at + 3]);

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

async function sha256(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", whole)));
}

// --- tags around an MP3 --------------------------------------------------------------------------------------

function id3Length(b, at) {
  if (at + 10 > b.length || ascii(b, at, 3) !== "ID3" || b[at + 3] === 0xff || b[at + 4] === 0xff) return 0;
  const size = syncsafe(b, at + 6);
  return size === null ? 0 : 10 + size + (b[at + 5] & 0x10 ? 10 : 0);
}

function endOfLeadingTags(b) {
  let at = 0;
  for (let i = 0; i < 16; i += 1) {
    const length = id3Length(b, at);
    if (!length || at + length > b.length) break;
    at += length;
  }
  return at;
}

function trailingTag(b, start, end) {
  const room = end - start;
  if (room >= 128 && ascii(b, end - 128, 3) === "TAG") return 128;
  if (room >= 32 && ascii(b, end - 32, 8) === "APETAGEX") {
    const length = le32(b, end - 20) + (le32(b, end - 12) & 0x80000000 ? 32 : 0);
    return length >= 32 && length <= room ? length : 0;
  }
  if (room >= 20 && ascii(b, end - 10, 3) === "3DI") {
    const inner = syncsafe(b, end - 4);
    if (inner !== null && inner + 20 <= room) return inner + 20;
  }
  return 0;
}

function startOfTrailingTags(b, start) {
  let end = b.length;
  for (let i = 0; i < 8; i += 1) {
    const found = trailingTag(b, start, end);
    if (!found || b.length - (end - found) > 2 ** 20) break;
    end -= found;
  }
  return end;
}

// --- finding out what it is ----------------------------------------------------------------------------------

export function locate(b) {
  if (!b.length) throw new Unreadable("This file is empty (0 bytes). Export or copy it again.");
  const at = endOfLeadingTags(b);
  if (ascii(b, at, 4) === "fLaC") return { name: "flac", at };
  if (at === 0 && ["RIFF", "RF64"].includes(ascii(b, 0, 4)) && ascii(b, 8, 4) === "WAVE") return { name: "wav", at };
  if (at === 0 && ascii(b, 0, 4) === "FORM" && ["AIFF", "AIFC"].includes(ascii(b, 8, 4))) return { name: "aiff", at };
  for (let i = at; i < Math.min(b.length - 1, at + 65536); i += 1) {
    if (b[i] === 0xff && (b[i + 1] & 0xe6) === 0xe2) return { name: "mp3", at };   // a layer III frame
    if (!at && i > 4096) break;
  }
  throw new Unreadable("This is not a WAV, AIFF, FLAC or MP3 file, and others cannot be checked in the browser.");
}

function chunks(b, big) {
  const found = [];
  const u32 = big ? be32 : le32;
  for (let at = 12; at + 8 <= b.length && found.length < 4096;) {
    const name = ascii(b, at, 4);
    let length = u32(b, at + 4);
    if (name === "data" && !big && length === 0xffffffff && ascii(b, 0, 4) === "RF64" && ascii(b, 12, 4) === "ds64") {
      length = le32(b, 28) + le32(b, 32) * 2 ** 32;
    }
    found.push({ name, at: at + 8, length });
    at += 8 + length + (length % 2);
  }
  return found;
}

function flacBlocks(b, start) {
  const found = [];
  for (let at = start + 4; found.length < 512 && at + 4 <= b.length;) {
    const length = be24(b, at + 1);
    if (at + 4 + length > b.length) break;
    found.push({ kind: b[at] & 0x7f, at: at + 4, length });
    const last = b[at] & 0x80;
    at += 4 + length;
    if (last) return { blocks: found, audio: at };
  }
  throw new Unreadable("This FLAC file is damaged and cannot be read. Export it again.");
}

// --- the fields ----------------------------------------------------------------------------------------------

const CODECS = ["latin1", "utf-16", "utf-16be", "utf-8"];
const NAME = /^[A-Z0-9_]{1,64}$/;
const MAX_VALUE = 65536;

function text(bytes, codec) {
  if (codec === "latin1") return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  let label = codec;
  if (codec === "utf-16") label = bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-16le";
  return new TextDecoder(label, { fatal: true }).decode(bytes);
}

function* userText(b) {   // the TXXX frames of one ID3v2 tag
  const version = b[3];
  if (![3, 4].includes(version)) return;
  let body = b.subarray(10);
  const unsynchronised = (part) => {
    const out = [];
    for (let i = 0; i < part.length; i += 1) { out.push(part[i]); if (part[i] === 0xff && part[i + 1] === 0) i += 1; }
    return new Uint8Array(out);
  };
  if (version === 3 && b[5] & 0x80) body = unsynchronised(body);
  if (b[5] & 0x40) {
    const extended = version === 4 ? syncsafe(body, 0) : be32(body, 0) + 4;
    if (extended === null) return;
    body = body.subarray(extended);
  }
  for (let at = 0, count = 0; count < 2000 && at + 10 <= body.length; count += 1) {
    const name = ascii(body, at, 4);
    if (!/^[A-Z0-9]{4}$/.test(name) || !/[A-Z]/.test(name)) return;
    const size = version === 4 ? syncsafe(body, at + 4) : be32(body, at + 4);
    if (size === null || at + 10 + size > body.length) return;
    const flags = body[at + 9];
    let content = body.subarray(at + 10, at + 10 + size);
    at += 10 + size;
    if (version === 3 ? flags & 0xe0 : flags & 0x4c) continue;
    if (version === 4 && flags & 1) content = content.subarray(4);
    if (version === 4 && flags & 2) content = unsynchronised(content);
    if (name !== "TXXX" || !content.length || content[0] > 3 || content.length > 2 * MAX_VALUE + 256) continue;
    const wide = content[0] === 1 || content[0] === 2;
    let cut = 1;
    while (cut < content.length && (content[cut] || (wide && content[cut + 1]))) cut += wide ? 2 : 1;
    if (wide && cut + 1 >= content.length) continue;
    try {
      const codec = CODECS[content[0]];
      yield [text(content.subarray(1, cut), codec), text(content.subarray(cut + (wide ? 2 : 1)), codec).replace(/\0+$/, "")];
    } catch { /* text that is none says nothing */ }
  }
}

function* comments(b) {   // a Vorbis comment block
  let at = 4 + le32(b, 0);
  if (at + 4 > b.length) return;
  const count = Math.min(le32(b, at), 2000);
  at += 4;
  for (let i = 0; i < count && at + 4 <= b.length; i += 1) {
    const length = le32(b, at);
    if (at + 4 + length > b.length) return;
    const entry = new TextDecoder("utf-8", { ignoreBOM: true }).decode(b.subarray(at + 4, at + 4 + length));
    at += 4 + length;
    const cut = entry.indexOf("=");
    if (cut >= 0) yield [entry.slice(0, cut), entry.slice(cut + 1)];
  }
}

// The custom fields of a file as a Map, names in capitals; the first of two with one name counts.
export function fields(b) {
  const { name, at } = locate(b);
  let pairs = [];
  if (name === "flac") {
    const block = flacBlocks(b, at).blocks.find((one) => one.kind === 4);
    if (block) pairs = comments(b.subarray(block.at, block.at + block.length));
  } else {
    let tag = null;
    if (name === "mp3") tag = b.subarray(0, id3Length(b, 0));
    else {
      const chunk = chunks(b, name === "aiff").find((one) => one.name.toLowerCase() === "id3 ");
      if (chunk) tag = b.subarray(chunk.at, Math.min(b.length, chunk.at + chunk.length));
    }
    if (tag && id3Length(tag, 0) && tag.length <= 24 * 2 ** 20) pairs = userText(tag);
  }
  const found = new Map();
  for (const [key, value] of pairs) {
    const upper = key.toUpperCase();
    if (NAME.test(upper) && new TextEncoder().encode(value).length <= MAX_VALUE && !found.has(upper)) found.set(upper, value);
    if (found.size === 200) break;
  }
  return found;
}

// --- the sound -----------------------------------------------------------------------------------------------

function widened(b, at, length, width, { big = false, unsigned = false } = {}) {
  const count = length / width;
  const out = new Uint8Array(count * 4);
  for (let i = 0, from = at, to = 4 - width; i < count; i += 1, from += width, to += 4) {
    for (let k = 0; k < width; k += 1) out[to + k] = b[big ? from + width - 1 - k : from + k];
    if (unsigned) out[to] ^= 0x80;
  }
  return out;
}

function wav(b) {
  const all = chunks(b, false);
  const format = all.filter((one) => one.name === "fmt ");
  const data = all.filter((one) => one.name === "data");
  if (format.length !== 1 || data.length !== 1 || format[0].length < 16) throw damaged("WAV");
  const at = format[0].at;
  let tag = le16(b, at);
  if (tag === 0xfffe) tag = format[0].length >= 40 ? le16(b, at + 24) : 0;
  const [channels, rate, block, bits] = [le16(b, at + 2), le32(b, at + 4), le16(b, at + 12), le16(b, at + 14)];
  if (tag === 3) throw new Unreadable("This file holds floating-point samples. Export it as 24-bit PCM to check it here.");
  if (tag !== 1 || ![8, 16, 24, 32].includes(bits) || !channels || block !== (channels * bits) / 8) throw damaged("WAV");
  return { rate, channels, width: bits / 8, at: data[0].at, length: data[0].length, unsigned: bits === 8 };
}

function aiff(b) {
  const all = chunks(b, true);
  const common = all.filter((one) => one.name === "COMM");
  const sound = all.filter((one) => one.name === "SSND");
  if (common.length !== 1 || sound.length !== 1 || common[0].length < 18 || sound[0].length < 8) throw damaged("AIFF");
  const at = common[0].at;
  const channels = be16(b, at);
  const width = Math.ceil(be16(b, at + 6) / 8);
  const exponent = be16(b, at + 8) & 0x7fff;
  const rate = Math.round((be32(b, at + 10) + be32(b, at + 14) / 2 ** 32) * 2 ** (exponent - 16383 - 31));
  const kind = ascii(b, 8, 4) === "AIFC" ? ascii(b, at + 18, 4).toLowerCase() : "none";
  if (!["none", "twos", "sowt"].includes(kind)) throw new Unreadable("This AIFF file does not hold plain PCM. Export it again.");
  const skip = be32(b, sound[0].at);
  const wanted = be32(b, at + 2) * channels * width;
  const length = Math.min(wanted, sound[0].length - 8 - skip);
  if (!channels || !rate || width < 1 || width > 4 || skip > 65536 || length <= 0) throw damaged("AIFF");
  return { rate, channels, width, at: sound[0].at + 8 + skip, length, big: kind !== "sowt" && width > 1 };
}

const damaged = (label) => new Unreadable(`This ${label} file is damaged and cannot be read. Export it again.`);

// { kind, sha256 } of the sound in the file. Throws Unreadable.
export async function identity(b) {
  const { name, at } = locate(b);
  if (name === "mp3") return { kind: "mpeg-stream", sha256: await sha256(b.subarray(at, startOfTrailingTags(b, at))) };
  if (name === "flac") {
    const { blocks, audio } = flacBlocks(b, at);
    if (blocks[0].kind !== 0 || blocks[0].length !== 34) throw damaged("FLAC");
    return { kind: "flac-stream", sha256: await sha256(b.subarray(blocks[0].at, blocks[0].at + 34), b.subarray(audio)) };
  }
  const pcm = name === "wav" ? wav(b) : aiff(b);
  const frame = pcm.width * pcm.channels;
  const there = Math.max(0, Math.min(pcm.length, b.length - pcm.at));
  if (pcm.length - there > (pcm.rate * frame) / 10) throw new Unreadable("This file ends too early. Copy or export it again.");
  const length = there - (there % frame);
  if (!length) throw new Unreadable("There is no sound in this file, only its header. Export it again.");
  const head = new TextEncoder().encode(`${pcm.rate}:${pcm.channels}:`);
  return { kind: "pcm", sha256: await sha256(head, widened(b, pcm.at, length, pcm.width, pcm)) };
}
