// Is this recording what it says it is? Everything is done here, in the browser; the file goes nowhere.
// The same steps, in the same order, as the server's provenance/proof.py, written a second time on purpose:
// two readers that agree on every vector keep each other honest.

import { fields, identity, Unreadable } from "./container.js";
import { checkpoint, consistent, hex, proved, Refused, signatureHolds, unbase64, unhex } from "./log.js";
import { pem } from "./timestamp.js";
import { witnesses } from "./witnesses.js";

const STATEMENT = "https://in-toto.io/Statement/v1";
const PREDICATE = "https://starforge.audio/provenance/v1";
const PAYLOAD = "application/vnd.in-toto+json";
const DISCLOSURE = "https://starforge.audio/disclosure/v1";
const SCHEME = "sha256(jcs([salt, name, value]))";
const encoder = new TextEncoder();
const decoder = () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// --- RFC 8785, and the four things it leaves open (see provenance/canonical.py) --------------------------------

export function canonical(value, depth = 0) {
  if (depth > 32) throw new Refused("nested too deeply");
  if (value === null || typeof value === "boolean") return JSON.stringify(value);
  if (typeof value === "string") {
    if (value.includes("\0") || /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(value)) {
      throw new Refused("text that no file can carry");
    }
    return JSON.stringify(value.normalize("NFC"));
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new Refused("not a number");
    const rounded = Number.isInteger(value) ? value : Number(value.toFixed(6));
    if (Number.isInteger(rounded) && Math.abs(rounded) > Number.MAX_SAFE_INTEGER) throw new Refused("too large a number");
    return JSON.stringify(rounded);
  }
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one, depth + 1)).join(",")}]`;
  const parts = new Map();
  for (const [key, one] of Object.entries(value)) {
    const name = key.normalize("NFC");
    if (parts.has(name)) throw new Refused("two keys that are one");
    parts.set(name, name === "seed" && Number.isInteger(one) ? JSON.stringify(String(one)) : canonical(one, depth + 1));
  }
  return `{${[...parts.keys()].sort().map((name) => `${canonical(name)}:${parts.get(name)}`).join(",")}}`;
}

// --- the trust file --------------------------------------------------------------------------------------------

export async function readTrust(document) {
  if (document.version !== 1) throw new Refused("The trust file is of a version this page does not read.");
  const keys = [];
  for (const one of document.keys) {
    const raw = unhex(one.public_key);
    const id = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", raw))).slice(0, 32);
    if (raw.length !== 32 || id !== one.keyid) throw new Refused("The trust file holds a key that does not match its own id.");
    keys.push({ ...one, raw });
  }
  const logKeys = (revokedToo) => {
    const out = new Map();
    for (const key of keys.filter((one) => one.purpose === "log" && (revokedToo || !one.revoked_at))) {
      out.set(key.name, [...(out.get(key.name) ?? []), key.raw]);
    }
    return out;
  };
  return {
    stampKey: (id) => keys.find((one) => one.purpose === "stamp" && one.keyid === id),
    logKeys: logKeys(false),
    logKeysEver: logKeys(true),
    revoked: new Map((document.revoked_certificates ?? []).map((one) => [one.entry, one])),
    timestampRoots: pem((document.timestamp_authorities ?? []).join("")),
    contracts: new Set((document.blockchain ?? []).map((one) => `${one.chain_id} ${one.contract.toLowerCase()}`)),
  };
}

// --- the steps -------------------------------------------------------------------------------------------------

const check = (name, ok, sentence) => ({ name, ok, sentence });

function envelopeOf(value) {
  if (!value || typeof value !== "object") throw new Refused("The stamp is not a signature envelope.");
  if (value.payloadType !== PAYLOAD) throw new Refused("The stamp's payload is of another type than a provenance statement.");
  const signatures = value.signatures;
  if (!Array.isArray(signatures) || signatures.length !== 1 || !signatures[0]) {
    throw new Refused("The stamp must carry exactly one signature.");
  }
  const { keyid, sig } = signatures[0];
  if (typeof keyid !== "string" || !keyid || keyid.length > 128) throw new Refused("The stamp does not name the key that signed it.");
  if (typeof value.payload !== "string" || typeof sig !== "string") throw new Refused("The stamp's payload is missing.");
  const payload = unbase64(value.payload, "payload");
  const signature = unbase64(sig, "signature");
  if (signature.length !== 64) throw new Refused("The stamp's signature is not 64 bytes long.");
  const head = encoder.encode(`DSSEv1 ${PAYLOAD.length} ${PAYLOAD} ${payload.length} `);
  const signed = new Uint8Array(head.length + payload.length);
  signed.set(head);
  signed.set(payload, head.length);
  const leaf = encoder.encode(canonical({ payload: value.payload, payloadType: PAYLOAD, signatures: [{ keyid, sig }] }));
  return { keyid, payload, signature, signed, leaf };
}

function statementOf(payload) {
  let text, value;
  try {
    text = decoder().decode(payload);
    value = JSON.parse(text);
  } catch { throw new Refused("The signed statement is not readable JSON."); }
  let right = false;
  try { right = canonical(value) === text; } catch { /* then it has no canonical form */ }
  if (!right) throw new Refused("The signed statement is not in its one canonical form.");
  return value;
}

function claimOf(statement) {
  try {
    if (statement._type !== STATEMENT || statement.predicateType !== PREDICATE) {
      throw new Refused("The statement is of a kind this page does not read.");
    }
    const head = statement.predicate.certificate;
    const provenance = statement.predicate.provenance;
    const signed = (kind) => statement.subject.flatMap((one) => {
      if (one.annotations.kind === kind) return [one.digest.sha256];
      return one.annotations.stream?.kind === kind ? [one.annotations.stream.sha256] : [];
    });
    if (!statement.subject.length || !provenance || [head.id, head.title, head.artist].includes(undefined)) throw new TypeError();
    return { id: String(head.id), title: head.title, artist: head.artist, declared: head.attested === "declared", provenance, signed };
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused("The statement is incomplete: a required part is missing.");
  }
}

function soundCheck(claim, sound) {
  const signed = claim.signed(sound.kind);
  if (signed.includes(sound.sha256)) return check("audio", true, "The audio matches the hash that was signed, bit for bit.");
  if (!signed.length && sound.kind === "flac-stream" && claim.signed("pcm").length) {
    return check("audio", null, "This stamp is from before FLAC files could be checked without decoding. Send it to be checked.");
  }
  if (!signed.length) return check("audio", false, "This kind of file is not among the renditions that were signed.");
  return check("audio", false, "The audio is not the audio that was signed. Something in it was changed, be it a single sample.");
}

async function logCheck(proof, leaf, trust) {
  try {
    const found = await proved(proof, leaf, trust.logKeys);
    const [entry, size] = [found.index + 1, Number(found.size)].map((one) => one.toLocaleString("en"));
    return [check("log", true, `Entry ${entry} of the ${size} that the signed checkpoint counts.`), found];
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const once = await proved(proof, leaf, trust.logKeysEver).catch(() => null);
    const words = once ? "The log key that signed this proof has been revoked since. A fresh proof is at the certificate's address." : error.message;
    return [check("log", false, words), null];
  }
}

function revocation(key, entry, trust) {
  const one = entry && trust.revoked.get(entry.index);
  if (one) return `This certificate was revoked on ${one.revoked_at.slice(0, 10)}: ${one.because}`;
  if (!key.revoked_at || (entry && entry.index < (key.revoked_from_entry ?? 0))) return "";
  return `The key that signed this stamp has been revoked, so the stamp no longer counts. ${key.revoked_because ?? ""}`.trim();
}

async function disclosureCheck(claim, shown) {
  if (shown.type !== DISCLOSURE || !Array.isArray(shown.parts) || !shown.parts.length) throw new Unreadable("This is not a disclosure file.");
  if (shown.certificate_id !== claim.id) return [check("disclosure", false, "The disclosure belongs to another certificate."), {}];
  const block = claim.provenance.private;
  const signed = block?.scheme === SCHEME ? block.parts : {};
  const wrong = [];
  for (const { name, salt, value } of shown.parts) {
    let found = "";
    try {
      const bytes = encoder.encode(canonical([salt, name, value]));
      found = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
    } catch { /* what has no canonical form was never signed */ }
    if (!Object.hasOwn(signed, name) || signed[name] !== found) wrong.push(name);
  }
  if (wrong.length) return [check("disclosure", false, `What was opened is not what was signed: ${wrong.join(", ")}.`), {}];
  const names = shown.parts.map((part) => part.name).join(", ");
  return [check("disclosure", true, `What was opened is what was signed: ${names}.`), Object.fromEntries(shown.parts.map((part) => [part.name, part.value]))];
}

// { checks, claim, revoked, opened } for parsed credentials and, when there is a recording, its { kind, sha256 }.
export async function examine({ envelope, proof, certificateId = null }, trust, sound = null, shown = null) {
  const checks = [];
  const done = (more = {}) => ({ checks, claim: null, revoked: "", opened: {}, entry: null, sealed: null, ...more });
  let sealed, statement;
  try {
    sealed = envelopeOf(envelope);
    statement = statementOf(sealed.payload);
    checks.push(check("form", true, "The statement is in its one canonical form."));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    checks.push(check("form", false, error.message));
    if (!sealed) return done();
  }
  const key = trust.stampKey(sealed.keyid);
  if (!key) {
    checks.push(check("signature", false, "The stamp is signed with a key this Starforge does not know. It may be forged, or come from another Starforge: check it there."));
  } else if (!(await signatureHolds(key.raw, sealed.signature, sealed.signed))) {
    checks.push(check("signature", false, "The signature does not fit what the stamp says: a field was edited after signing, or the stamp is forged."));
  } else checks.push(check("signature", true, "The signature fits the statement and the key is published."));
  if (checks.some((one) => one.ok === false)) return done();
  let claim;
  try { claim = claimOf(statement); } catch (error) {
    checks.push(check("form", false, error.message));
    return done();
  }
  if (certificateId !== null) {
    const right = claim.id === certificateId;
    checks.push(check("identity", right, right ? "The file names the certificate that was signed." : "The file names another certificate than the one that was signed."));
  }
  if (sound) checks.push(soundCheck(claim, sound));
  const [logged, entry] = await logCheck(proof, sealed.leaf, trust);
  checks.push(logged);
  const revoked = logged.ok ? revocation(key, entry, trust) : "";
  if (revoked) checks.push(check("revocation", null, revoked));
  let opened = {};
  if (shown) {
    const [said, parts] = await disclosureCheck(claim, shown);
    checks.push(said);
    opened = parts;
  }
  return done({ claim, revoked, opened, entry, sealed });
}

const SECONDS = ["timestamp", "anchor"];   // without them a stamp holds all the same
const NAMES = { certificate: "STARFORGE_CERTIFICATE", envelope: "STARFORGE_ENVELOPE", proof: "STARFORGE_PROOF", url: "STARFORGE_URL" };

// The credentials in a file, null when it has none. Throws Refused when they are damaged.
export function credentials(bytes) {
  const found = fields(bytes);
  if (!Object.values(NAMES).some((name) => found.has(name))) return null;
  const missing = [NAMES.certificate, NAMES.envelope, NAMES.proof].filter((name) => !found.get(name));
  if (missing.length) {
    throw new Refused(`The file carries only a part of its credentials; ${missing.join(" and ")} is gone or unreadable.`);
  }
  if (found.get(NAMES.envelope).length > 64000 || found.get(NAMES.proof).length > 64000) {
    throw new Refused("The credentials in the file are longer than any stamp can be.");
  }
  let envelope;
  try { envelope = JSON.parse(found.get(NAMES.envelope)); } catch { throw new Refused("The stamp in the file is no longer readable."); }
  const manifest = found.get("STARFORGE_MANIFEST") === "c2pa";   // issued with Content Credentials, which are not read here
  return { certificateId: found.get(NAMES.certificate), envelope, proof: found.get(NAMES.proof), manifest };
}

// The verdict on a recording: { state, sentence, checks, claim, opened, sound, unchecked }. `bring` may answer credentials
// for the hash of a file that carries none; `bundle` takes the place of those in the file. Throws Unreadable for what
// cannot be checked here.
export async function checkRecording(bytes, trust, { shown = null, bring = null, bundle = null } = {}) {
  const sound = await identity(bytes);
  let carried = bundle, brought = Boolean(bundle);
  try { carried ??= credentials(bytes); } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { state: "altered", sentence: `This file's credentials were damaged or edited. ${error.message}`,
      checks: [check("credentials", false, error.message)], claim: null, opened: {}, sound, unchecked: [] };
  }
  if (!carried && bring) {
    carried = await bring(sound);
    brought = Boolean(carried);
  }
  if (!carried) {
    return { state: "no_credentials", sentence: "This file carries no stamp. That proves nothing for or against it.", checks: [], claim: null, opened: {}, sound, unchecked: [] };
  }
  const looked = await examine(carried, trust, sound, shown);
  const ending = bundle ? "Its sound is the one that the bundle certifies."
    : brought ? "This copy carries no stamp and was found by its audio, which has not changed since." : "Its sound has not changed since.";
  return { ...await seconded(looked, bundle, trust, ending), sound, manifest: Boolean(carried.manifest) };
}

