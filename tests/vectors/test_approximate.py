"""Approximate search finds most of what exact search does."""

import importlib.util

import numpy as np
import pytest

from seqkit.errors import MissingDependencyError
from seqkit.vectors import KeyedVectors
from seqkit.vectors.approximate import ApproximateIndex


def make() -> KeyedVectors:
    kv = KeyedVectors(8)
    kv.add_vectors([f"w{i}" for i in range(500)], np.random.default_rng(1).normal(size=(500, 8)))
    return kv


@pytest.mark.filterwarnings("ignore:builtin type Swig:DeprecationWarning")
def test_recall() -> None:
    pytest.importorskip("faiss")
    kv = make()
    index, found = ApproximateIndex(kv), 0
    for key in kv.index_to_key[:50]:
        near = kv.most_similar(key, topn=11, indexer=index)
        exact = dict(kv.similar_by_vector(kv[key], 11))
        assert near[0][0] == key
        assert all(score == pytest.approx(exact[k], abs=1e-5) for k, score in near if k in exact)
        found += sum(k in exact for k, _ in near)
    assert found > 0.95 * 50 * 11
    assert len(index.most_similar(kv["w3"], 10_000)) <= 500


@pytest.mark.skipif(importlib.util.find_spec("faiss") is not None, reason="FAISS is installed")
def test_without_faiss_the_error_names_the_extra() -> None:
    with pytest.raises(MissingDependencyError, match=r"seqkit\[ann\]"):
        ApproximateIndex(make())
