"""Recurrent layers over whole sequences: one op a layer and direction, however long the sequence.

The product of inputs with input weights runs once for all T; the recurrent product and one fused pointwise
kernel remain in the loop. Sequences are (B, T, ·) outside and time-major inside, so that each step reads
and writes contiguous rows. ``mask`` (B, T) marks real tokens: a masked step passes its state on unchanged
and its output is 0, so a padded sequence ends in the state of its last token, in either direction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.autograd import differentiable
from seqkit.backend import copied, empty, zeros
from seqkit.backend.kernels import kernels
from seqkit.errors import ShapeError, UsageError
from seqkit.ops.arguments import arguments, as_rows

_check_lstm = arguments(
    "lstm",
    x="B, T, I", h0="B, H", c0="B, H", Wx="4*H, I", Wh="4*H, H", b="4*H", mask="mask B, T or None",
)  # fmt: skip
_check_gru = arguments(
    "gru",
    x="B, T, I", h0="B, H", Wx="3*H, I", Wh="3*H, H", bx="3*H", bh="3*H", mask="mask B, T or None",
)  # fmt: skip
_check_rnn = arguments(
    "rnn",
    x="B, T, I", h0="B, H", Wx="H, I", Wh="H, H", b="H", mask="mask B, T or None",
)  # fmt: skip


def _require_steps(op: str, x: Any) -> tuple[int, int, int]:
    if x.shape[1] == 0:
        raise ShapeError(f"{op}: expected a sequence with steps, got {x.shape}")
    return x.shape


def _ones(xp: Any, shape: tuple[int, int]) -> Any:
    """Like xp.ones, of which NumPy's takes 10 µs where a model's weights have just filled the caches."""
    ones = empty(xp, shape, bool)
    ones[...] = True
    return ones


class _Time:
    """Between batch-major outside and time-major inside; runs backwards through time if ``reverse``."""

    def __init__(self, xp: Any, mask: Any, shape: tuple[int, int], reverse: bool) -> None:
        self.xp, self.reverse = xp, reverse
        B, T = shape
        self.masked = mask is not None
        self.keep = _ones(xp, (T, B)) if mask is None else self.enter(mask.astype(bool))

    def seen(self, x: Any) -> Any:
        """(B, T, …) as (T, B, …), a view."""
        x = x.swapaxes(0, 1)
        return x[::-1] if self.reverse else x

    def enter(self, x: Any) -> Any:
        """(B, T, …) to a new (T, B, …)."""
        return copied(self.xp, self.seen(x))

    def leave(self, x: Any) -> Any:
        """(T, B, …) as (B, T, …), a view."""
        return (x[::-1] if self.reverse else x).swapaxes(0, 1)

    def silence(self, x: Any) -> Any:
        """x (T, B, H) with masked steps set to 0; x itself when there is no mask."""
        if not self.masked:
            return x
        y = empty(self.xp, x.shape, x.dtype)
        return self.xp.multiply(x, self.keep[:, :, None].astype(x.dtype), out=y)


def _input_products(xp: Any, x: Any, Wx: Any, b: Any) -> Any:
    """(T, B, G) of x (T, B, I): all time steps in one matrix product."""
    T, B, I = x.shape  # noqa: E741
    z = empty(xp, (T * B, len(Wx)), x.dtype)
    kernels("matrix_product", xp, x.dtype).product(x.reshape(T * B, I), Wx.T, z, b)
    return z.reshape(T, B, len(Wx))


def _parameter_gradients(
    xp: Any, x: Any, hs: Any, dz: Any, du: Any, Wx: Any, Wh: Any, needs: tuple[bool, bool, bool]
) -> tuple[Any, Any, Any]:
    """dx (T, B, I), dWx and dWh from the gradients of the input and recurrent products (T, B, G)."""
    flat, flat_u, rows = as_rows(dz), as_rows(du), as_rows(x)
    product = kernels("matrix_product", xp, x.dtype).product
    dx = dWx = dWh = None
    if needs[0]:
        dx = empty(xp, x.shape, x.dtype)
        product(flat, Wx, dx.reshape(rows.shape))
    if needs[1]:
        dWx = empty(xp, Wx.shape, x.dtype)
        product(flat.T, rows, dWx)
    if needs[2]:
        dWh = empty(xp, Wh.shape, x.dtype)
        product(flat_u.T, as_rows(hs[:-1]), dWh)
    return dx, dWx, dWh


def _seed(xp: Any, gradient: Any, like: Any) -> Any:
    """A writable copy of a state's gradient; zeros where there is none."""
    return zeros(xp, like.shape, like.dtype) if gradient is None else gradient.copy()


