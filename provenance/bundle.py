"""The certificate as a zip that proves itself offline: with openssl, with a short script, or by hand."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import Any

from provenance import anchored, keys, opening, stamping, timestamps
from provenance.canonical import canonical
from provenance.log import store
from provenance.models import Certificate
from provenance.signing import open_envelope, public_pem
from provenance.standalone import build

_README = """\
Certificate {id}
{title}, {artist}
Entry {entry} of the public log {origin}

What is in this folder
  statement.json     what was claimed, in canonical form (RFC 8785): the hashes of the audio and the provenance
  envelope.json      the statement with its Ed25519 signature (DSSE)
  proof.txt          proof that the envelope is in the public log (C2SP tlog-proof, RFC 6962)
  checkpoint.txt     the signed head of the log the proof leads to
  trust.json         the public keys, and what was revoked
  disclosure.json    only where the artist opened private parts: what the salted hashes under "private" stand for
  check_log.py       checks proof.txt against envelope.json; needs Python 3 and nothing else
  openssl/           the signed bytes, signatures and keys, cut out for openssl
  chain.json         only where the log was anchored on a blockchain, or a token minted: where, and what to ask
  timestamp.tsr      only with one: what a timestamping authority (RFC 3161) signed over envelope.json
  chain-proof.txt    only with an anchor: proof that the envelope is in the log whose root stands there

How to check it without Starforge: the short way

     pip install {wheel_url}
     starforge-verify --trust starforge-trust.json --bundle {id}.zip take.wav

   The verifier is small, works offline, and answers with exit status 0 only when everything below holds.
   starforge-trust.json is what you fetched from {trust_url} yourself.

How to check it without Starforge: step by step

1. The signature: was statement.json signed by the key in trust.json, and not changed since?
     cd openssl
     openssl pkeyutl -verify -pubin -inkey stamp-key.pem -rawin -in stamp-signed.bin -sigfile stamp-signature.bin
   stamp-signed.bin is the DSSE encoding of statement.json; its end is statement.json, byte for byte.

2. The log: does the checkpoint contain this stamp?
     python3 check_log.py

3. The checkpoint: did the log sign it?
     cd openssl
     openssl pkeyutl -verify -pubin -inkey log-key.pem -rawin -in log-signed.bin -sigfile log-signature.bin

4. The audio: is the file you hold the one that was signed? Its hash must be a "subject" of statement.json.
   kind "pcm" (WAV, FLAC, AIFF): SHA-256 over the text "<sample rate>:<channels>:" followed by the decoded
   samples, interleaved, as little-endian 32-bit integers at full scale (a 24-bit sample is shifted left by 8).
     ffmpeg -v error -i take.wav -f s32le - | (printf '44100:2:'; cat) | sha256sum
   kind "mpeg-stream" (MP3): SHA-256 over the file without its ID3v2, ID3v1 and APE tags.
   kind "flac-stream" (FLAC, beside pcm): SHA-256 over the 34 bytes of STREAMINFO and everything behind the last
   metadata block.

5. The blockchain, where chain.json names one: send its "call" as eth_call to any node of that chain. An anchor
   answers the root that
     python3 check_log.py chain-proof.txt
   prints: since that block nobody, Starforge included, could put this stamp in behind or take it out.

   starforge-verify --chain-root 0x... {id}.zip compares such an answer too.

6. The timestamp, where there is one: did a third party sign this stamp at that time? Its certificate is not in here.
     starforge-verify --tsa-root authority.pem {id}.zip
     openssl ts -verify -in timestamp.tsr -data envelope.json -CAfile authority.pem
     openssl ts -reply -in timestamp.tsr -text

Get trust.json once from {trust_url} and compare: a bundle can hold any key, the published ones are what counts.

What this does not prove: that whoever uploaded the recordings owned them, or that nobody made a similar sound.
"""

_CHECK_LOG = '''\
"""Check that envelope.json is in the log whose head is checkpoint.txt. Python 3, no packages."""
import base64, hashlib, json, pathlib, sys

here = pathlib.Path(__file__).parent
envelope = json.loads((here / "envelope.json").read_text())
leaf = json.dumps(envelope, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
name = sys.argv[1] if len(sys.argv) > 1 else "proof.txt"
head, _, note = (here / name).read_text().partition("\\n\\n")
lines = head.split("\\n")
index = int(lines[1].split()[1])
path = [base64.b64decode(line) for line in lines[2:]]
assert name != "proof.txt" or note == (here / "checkpoint.txt").read_text(), "it ends in another checkpoint"
origin, size, root = note.split("\\n")[:3]
fn, sn, node = index, int(size) - 1, hashlib.sha256(b"\\0" + leaf).digest()
assert 0 <= fn <= sn, "the entry lies outside the log"
for sibling in path:                      # RFC 9162, 2.1.3.2
    assert sn, "the proof is too long"
    if fn & 1 or fn == sn:
        node = hashlib.sha256(b"\\1" + sibling + node).digest()
        while fn and not fn & 1:
            fn, sn = fn >> 1, sn >> 1
    else:
        node = hashlib.sha256(b"\\1" + node + sibling).digest()
    fn, sn = fn >> 1, sn >> 1
assert sn == 0 and node == base64.b64decode(root), "the log does not contain this envelope"
print(f"Entry {index + 1} of {size} in {origin}: contained. Root 0x{node.hex()}")
'''


def packed(certificate: Certificate) -> bytes:
    """The zip, with the newest checkpoint that covers the entry. The same bytes for the same checkpoint."""
    checkpoint = store.latest_checkpoint()
    sealed = open_envelope(certificate.envelope)
    text, _, tail = checkpoint.note.partition("\n\n")
    log_signature = base64.b64decode(tail.strip().rsplit(" ", 1)[1])[4:]  # behind the key id
    files: dict[str, bytes] = {
        "README.txt": _README.format(
            id=certificate.pk,
            title=f'"{certificate.public_title}"' if certificate.public_title else "A recording",
            artist=certificate.artist_name,
            entry=f"{certificate.entry_id + 1:,}",
            origin=checkpoint.key.name,
            wheel_url=stamping.absolute(f"/verify/{build.FILENAME}"),
            trust_url=stamping.absolute("/.well-known/starforge-trust.json"),
        ).encode(),
        "statement.json": sealed.payload,
        "envelope.json": canonical(certificate.envelope),
        "proof.txt": store.proof_text(certificate.entry, checkpoint).encode(),
        "checkpoint.txt": checkpoint.note.encode(),
        "trust.json": _pretty(keys.trust().to_json()),
        "check_log.py": _CHECK_LOG.encode(),
        "openssl/stamp-key.pem": public_pem(bytes.fromhex(certificate.key.public_key)).encode(),
        "openssl/stamp-signed.bin": sealed.pae,
        "openssl/stamp-signature.bin": sealed.signature,
        "openssl/log-key.pem": public_pem(bytes.fromhex(checkpoint.key.public_key)).encode(),
        "openssl/log-signed.bin": (text + "\n").encode(),
        "openssl/log-signature.bin": log_signature,
    }
    if shown := opening.disclosure(certificate):
        files["disclosure.json"] = _pretty(shown.to_json())
    if stamped := timestamps.token_of(certificate):
        files["timestamp.tsr"] = stamped
    if written := anchored.described(certificate):
        files["chain.json"] = _pretty(written)
        if "anchor" in written:
            files["chain-proof.txt"] = written["anchor"]["proof"].encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(f"{certificate.pk}/{name}", certificate.created_at.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return out.getvalue()


def _pretty(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
