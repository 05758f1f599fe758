"""Which 32 bytes are a safe Ed25519 public key (RFC 8032 section 5.1).

Libraries load points of low order, for which one signature fits every message, points with a part
of low order, whose owner can make signatures that some verifiers accept and others refuse, and
second spellings of one point. None of them may be registered. The arithmetic below is not constant
in time and need not be: it sees public keys only.
"""

from functools import lru_cache

from holdfast.protocol.errors import KeyFormatError

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_SQRT_MINUS_ONE = pow(2, (_P - 1) // 4, _P)

#: Extended homogeneous coordinates X, Y, Z, T with x = X/Z, y = Y/Z, x * y = T/Z.
_Point = tuple[int, int, int, int]
_IDENTITY: _Point = (0, 1, 1, 0)


def _add(first: _Point, second: _Point) -> _Point:
    x1, y1, z1, t1 = first
    x2, y2, z2, t2 = second
    a = (y1 - x1) * (y2 - x2) % _P
    b = (y1 + x1) * (y2 + x2) % _P
    c = 2 * t1 * t2 * _D % _P
    d = 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _multiply(scalar: int, point: _Point) -> _Point:
    result = _IDENTITY
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _is_identity(point: _Point) -> bool:
    x, y, z, _ = point
    return x % _P == 0 and (y - z) % _P == 0


def _recover_x(y: int, sign: int) -> int:
    """Return the x of the curve's point with this y and sign bit (RFC 8032 section 5.1.3)."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _SQRT_MINUS_ONE % _P
    if (x * x - square) % _P:
        raise KeyFormatError("not a point of the Ed25519 curve")
    if x == 0 and sign:
        raise KeyFormatError("not the canonical spelling of an Ed25519 point")
    return _P - x if x & 1 != sign else x


@lru_cache(maxsize=4096)  # about 2 ms each, and a server meets the same keys again and again
def check_public_point(encoded: bytes) -> None:
    """Accept a canonical point of prime order, which is what honest key generation yields.

    Args:
        encoded: The 32 bytes of the public key.

    Raises:
        KeyFormatError: If `encoded` is not 32 bytes, not on the curve, a second spelling of a
            point, the identity, or of low or mixed order.
    """
    if len(encoded) != 32:  # noqa: PLR2004 - RFC 8032 section 5.1.5
        raise KeyFormatError("an Ed25519 public key is 32 bytes")
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= _P:
        raise KeyFormatError("not the canonical spelling of an Ed25519 point")
    x = _recover_x(y, sign)
    point = (x, y, 1, x * y % _P)
    if _is_identity(point) or not _is_identity(_multiply(_ORDER, point)):
        raise KeyFormatError("an Ed25519 point of low or mixed order; make a fresh key")