@differentiable
def lstm(xp, x, h0, c0, Wx, Wh, b, mask=None, *, reverse=False, needs):
    """One LSTM layer in one direction.

    Args:
        x: (B, T, I).
        h0: (B, H), the state before the first step.
        c0: (B, H), likewise.
        Wx: (4H, I), gates in the order i, f, g, o; the equations stand in
            ``backend/kernels/lstm/reference.py``.
        Wh: (4H, H).
        b: (4H,).
        mask: (B, T), True where a step is real; the state passes over the others. None: all are.
        reverse: Run from the last step to the first.

    Returns:
        Outputs (B, T, H), and the last h and c (B, H).

    Raises:
        ShapeError: Shapes that do not fit, dtypes that differ, or no steps.
    """
    _check_lstm(x, h0, c0, Wx, Wh, b, mask)
    B, T, _ = _require_steps("lstm", x)
    H = Wh.shape[1]
    family = kernels("lstm_sequence", xp, x.dtype)
    time = _Time(xp, mask, (B, T), reverse)
    xs = time.enter(x)
    gates = _input_products(xp, xs, Wx, b)
    hs, cs = empty(xp, (T + 1, B, H), x.dtype), empty(xp, (T + 1, B, H), x.dtype)
    hs[0], cs[0] = h0, c0
    family.forward(gates, Wh, time.keep, hs, cs)

    def backward(dy, dh_last, dc_last):
        d_out = None if dy is None else time.seen(dy)
        dh, dc = _seed(xp, dh_last, h0), _seed(xp, dc_last, c0)
        dz = empty(xp, gates.shape, gates.dtype)
        family.backward(gates, Wh, time.keep, time.masked, cs, d_out, dh, dc, dz)
        dx, dWx, dWh = _parameter_gradients(xp, xs, hs, dz, dz, Wx, Wh, (needs[0], needs[3], needs[4]))
        sums = kernels("column_sums", xp, x.dtype).column_sums
        db = sums(as_rows(dz)) if needs[5] else None
        gradients = (None if dx is None else time.leave(dx), dh, dc, dWx, dWh, db)
        return gradients if len(needs) == 6 else (*gradients, None)

    return (time.leave(time.silence(hs[1:])), hs[T].copy(), cs[T].copy()), backward


def _transposed(xp, weight, steps):
    """Return Wᵀ, for a single step as a view: the copy takes longer than the product (50 µs at H = 200)."""
    return weight.T if steps == 1 else xp.ascontiguousarray(weight.T)


@differentiable
def gru(xp, x, h0, Wx, Wh, bx, bh, mask=None, *, reverse=False, needs):
    """One GRU layer in one direction.

    Args:
        x: (B, T, I).
        h0: (B, H), the state before the first step.
        Wx: (3H, I), gates in the order r, z, n; the equations stand in ``backend/kernels/gru/reference.py``.
        Wh: (3H, H).
        bx: (3H,).
        bh: (3H,); a second bias because the reset gate multiplies it.
        mask: (B, T) or None, as of :func:`lstm`.
        reverse: Run from the last step to the first.

    Returns:
        Outputs (B, T, H), and the last h (B, H).
    """
    _check_gru(x, h0, Wx, Wh, bx, bh, mask)
    B, T, _ = _require_steps("gru", x)
    H = Wh.shape[1]
    family = kernels("gru", xp, x.dtype)
    time = _Time(xp, mask, (B, T), reverse)
    xs = time.enter(x)
    gates = _input_products(xp, xs, Wx, bx)
    hs, recurrent = empty(xp, (T + 1, B, H), x.dtype), empty(xp, gates.shape, x.dtype)
    hs[0] = h0
    product, Wh_T = kernels("matrix_product", xp, x.dtype).product, _transposed(xp, Wh, T)
    for t in range(T):
        product(hs[t], Wh_T, recurrent[t], bh)
        family.step_forward(gates[t], recurrent[t], time.keep[t], hs[t], hs[t + 1])

    def backward(dy, dh_last):
        d_out = None if dy is None else time.silence(time.seen(dy))
        dh = _seed(xp, dh_last, h0)
        da, du = empty(xp, gates.shape, gates.dtype), empty(xp, gates.shape, gates.dtype)
        through = empty(xp, (B, H), x.dtype)
        for t in range(T - 1, -1, -1):
            if d_out is not None:
                dh += d_out[t]
            family.step_backward(gates[t], recurrent[t], time.keep[t], hs[t], dh, da[t], du[t])
            product(du[t], Wh, through)
            dh += through
        dx, dWx, dWh = _parameter_gradients(xp, xs, hs, da, du, Wx, Wh, (needs[0], needs[2], needs[3]))
        sums = kernels("column_sums", xp, x.dtype).column_sums
        dbx = sums(as_rows(da)) if needs[4] else None
        dbh = sums(as_rows(du)) if needs[5] else None
        gradients = (None if dx is None else time.leave(dx), dh, dWx, dWh, dbx, dbh)
        return gradients if len(needs) == 6 else (*gradients, None)

    return (time.leave(time.silence(hs[1:])), hs[T].copy()), backward


