"""Row sums on the GPU without atomic additions: the same bits in every run, and those of the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import array_module, empty
from seqkit.backend.kernels import cuda


def sum_by_id(ids: Any, values: Any) -> tuple[Any, Any]:
    """See the reference. Waits for the device once, like it: the number of distinct ids is a shape."""
    xp = array_module(ids, values)
    N, E = values.shape
    cuda.require_shapes("row_sums", ids=(ids, (N,)))
    order = xp.argsort(ids, kind="stable").astype(np.int64, copy=False)
    ascending = ids[order]
    begins = xp.ones(N, bool)
    begins[1:] = ascending[1:] != ascending[:-1]
    starts = xp.flatnonzero(begins).astype(np.int64, copy=False)
    rows, values = ascending[starts], xp.ascontiguousarray(values)
    sums = empty(xp, (len(rows), E), np.float32)
    cuda.require("row_sums", np.float32, values=values)
    cuda.launch(
        "row_sums",
        "sum_segments",
        cuda.per_cell(len(rows), E),
        values,
        order,
        starts,
        sums,
        np.int32(len(rows)),
        np.int64(N),
        np.int32(E),
    )
    return rows, sums
