// Who else bears witness to a stamp: a timestamp and a place on a blockchain, as a certificate's bundle brings them.
// The same words as provenance/witnesses.py. No node of a chain is asked from here: an anchor is stated, not believed.

import { hex, proved, Refused } from "./log.js";
import { stamped, Untrusted } from "./timestamp.js";

const check = (name, ok, sentence) => ({ name, ok, sentence });
const counted = (number) => Number(number).toLocaleString("en");

export function minute(milliseconds) {
  const when = new Date(milliseconds);
  const day = when.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  return `${day}, ${when.toISOString().slice(11, 16)} UTC`;
}

// `sealed`: { leaf, payload } of a stamp whose signature holds.
export async function witnesses(sealed, brought, trust) {
  const out = [];
  if (brought.timestamp?.length) out.push(await timestamp(sealed, brought.timestamp, trust));
  if (brought.chain !== null) {
    try {
      if (typeof brought.chain !== "object" || Array.isArray(brought.chain)) throw new TypeError();
      const { anchor = null, token = null } = brought.chain;
      if (anchor !== null) out.push(await anchored(sealed, anchor, brought.chainProof, trust));
      if (token !== null) out.push(await minted(sealed, token));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      out.push(check("anchor", false, "What the bundle says about a blockchain cannot be read."));
    }
  }
  return out;
}

async function timestamp(sealed, answer, trust) {
  try {
    const when = await stamped(answer, sealed.leaf, trust.timestampRoots);
    return check("timestamp", true, `A third party of the trust file signed that this stamp existed on ${minute(when)}.`);
  } catch (error) {
    if (error instanceof Untrusted) return check("timestamp", null, error.message);
    if (error instanceof Refused) return check("timestamp", false, error.message);
    throw error;
  }
}

function place(row) {
  if (!Number.isInteger(row.block) || !Number.isInteger(row.chain_id) || typeof row.contract !== "string") throw new TypeError();
  return `block ${counted(row.block)} on chain ${row.chain_id}`;
}

async function anchored(sealed, anchor, proof, trust) {
  const where = place(anchor);
  let head;
  try { head = await proved(proof, sealed.leaf, trust.logKeysEver); } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return check("anchor", false, `The proof that leads to the blockchain does not hold. ${error.message}`);
  }
  if (Number(head.size) !== anchor.size || `0x${hex(head.root)}` !== anchor.root) {
    return check("anchor", false, "The root that is said to be on the blockchain is not the one this stamp leads to.");
  }
  const listed = trust.contracts.has(`${anchor.chain_id} ${anchor.contract.toLowerCase()}`) ? "" : " The trust file does not list that contract.";
  return check("anchor", null, `The log up to entry ${counted(head.size)}, which holds this one, is said to be anchored in ${where}. The chain was not asked: no network is used here.${listed}`);
}

async function minted(sealed, token) {
  const where = place(token);
  const id = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", sealed.payload)));
  if (token.id !== `0x${id}`) return check("anchor", false, "The token in the bundle is of another certificate.");
  return check("anchor", null, `A token of it is said to be in ${where}. The chain was not asked: no network is used here.`);
}
