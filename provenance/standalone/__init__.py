"""starforge-verify: checks a stamped recording or a certificate bundle offline, without Starforge.

The same modules that the server runs (`provenance.proof` and below), packed by `build` into a wheel of their own
that needs nothing but `cryptography` and `rfc8785`. With the extra `c2pa` it checks Content Credentials too, with
`timestamp` the timestamp in a bundle.
"""

VERSION = "1.2.0"
