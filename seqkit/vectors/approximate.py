"""Approximate search, for tables so large that a product with all vectors takes too long.

The index is FAISS's graph (HNSW; Malkov and Yashunin 2016). Exact search of 400,000 × 300 takes 0.05 s on two
cores, so that an index pays only beyond, or for very many queries.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.errors import MissingDependencyError
from seqkit.vectors.nearest import Neighbours

if TYPE_CHECKING:
    from seqkit.vectors.keyed_vectors import KeyedVectors


class ApproximateIndex:
    """The index that ``most_similar(…, indexer=…)`` takes, by gensim's protocol.

    Threads may share it.

    Several threads make the graph, and so answers may differ a little from one building to the next.

    Args:
        table: The vectors; later changes to it are not seen.
        links: Neighbours of each node in the graph (more: better and larger).
        effort: Candidates examined while building and searching (more: better and slower).

    Raises:
        MissingDependencyError: FAISS is not installed.
    """

    def __init__(self, table: KeyedVectors, links: int = 32, effort: int = 128) -> None:
        try:
            faiss: Any = importlib.import_module("faiss")
        except ImportError as error:
            raise MissingDependencyError(
                "approximate search needs FAISS", remedy="pip install 'seqkit[ann]' (or faiss-cpu)"
            ) from error
        self.table = table
        self._index = faiss.IndexHNSWFlat(table.vector_size, links, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = self._index.hnsw.efSearch = effort
        self._index.add(np.ascontiguousarray(table.get_normed_vectors(), np.float32))

    def most_similar(self, vector: np.ndarray, num_neighbors: int) -> Neighbours:
        """Return [(key, cosine)] near a vector (D,) of any length, the nearest first; no key is left out."""
        length = np.linalg.norm(vector)
        direction = np.asarray(vector, np.float32) / (length if length > 0 else 1)
        scores, places = self._index.search(direction[None], min(num_neighbors, len(self.table)))
        keys = self.table.index_to_key
        return [(keys[i], float(s)) for i, s in zip(places[0].tolist(), scores[0], strict=True) if i >= 0]
