"""Content Credentials (C2PA): the manifest that other programs read, made, found, and checked byte for byte.

`certificates` our own certificate authority, `writing` what a manifest says, `attaching` how it gets into a file,
`places` where it lies in one, `boxes` what it is made of, `reading` what a limited child process finds out with the
c2pa library, `judging` what that means to somebody who trusts our root.
"""
