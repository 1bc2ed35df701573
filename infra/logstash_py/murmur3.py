"""MurmurHash3, 32 and 128 bits (x64). The algorithm is Austin Appleby's, in the public domain."""

from __future__ import annotations

_M32 = 0xFFFFFFFF
_M64 = 0xFFFFFFFFFFFFFFFF


def _rotl32(value: int, by: int) -> int:
    return ((value << by) | (value >> (32 - by))) & _M32


def _rotl64(value: int, by: int) -> int:
    return ((value << by) | (value >> (64 - by))) & _M64


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """An unsigned number of 32 bits."""
    hash_ = seed
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        block = int.from_bytes(data[at : at + 4], "little") * 0xCC9E2D51 & _M32
        hash_ ^= _rotl32(block, 15) * 0x1B873593 & _M32
        hash_ = (_rotl32(hash_, 13) * 5 + 0xE6546B64) & _M32
    if tail := data[whole:]:
        block = int.from_bytes(tail, "little") * 0xCC9E2D51 & _M32
        hash_ ^= _rotl32(block, 15) * 0x1B873593 & _M32
    hash_ ^= len(data)
    hash_ = (hash_ ^ (hash_ >> 16)) * 0x85EBCA6B & _M32
    hash_ = (hash_ ^ (hash_ >> 13)) * 0xC2B2AE35 & _M32
    return hash_ ^ (hash_ >> 16)


def _mix64(value: int) -> int:
    value = (value ^ (value >> 33)) * 0xFF51AFD7ED558CCD & _M64
    value = (value ^ (value >> 33)) * 0xC4CEB9FE1A85EC53 & _M64
    return value ^ (value >> 33)


def murmur3_128(data: bytes, seed: int = 0) -> bytes:
    """16 bytes: the two halves, each little-endian."""
    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
    h1 = h2 = seed
    whole = len(data) & ~15
    for at in range(0, whole, 16):
        k1 = int.from_bytes(data[at : at + 8], "little")
        k2 = int.from_bytes(data[at + 8 : at + 16], "little")
        h1 ^= _rotl64(k1 * c1 & _M64, 31) * c2 & _M64
        h1 = (_rotl64(h1, 27) + h2) * 5 + 0x52DCE729 & _M64
        h2 ^= _rotl64(k2 * c2 & _M64, 33) * c1 & _M64
        h2 = (_rotl64(h2, 31) + h1) * 5 + 0x38495AB5 & _M64
    tail = data[whole:]
    if len(tail) > 8:
        k2 = int.from_bytes(tail[8:], "little")
        h2 ^= _rotl64(k2 * c2 & _M64, 33) * c1 & _M64
    if tail:
        k1 = int.from_bytes(tail[:8], "little")
        h1 ^= _rotl64(k1 * c1 & _M64, 31) * c2 & _M64
    h1 ^= len(data)
    h2 ^= len(data)
    h1 = (h1 + h2) & _M64
    h2 = (h2 + h1) & _M64
    h1, h2 = _mix64(h1), _mix64(h2)
    h1 = (h1 + h2) & _M64
    h2 = (h2 + h1) & _M64
    return h1.to_bytes(8, "little") + h2.to_bytes(8, "little")
