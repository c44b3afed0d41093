"""An append-only transparency log: RFC 6962 Merkle tree, C2SP text formats, one storage module."""
