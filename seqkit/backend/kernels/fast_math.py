"""exp, sigmoid and tanh in float32 that the compiler turns into vector instructions.

Numba calls the C library for ``math.exp`` once per element. These are branch-free: exp(x) = 2ⁿ·exp(r) with
n = round(x / ln 2) set through the exponent bits and 1 + r + r²·p(r) for |r| ≤ ln 2 / 2, with p of degree 4,
off by 1e-8 at most. Measured error against float64, where multiply-add rounds once: under 1 unit in the
last place for exp, under 2e-7 absolute for the others.
"""

from __future__ import annotations

import math

import numpy as np

from seqkit.backend.kernels.compiler import inline
from seqkit.backend.kernels.intrinsics import bits_of_float, float_of_bits
from seqkit.backend.kernels.simd import two_to

_LOG2_E = np.float32(1.4426950408889634)
_LN2_HIGH = np.float32(0.693359375)  # exact in 9 bits, so n · high is exact
_LN2_LOW = np.float32(0.693147180559945 - 0.693359375)
_LOWEST = np.float32(-87.3)  # exp of it is the smallest normal number
_HIGHEST = np.float32(88.37)  # the last for which 2ⁿ is finite
_ONE = np.float32(1)
_TWO = np.float32(2)
_REST = np.polynomial.Polynomial([1 / math.factorial(k + 2) for k in range(14)])  # (exp(r) - 1 - r) / r²
_C2, _C3, _C4, _C5, _C6 = (
    np.polynomial.Chebyshev.interpolate(_REST, 4, [-math.log(2) / 2, math.log(2) / 2])
    .convert(domain=[-1, 1], kind=np.polynomial.Polynomial)
    .coef.astype(np.float32)
)
_ROUNDING = np.float32(3 << 22)  # a sum with it is rounded to a whole number, which its last bits then are
_INVERSE = np.int32(0x7EF311C7)  # of it minus the bits of x, the float is near 1 / x
_FAR = np.float32(87)  # beyond it a sigmoid is 0 or 1
_FLAT = np.float32(10)  # beyond it a float32 tanh is 1


@inline
def exp32_inside(x):
    """Return e to the x, a float32 or a vector of them, for x from -87.3 to 88.37.

    NaN stays NaN. Outside of the range the result is undefined.
    """
    shifted = x * _LOG2_E + _ROUNDING
    n = shifted - _ROUNDING
    r = x - n * _LN2_HIGH - n * _LN2_LOW
    p = _C5 + r * _C6
    p = _C4 + r * p
    p = _C3 + r * p
    p = _C2 + r * p
    p = _ONE + r * p
    p = _ONE + r * p
    return p * two_to(shifted)


@inline
def exp32(x):
    """Return e to the x; below -87.3 the smallest normal number, above 88.37 about 2.4e38."""
    x = _LOWEST if x < _LOWEST else x
    x = _HIGHEST if x > _HIGHEST else x
    return exp32_inside(x)


@inline
def reciprocal32(x):
    """Return 1 / x for x from 1e-37 to 8e37; NaN stays. In multiplications: the vector unit divides slowly.

    The difference of the bit patterns is right to an eighth; two steps of r·(1 + e + e²) with e = 1 - x·r,
    each with the cube of the error before, make that half a unit in the last place.
    """
    r = float_of_bits(_INVERSE - bits_of_float(x))
    e = _ONE - x * r
    r = r + r * (e + e * e)
    e = _ONE - x * r
    return r + r * (e + e * e)


@inline
def sigmoid32(x):
    """Return 1 / (1 + exp(-x))."""
    x = -_FAR if x < -_FAR else x
    x = _FAR if x > _FAR else x
    return reciprocal32(_ONE + exp32_inside(-x))


@inline
def tanh32(x):
    """Return the hyperbolic tangent, as 1 - 2 / (exp(2x) + 1)."""
    x = -_FLAT if x < -_FLAT else x
    x = _FLAT if x > _FLAT else x
    return _ONE - _TWO * reciprocal32(exp32_inside(_TWO * x) + _ONE)


_ALL_BUT_SIGN, _SIGN_PLACE = np.int32(0x7FFFFFFF), np.int32(31)


@inline
def _ordered(bits):
    """Map bit patterns to integers in the order of their floats, and back."""
    return np.int32(bits ^ ((bits >> _SIGN_PLACE) & _ALL_BUT_SIGN))


@inline
def row_max32(x):
    """Return the maximum of a float32 row of one element or more; a NaN may be passed over.

    It compares integers that order as the floats do: the maximum of floats is not vectorised, because of NaN
    (measured per element, rows of 128: 0.08 ns against 0.68).
    """
    top = np.int32(-0x80000000)
    for j in range(x.shape[0]):
        key = _ordered(bits_of_float(x[j]))
        top = key if key > top else top
    return float_of_bits(_ordered(top))