// The verdict on a certificate without a recording, from its bundle.
export async function checkBundle(bundle, trust, { shown = null } = {}) {
  const looked = await examine(bundle, trust, null, shown);
  const found = await seconded(looked, bundle, trust, "The signature and the log entry hold.");
  found.unchecked.unshift("Whether a recording is the one that was certified: none was given.");
  return { ...found, sound: null, manifest: false };
}

// What a bundle brings beside the stamp is checked too, once the stamp itself holds.
export async function seconded(looked, bundle, trust, ending) {
  const checks = [...looked.checks];
  if (looked.claim && bundle) checks.push(...await witnesses(looked.sealed, bundle.brought, trust));
  const unchecked = [];
  if (looked.claim) {
    if (!bundle) unchecked.push("Whether a third party timestamped it or a blockchain holds it: that lies in the certificate's bundle.");
    else {
      if (!bundle.brought.timestamp) unchecked.push("A third party's timestamp: the bundle holds none.");
      if (bundle.brought.chain === null) unchecked.push("A place on a blockchain: the bundle names none.");
    }
  }
  return { ...judged({ ...looked, checks }, ending), ...looked, checks, unchecked };
}

function judged({ checks, claim, revoked, opened }, ending) {
  const failed = checks.find((one) => one.ok === false);
  if (failed) {
    const begin = { audio: "This is not the recording that was certified.", disclosure: "This disclosure does not hold." }[failed.name];
    return { state: "altered", sentence: `${begin ?? "This stamp does not hold."} ${failed.sentence}` };
  }
  if (revoked) return { state: "revoked", sentence: `${revoked.replace(/\.$/, "")}. Ask the artist for a new one.` };
  const unknown = checks.find((one) => one.ok === null && !SECONDS.includes(one.name));
  if (unknown) return { state: "not_checked", sentence: unknown.sentence };
  return { state: "intact", sentence: `${origin(claim, opened.title)} ${ending}` };
}

