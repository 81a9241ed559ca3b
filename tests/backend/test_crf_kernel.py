"""The compiled conditional random field equals its reference, also where float32 runs out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="Numba is not installed: the compiled kernels do not run")

from seqkit.backend.kernels.crf import cpu, reference


def _results(kernel: Any, given: tuple[np.ndarray, ...], d_totals: np.ndarray) -> dict[str, np.ndarray]:
    emissions, keep = given[:2]
    alphas, d_emissions = np.full((2, *emissions.shape), 9, np.float32)
    totals, scores = np.full((2, len(emissions)), 9, np.float32)
    tags = np.full(keep.shape, 9, np.int64)
    kernel.forward(*given, alphas, totals)
    d_start, d_transitions, d_end = kernel.backward(*given, alphas, d_totals, d_emissions)
    kernel.viterbi(*given, tags, scores)
    names = ("totals", "d_emissions", "d_start", "d_transitions", "d_end", "tags", "scores")
    values = (totals, d_emissions, d_start, d_transitions, d_end, tags, scores)
    return dict(zip(names, values, strict=True))


@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0])
@pytest.mark.parametrize("forbidden", [False, True])
@pytest.mark.parametrize(("B", "T", "K"), [(1, 1, 1), (2, 1, 5), (3, 7, 2), (5, 13, 11), (2, 3, 47)])
def test_it_equals_the_reference(
    B: int, T: int, K: int, forbidden: bool, scale: float, random: np.random.Generator
) -> None:
    """With scores of 100 most columns are summed in the logarithm: no tag is near the best before it."""

    def normal(*shape: int) -> np.ndarray:
        return (scale * random.standard_normal(shape)).astype(np.float32)

    keep = np.arange(T) < random.integers(0, T + 1, (B, 1))
    keep[0] = True
    given = (normal(B, T, K), keep, normal(K), normal(K, K), normal(K))
    if forbidden:
        given[3][random.random((K, K)) < 0.4] = -np.inf
        given[3][0, :] = given[3][:, 0] = 1.0  # a path there is
        given[2][1:] = -np.inf
    d_totals = normal(B) / np.float32(scale)
    ours, expected = (_results(kernel, given, d_totals) for kernel in (cpu, reference))
    for name, array in expected.items():
        np.testing.assert_allclose(ours[name], array, rtol=1e-5, atol=2e-5 * scale, err_msg=name)


def test_nan_stays(random: np.random.Generator) -> None:
    emissions = random.standard_normal((2, 5, 3)).astype(np.float32)
    emissions[1, 2, 1] = np.nan
    keep, zero = np.ones((2, 5), bool), np.zeros(3, np.float32)
    given = (emissions, keep, zero, np.zeros((3, 3), np.float32), zero)
    for kernel in (cpu, reference):
        found = _results(kernel, given, np.ones(2, np.float32))
        assert np.isfinite(found["totals"][0])
        assert np.isnan(found["totals"][1])
        assert np.isnan(found["d_transitions"]).any()
