"""Words on a plane: PCA at once, t-SNE and UMAP as jobs with progress; and k-means groups."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from seqkit.errors import MissingDependencyError, UsageError
from seqkit.explorer.background import Report

PACKAGES = {"tsne": ("sklearn", "scikit-learn"), "umap": ("umap", "umap-learn")}
"""The module and the package of each method that needs one."""
_ROWS = 8192
_LLOYD_ROUNDS = 30
_SAMPLE = 20_000
"""Vectors by which the centres of groups are found; all are then assigned."""


def installed_methods() -> list[str]:
    """Return the methods that can be used: "pca", and "tsne" and "umap" where their package is installed."""
    return ["pca", *(name for name, (module, _) in PACKAGES.items() if importlib.util.find_spec(module))]


def require_method(method: str) -> None:
    """Raise MissingDependencyError unless the package of a method is installed."""
    if method not in installed_methods():
        package = PACKAGES[method][1]
        raise MissingDependencyError(
            f"this map needs {package}, which is not installed", remedy=f"pip install {package}"
        )


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Return a copy of vectors (N, D) scaled to length 1, in float32; zero vectors stay zero."""
    rows = np.array(vectors, np.float32)
    norms = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    rows /= np.where(norms == 0, 1, norms)[:, None]
    return rows


def pca(rows: np.ndarray) -> np.ndarray:
    """Project vectors (N, D) onto their two principal components, (N, 2).

    The covariance (D, D) is summed in blocks, so that memory does not grow with N. Each component has the
    sign that makes its largest coefficient positive.
    """
    N, D = rows.shape
    if D < 2 or N < 2:
        raise UsageError(f"expected two words and two dimensions or more, got {N} and {D}")
    mean = rows.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((D, D))
    for start in range(0, N, _ROWS):
        block = rows[start : start + _ROWS] - mean
        covariance += block.T @ block
    _, directions = np.linalg.eigh(covariance)
    directions = directions[:, :-3:-1]  # of the two largest, the largest first
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.where(directions[largest, [0, 1]] < 0, -1.0, 1.0)
    return ((rows - mean.astype(np.float32)) @ directions.astype(np.float32)).astype(np.float32)


def tsne(report: Report, rows: np.ndarray, seed: int) -> np.ndarray:
    """Project vectors (N, D) by t-SNE (van der Maaten and Hinton 2008), (N, 2). A job."""
    report(None, "loading scikit-learn")
    manifold: Any = importlib.import_module("sklearn.manifold")
    perplexity = min(30.0, (len(rows) - 1) / 3)
    # it shows its progress only as text: the neighbours of samples, then iterations up to 1000
    patterns = {
        r"for sample (\d+) / (\d+)": lambda done, of: (0.1 * done / of, "neighbours"),
        r"Iteration (\d+)": lambda done, of: (0.1 + 0.9 * done / 1000, f"iteration {done:.0f} of 1000"),
    }
    with _progress_of_text(report, patterns):
        model = manifold.TSNE(2, perplexity=perplexity, init="pca", random_state=seed, verbose=2)
        points: np.ndarray = model.fit_transform(rows)
    return points.astype(np.float32)


def umap(report: Report, rows: np.ndarray, seed: int) -> np.ndarray:
    """Project vectors (N, D) by UMAP (McInnes, Healy and Melville 2018), (N, 2). A job."""
    report(None, "loading umap-learn")
    module: Any = importlib.import_module("umap")
    report(None, "neighbours, after some compiling")
    patterns = {r"(\d+)%\|": lambda done, of: (0.2 + 0.8 * done / 100, f"{done:.0f} % of the epochs")}
    neighbours = max(2, min(15, len(rows) - 1))
    with _progress_of_text(report, patterns):
        model = module.UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1, verbose=True)
        points: np.ndarray = model.fit_transform(rows)
    return points.astype(np.float32)


METHODS: dict[str, Callable[[Report, np.ndarray, int], np.ndarray]] = {"tsne": tsne, "umap": umap}
"""The methods that run in the background."""

_Patterns = dict[str, Callable[[float, float], tuple[float, str]]]


class _Progress(io.TextIOBase):
    """Reads the progress of a library from what it prints, and drops the text."""

    def __init__(self, report: Report, patterns: _Patterns) -> None:
        self._report, self._patterns = report, patterns

    def write(self, text: str) -> int:
        for pattern, fraction_of in self._patterns.items():
            for match in re.finditer(pattern, text):
                numbers = [float(each) for each in match.groups()]
                fraction, said = fraction_of(numbers[0], numbers[-1])
                self._report(min(fraction, 0.999), said)
        return len(text)


@contextlib.contextmanager
def _progress_of_text(report: Report, patterns: _Patterns) -> Any:
    progress: Any = _Progress(report, patterns)
    with contextlib.redirect_stdout(progress), contextlib.redirect_stderr(progress):
        yield


def k_means(rows: np.ndarray, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Group vectors of length 1 by direction (spherical k-means, Dhillon and Modha 2001).

    Args:
        rows: Vectors (N, D) of length 1.
        count: The number of groups K, at most N.
        seed: Random seed of the first centres, which are drawn far from each other (k-means++).

    Returns:
        The group of each vector (N,) uint8, and its similarity to the centre (N,).
    """
    N = len(rows)
    if not 1 <= count <= min(N, 255):
        raise UsageError(f"expected from 1 to {min(N, 255)} groups, got {count}")
    centres = _centres(rows[:: -(-N // _SAMPLE)] if N > _SAMPLE else rows, count, seed)
    scores = rows @ centres.T
    group = scores.argmax(axis=1)
    return group.astype(np.uint8), scores[np.arange(N), group]


def _centres(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return the centres (K, D) of the groups of vectors of length 1."""
    N = len(rows)
    generator = np.random.default_rng(seed)
    centres = rows[generator.integers(N)][None]
    distance = np.full(N, np.inf)
    while len(centres) < count:
        distance = np.minimum(distance, np.clip(1 - rows @ centres[-1], 0, None))
        total = distance.sum()
        chances = distance / total if total > 0 else None
        centres = np.vstack([centres, rows[generator.choice(N, p=chances)]])
    group = np.full(N, -1)
    for _ in range(_LLOYD_ROUNDS):
        new = (rows @ centres.T).argmax(axis=1)
        if (new == group).all():
            break
        group = new
        members = (group == np.arange(count)[:, None]).astype(np.float32)
        sums = members @ rows
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.where(lengths > 0, lengths, 1), centres)
    return centres