function clip(words) {
  const line = String(words).split(/\s+/).filter(Boolean).join(" ");
  return line.length <= 80 ? line : `${line.slice(0, 79).trimEnd()}…`;
}

// What of the catalog went in: "6 of the 12 recordings", as far as it was signed.
function recordings({ track_count: count, recordings_used: used }) {
  if (!Number.isInteger(count) || count <= 0) return "";
  const all = `${count.toLocaleString("en")} recording${count === 1 ? "" : "s"}`;
  if (used === 0) return `the Aesthetic DNA of ${all}`;
  return Number.isInteger(used) && used > 0 && used < count ? `${used.toLocaleString("en")} of the ${all}` : all;
}

// What of whose catalogs went in: of a recording of two artists both are named.
function whose(source, artist) {
  const own = recordings(source), other = source.partner;
  if (!own) return ` for ${artist}`;
  if (typeof other?.artist !== "string") return ` from ${own} of ${artist}`;
  const theirs = recordings(other) || "recordings";
  const both = source.recordings_used !== 0 && other.recordings_used !== 0;   // then the word was said of the first
  return ` from ${own} of ${artist} and ${both ? theirs.replace(/ recordings$/, "") : theirs} of ${clip(other.artist)}`;
}

// One sentence: what this recording is, as it was signed.
export function origin(claim, openedTitle = "") {
  const when = new Date(claim.provenance.timestamp).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  const title = claim.title || openedTitle ? `“${clip(claim.title || openedTitle)}”` : "This recording";
  const artist = clip(claim.artist);
  if (claim.declared) return `${title} was declared by ${artist} on ${when}.`;
  const made = claim.provenance.generator ?? {};
  const model = clip(made.label || made.model || "");
  const version = clip(made.version || "");
  const name = [model && model[0].toUpperCase() + model.slice(1), version && !model.includes(version) && version].filter(Boolean).join(" ");
  const from = whose(claim.provenance.source ?? {}, artist);
  const verb = claim.provenance.type === "ai_generated" ? "composed" : "made";
  return `${title} was ${verb} on ${when}${name ? ` by ${name}` : ""}${from}.`;
}

// Whether the log a file was entered in is the beginning of the log served today. `served` asks this site for today's
// checkpoint and for the hashes of a consistency proof. A check like the others; null where the log cannot be asked.
export async function continuity(entry, trust, served) {
  let now, hashes;
  try {
    now = await served.checkpoint();
    const today = await checkpoint(now, trust.logKeys);
    if (today.origin !== entry.origin || today.size < entry.size) throw new Refused("");
    hashes = await served.consistency(entry.size, today.size);
    const path = hashes.map((one) => unbase64(one, "consistency proof"));
    if (!(await consistent(entry.size, today.size, entry.root, today.root, path))) throw new Refused("");
  } catch (error) {
    if (!(error instanceof Refused)) return null;
    return check("continuity", false, "The log served here today does not continue the one this file was entered in. It was rewritten, rolled back or lost.");
  }
  return check("continuity", true, "Nothing before it was rewritten since: the log of then is the beginning of the log of today.");
}

// Whether this browser can do it at all: WebCrypto with Ed25519, on a secure page.
export async function supported() {
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32).fill(1), { name: "Ed25519" }, false, ["verify"]);
    return true;
  } catch { return false; }
}
