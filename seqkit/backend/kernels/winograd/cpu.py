"""The transforms in two stages: down the columns on whole rows of the image, then across within each tile.

A row of tiles passes through a scratch of four rows, which stays in the first-level cache. Every loop
writes one array, by unsigned indices, or the compiler does not use vector instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.convolution.reference import Pair
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import Field, float32, int64
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for
from seqkit.backend.kernels.winograd import reference

PAYS = True
_ZERO = np.float32(0)
_CHUNK = 1 << 13
"""Pixels, of all channels, of a chunk at least: handing it over takes 4 µs."""


@jit
def _pixels_to_tiles(x, TH, TW, up, left, V, start, end):
    B, H, W, C = x.shape
    rows, flat = x.reshape(B * H, W * C), V.reshape(-1)
    blank = np.zeros(W * C, np.float32)
    scratch = np.zeros((4, (2 * TW + 2) * C), np.float32)
    inner = scratch[:, left * C : (left + W) * C]
    s0, s1, s2, s3 = inner[0], inner[1], inner[2], inner[3]
    place = np.uint64(V.shape[1] * C)
    c, at = np.uint64(C), np.uint64(start * TH * TW * C)
    for image in range(start, end):
        for th in range(TH):
            r = 2 * th - up
            a = rows[image * H + r] if 0 <= r < H else blank
            b = rows[image * H + r + 1] if 0 <= r + 1 < H else blank
            d = rows[image * H + r + 2] if 0 <= r + 2 < H else blank
            e = rows[image * H + r + 3] if 0 <= r + 3 < H else blank
            for k in range(W * C):
                s0[k] = a[k] - d[k]
            for k in range(W * C):
                s1[k] = b[k] + d[k]
            for k in range(W * C):
                s2[k] = d[k] - b[k]
            for k in range(W * C):
                s3[k] = b[k] - e[k]
            for i in range(4):
                s = scratch[i]
                p0 = np.uint64(0)
                v0 = at + np.uint64(4 * i) * place
                for _ in range(TW):
                    p1 = p0 + c
                    p2 = p1 + c
                    p3 = p2 + c
                    v1 = v0 + place
                    v2 = v1 + place
                    v3 = v2 + place
                    for k in range(c):
                        flat[v0 + k] = s[p0 + k] - s[p2 + k]
                    for k in range(c):
                        flat[v1 + k] = s[p1 + k] + s[p2 + k]
                    for k in range(c):
                        flat[v2 + k] = s[p2 + k] - s[p1 + k]
                    for k in range(c):
                        flat[v3 + k] = s[p1 + k] - s[p3 + k]
                    v0 += c
                    p0 = p2
            at += np.uint64(TW * C)


@jit
def _pixels_from_tiles(dV, TH, TW, up, left, dx, start, end):
    B, H, W, C = dx.shape
    rows, flat = dx.reshape(B * H, W * C), dV.reshape(-1)
    rows[start * H : end * H] = _ZERO
    scratch = np.empty((4, (2 * TW + 2) * C), np.float32)
    inner = scratch[:, left * C : (left + W) * C]
    s0, s1, s2, s3 = inner[0], inner[1], inner[2], inner[3]
    place = np.uint64(dV.shape[1] * C)
    c, at = np.uint64(C), np.uint64(start * TH * TW * C)
    for image in range(start, end):
        for th in range(TH):
            scratch[:] = _ZERO
            for i in range(4):
                s = scratch[i]
                p0 = np.uint64(0)
                v0 = at + np.uint64(4 * i) * place
                for _ in range(TW):
                    p1 = p0 + c
                    p2 = p1 + c
                    p3 = p2 + c
                    v1 = v0 + place
                    v2 = v1 + place
                    v3 = v2 + place
                    for k in range(c):
                        s[p0 + k] += flat[v0 + k]
                    for k in range(c):
                        s[p1 + k] += flat[v1 + k] - flat[v2 + k] + flat[v3 + k]
                    for k in range(c):
                        s[p2 + k] += flat[v1 + k] + flat[v2 + k] - flat[v0 + k]
                    for k in range(c):
                        s[p3 + k] -= flat[v3 + k]
                    v0 += c
                    p0 = p2
            at += np.uint64(TW * C)
            r = 2 * th - up
            if 0 <= r < H:
                target = rows[image * H + r]
                for k in range(W * C):
                    target[k] += s0[k]
            if 0 <= r + 1 < H:
                target = rows[image * H + r + 1]
                for k in range(W * C):
                    target[k] += s1[k] - s2[k] + s3[k]
            if 0 <= r + 2 < H:
                target = rows[image * H + r + 2]
                for k in range(W * C):
                    target[k] += s1[k] + s2[k] - s0[k]
            if 0 <= r + 3 < H:
                target = rows[image * H + r + 3]
                for k in range(W * C):
                    target[k] -= s3[k]


@jit
def _results_from_tiles(M, TH, TW, y, start, end):
    B, OH, OW, F = y.shape
    rows, flat = y.reshape(B * OH, OW * F), M.reshape(-1)
    scratch = np.empty((4, 2 * TW * F), np.float32)
    s0, s1, s2, s3 = scratch[0], scratch[1], scratch[2], scratch[3]
    place = np.uint64(M.shape[1] * F)
    f, at = np.uint64(F), np.uint64(start * TH * TW * F)
    for image in range(start, end):
        for th in range(TH):
            for i in range(4):
                s = scratch[i]
                p0 = np.uint64(0)
                m0 = at + np.uint64(4 * i) * place
                for _ in range(TW):
                    p1 = p0 + f
                    m1 = m0 + place
                    m2 = m1 + place
                    m3 = m2 + place
                    for k in range(f):
                        s[p0 + k] = flat[m0 + k] + flat[m1 + k] + flat[m2 + k]
                    for k in range(f):
                        s[p1 + k] = flat[m1 + k] - flat[m2 + k] - flat[m3 + k]
                    m0 += f
                    p0 = p1 + f
            at += np.uint64(TW * F)
            upper = rows[image * OH + 2 * th]
            for k in range(OW * F):
                upper[k] = s0[k] + s1[k] + s2[k]
            if 2 * th + 1 < OH:
                lower = rows[image * OH + 2 * th + 1]
                for k in range(OW * F):
                    lower[k] = s1[k] - s2[k] - s3[k]


@jit
def _results_to_tiles(dy, TH, TW, dM, start, end):
    B, OH, OW, F = dy.shape
    rows, flat = dy.reshape(B * OH, OW * F), dM.reshape(-1)
    blank = np.zeros(OW * F, np.float32)
    scratch = np.zeros((4, 2 * TW * F), np.float32)
    inner = scratch[:, : OW * F]
    s0, s1, s2, s3 = inner[0], inner[1], inner[2], inner[3]
    place = np.uint64(dM.shape[1] * F)
    f, at = np.uint64(F), np.uint64(start * TH * TW * F)
    for image in range(start, end):
        for th in range(TH):
            a = rows[image * OH + 2 * th]
            b = rows[image * OH + 2 * th + 1] if 2 * th + 1 < OH else blank
            for k in range(OW * F):
                s0[k] = a[k]
            for k in range(OW * F):
                s1[k] = a[k] + b[k]
            for k in range(OW * F):
                s2[k] = a[k] - b[k]
            for k in range(OW * F):
                s3[k] = -b[k]
            for i in range(4):
                s = scratch[i]
                p0 = np.uint64(0)
                m0 = at + np.uint64(4 * i) * place
                for _ in range(TW):
                    p1 = p0 + f
                    m1 = m0 + place
                    m2 = m1 + place
                    m3 = m2 + place
                    for k in range(f):
                        flat[m0 + k] = s[p0 + k]
                    for k in range(f):
                        flat[m1 + k] = s[p0 + k] + s[p1 + k]
                    for k in range(f):
                        flat[m2 + k] = s[p0 + k] - s[p1 + k]
                    for k in range(f):
                        flat[m3 + k] = -s[p1 + k]
                    m0 += f
                    p0 = p1 + f
            at += np.uint64(TW * F)


_IMAGES, _TILES = float32("B, H, W, C"), float32("16, N, C")
_SIZES: dict[str, Field] = {"TH": int64, "TW": int64, "up": int64, "left": int64}


@task(x=_IMAGES, V=_TILES.written(), **_SIZES)
def _pixels_to_tiles_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.B, chunk, chunks)
    _pixels_to_tiles(a.x, a.TH, a.TW, a.up, a.left, a.V, first, last)


@task(dV=_TILES, dx=_IMAGES.written(), **_SIZES)
def _pixels_from_tiles_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.B, chunk, chunks)
    _pixels_from_tiles(a.dV, a.TH, a.TW, a.up, a.left, a.dx, first, last)


@task(M=_TILES, y=_IMAGES.written(), TH=int64, TW=int64)
def _results_from_tiles_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.B, chunk, chunks)
    _results_from_tiles(a.M, a.TH, a.TW, a.y, first, last)


@task(dy=_IMAGES, dM=_TILES.written(), TH=int64, TW=int64)
def _results_to_tiles_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.B, chunk, chunks)
    _results_to_tiles(a.dy, a.TH, a.TW, a.dM, first, last)


def _chunks(images: Any) -> int:
    return min(len(images), chunks_for(images.size, _CHUNK))


def pixels_to_tiles(x: Any, tiles: Pair, padding: Pair, V: Any) -> None:
    """See the reference."""
    (TH, TW), (up, left) = tiles, padding
    if not _pixels_to_tiles_chunk.parallel_for(_chunks(x), x=x, V=V, TH=TH, TW=TW, up=up, left=left):
        reference.pixels_to_tiles(x, tiles, padding, V)


def pixels_from_tiles(dV: Any, tiles: Pair, padding: Pair, dx: Any) -> None:
    """See the reference."""
    (TH, TW), (up, left) = tiles, padding
    if not _pixels_from_tiles_chunk.parallel_for(_chunks(dx), dV=dV, dx=dx, TH=TH, TW=TW, up=up, left=left):
        reference.pixels_from_tiles(dV, tiles, padding, dx)


def results_from_tiles(M: Any, tiles: Pair, y: Any) -> None:
    """See the reference."""
    TH, TW = tiles
    if not _results_from_tiles_chunk.parallel_for(_chunks(y), M=M, y=y, TH=TH, TW=TW):
        reference.results_from_tiles(M, tiles, y)


def results_to_tiles(dy: Any, tiles: Pair, dM: Any) -> None:
    """See the reference."""
    TH, TW = tiles
    if not _results_to_tiles_chunk.parallel_for(_chunks(dy), dy=dy, dM=dM, TH=TH, TW=TW):
        reference.results_to_tiles(dy, tiles, dM)