@differentiable
def rnn(xp, x, h0, Wx, Wh, b, mask=None, *, nonlinearity="tanh", reverse=False, needs):
    """One plain recurrent layer (Elman 1990): h = φ(Wx·x + Wh·h' + b).

    Args:
        x: (B, T, I).
        h0: (B, H), the state before the first step.
        Wx: (H, I).
        Wh: (H, H).
        b: (H,).
        mask: (B, T) or None, as of :func:`lstm`.
        nonlinearity: φ, "tanh" or "relu".
        reverse: Run from the last step to the first.

    Returns:
        Outputs (B, T, H), and the last h (B, H).
    """
    _check_rnn(x, h0, Wx, Wh, b, mask)
    if nonlinearity not in ("tanh", "relu"):
        raise UsageError(f"expected rnn nonlinearity to be tanh or relu, got {nonlinearity!r}")
    B, T, _ = _require_steps("rnn", x)
    H = Wh.shape[1]
    time = _Time(xp, mask, (B, T), reverse)
    xs = time.enter(x)
    z = _input_products(xp, xs, Wx, b)
    hs = empty(xp, (T + 1, B, H), x.dtype)
    hs[0] = h0
    product, Wh_T = kernels("matrix_product", xp, x.dtype).product, _transposed(xp, Wh, T)
    step = empty(xp, (B, H), x.dtype)
    for t in range(T):
        product(hs[t], Wh_T, step)
        z[t] += step
        new = xp.tanh(z[t]) if nonlinearity == "tanh" else xp.maximum(z[t], 0)
        hs[t + 1] = xp.where(time.keep[t][:, None], new, hs[t]) if time.masked else new

    def backward(dy, dh_last):
        d_out = None if dy is None else time.silence(time.seen(dy))
        dh = _seed(xp, dh_last, h0)
        dz = empty(xp, z.shape, z.dtype)
        for t in range(T - 1, -1, -1):
            if d_out is not None:
                dh += d_out[t]
            h = hs[t + 1]
            slope = 1 - h * h if nonlinearity == "tanh" else (h > 0).astype(h.dtype)
            dz[t] = dh * slope
            if time.masked:
                dz[t] *= time.keep[t][:, None]
            product(dz[t], Wh, step)
            dh = step + dh * ~time.keep[t][:, None] if time.masked else step.copy()
        dx, dWx, dWh = _parameter_gradients(xp, xs, hs, dz, dz, Wx, Wh, (needs[0], needs[2], needs[3]))
        sums = kernels("column_sums", xp, x.dtype).column_sums
        db = sums(as_rows(dz)) if needs[4] else None
        gradients = (None if dx is None else time.leave(dx), dh, dWx, dWh, db)
        return gradients if len(needs) == 5 else (*gradients, None)

    return (time.leave(time.silence(hs[1:])), hs[T].copy()), backward


def zero_state(xp: Any, B: int, H: int, dtype: Any = np.float32) -> Any:
    """Return the state before a sequence, zeros (B, H)."""
    return zeros(xp, (B, H), dtype)
