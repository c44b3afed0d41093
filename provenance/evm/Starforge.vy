# pragma version 0.4.3
# pragma evm-version paris
# pragma optimize gas
# SPDX-License-Identifier: Apache-2.0
"""
@title Starforge
@license Apache-2.0
@notice Heads of one transparency log, and its certificates as ERC-721 tokens. Written once, never changed.
@dev `heads(size)` is the RFC 6962 Merkle root of the log's first `size` entries. A token's id is the SHA-256
     of its certificate's signed statement.
"""
from ethereum.ercs import IERC165
from ethereum.ercs import IERC721

implements: IERC165
implements: IERC721

interface Receiver:
    def onERC721Received(operator: address, sender: address, token: uint256, data: Bytes[1024]) -> bytes4: nonpayable

event Anchored:
    size: indexed(uint64)
    root: indexed(bytes32)

event HandedOver:
    before: indexed(address)
    after: indexed(address)

name: public(constant(String[9])) = "Starforge"
symbol: public(constant(String[5])) = "FORGE"

origin: public(String[256])
owner: public(address)
size: public(uint64)
heads: public(HashMap[uint64, bytes32])
times: public(HashMap[uint64, uint256])

owners: HashMap[uint256, address]
counts: HashMap[address, uint256]
approved: HashMap[uint256, address]
operators: HashMap[address, HashMap[address, bool]]
uris: HashMap[uint256, String[4096]]


@deploy
def __init__(origin: String[256]):
    """
    @param origin The name of the log, as its signed checkpoints carry it.
    """
    self.origin = origin
    self.owner = msg.sender


@external
def anchor(size: uint64, root: bytes32):
    """
    @notice Write down the head of the log. It can only grow, so no size is ever written twice.
    """
    assert msg.sender == self.owner, "not the owner"
    assert size > self.size, "the log only grows"
    assert root != empty(bytes32), "no root"
    self.size = size
    self.heads[size] = root
    self.times[size] = block.timestamp
    log Anchored(size=size, root=root)


@external
def mint(to: address, statement: bytes32, uri: String[4096]):
    """
    @notice Make the token of a certificate. Once for each.
    """
    assert msg.sender == self.owner, "not the owner"
    assert to != empty(address), "nobody"
    token: uint256 = convert(statement, uint256)
    assert token != 0, "no statement"
    assert self.owners[token] == empty(address), "minted before"
    self.owners[token] = to
    self.counts[to] += 1
    self.uris[token] = uri
    log IERC721.Transfer(sender=empty(address), receiver=to, token_id=token)


@external
def hand_over(to: address):
    """
    @notice Another account writes from now on. What was written stays.
    """
    assert msg.sender == self.owner, "not the owner"
    assert to != empty(address), "nobody"
    log HandedOver(before=msg.sender, after=to)
    self.owner = to


@view
@external
def tokenURI(token: uint256) -> String[4096]:
    assert self.owners[token] != empty(address), "no such token"
    return self.uris[token]


@view
@external
def supportsInterface(interface_id: bytes4) -> bool:
    return interface_id in [0x01ffc9a7, 0x80ac58cd, 0x5b5e139f]


@view
@external
def balanceOf(owner: address) -> uint256:
    assert owner != empty(address), "nobody"
    return self.counts[owner]


@view
@external
def ownerOf(token: uint256) -> address:
    owner: address = self.owners[token]
    assert owner != empty(address), "no such token"
    return owner


@view
@external
def getApproved(token: uint256) -> address:
    assert self.owners[token] != empty(address), "no such token"
    return self.approved[token]


@view
@external
def isApprovedForAll(owner: address, operator: address) -> bool:
    return self.operators[owner][operator]


@payable
@external
def approve(to: address, token: uint256):
    owner: address = self.owners[token]
    assert owner != empty(address), "no such token"
    assert msg.sender == owner or self.operators[owner][msg.sender], "not yours"
    self.approved[token] = to
    log IERC721.Approval(owner=owner, approved=to, token_id=token)


@external
def setApprovalForAll(operator: address, approved: bool):
    self.operators[msg.sender][operator] = approved
    log IERC721.ApprovalForAll(owner=msg.sender, operator=operator, approved=approved)


@payable
@external
def transferFrom(sender: address, receiver: address, token: uint256):
    self._transfer(sender, receiver, token)


@payable
@external
def safeTransferFrom(sender: address, receiver: address, token: uint256, data: Bytes[1024] = b""):
    self._transfer(sender, receiver, token)
    if receiver.is_contract:
        answer: bytes4 = extcall Receiver(receiver).onERC721Received(msg.sender, sender, token, data)
        assert answer == method_id("onERC721Received(address,address,uint256,bytes)", output_type=bytes4), "refused"


@internal
def _transfer(sender: address, receiver: address, token: uint256):
    owner: address = self.owners[token]
    assert owner != empty(address), "no such token"
    assert owner == sender, "not its owner"
    assert receiver != empty(address), "nobody"
    assert (
        msg.sender == owner or msg.sender == self.approved[token] or self.operators[owner][msg.sender]
    ), "not yours"
    self.approved[token] = empty(address)
    self.counts[sender] -= 1
    self.counts[receiver] += 1
    self.owners[token] = receiver
    log IERC721.Transfer(sender=sender, receiver=receiver, token_id=token)
