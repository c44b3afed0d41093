"""Heads of the log, and certificates, on an EVM chain. Optional; pure: nothing here knows a database.

`rpc` speaks to a node, `contract` knows what `Starforge.vy` takes and answers, `wallet` signs (it alone needs
requirements-evm.txt: whoever only reads a chain installs nothing).
"""
