"""No form of an argument crashes a process, or changes a result in silence."""

from __future__ import annotations

import mmap
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit import nn
from seqkit.backend import Device
from seqkit.backend.ids import length_mask
from seqkit.backend.kernels import numba_missing
from seqkit.errors import ShapeError
from seqkit.models import (
    LanguageModel,
    LanguageModelConfig,
    TransformerLanguageModel,
    TransformerLanguageModelConfig,
)
from tests.conformance.module_rows import MODULE_ROWS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(numba_missing() is not None, reason=f"no compiled kernels: {numba_missing()}"),
    pytest.mark.skipif(not hasattr(mmap, "MAP_PRIVATE"), reason="memory cannot be protected"),
]


def run(module: str, progress: Path, *arguments: str) -> str:
    """Return the output of a module of the tests; AssertionError names the last case if it crashes."""
    environment = os.environ | {
        "MALLOC_PERTURB_": "170",
        "OPENBLAS_NUM_THREADS": "1",
        "SEQKIT_KERNELS": "compiled",
    }
    done = subprocess.run(
        [sys.executable, "-m", module, str(progress), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    at = progress.read_text().strip() if progress.exists() else "the start"
    assert done.returncode == 0, f"{done.returncode} at {at}: {done.stderr[-2000:]}"
    return done.stdout


def test_ops_take_every_form_of_every_argument(tmp_path: Path) -> None:
    assert run("tests.conformance.hostile", tmp_path / "progress", "ops") == ""


def test_all_layers_have_a_row() -> None:
    rows = {re.split("[:.]", row.name)[0] for row in MODULE_ROWS}
    parts = {
        "Buffer",
        "KeysValues",
        "Module",
        "Parameter",
        "LockedDropout",
        "AttentionRecord",
        "record_attention",
    }
    within = {"TransformerDecoderLayer", "TransformerEncoderLayer"}
    assert set(nn.__all__) - rows == parts | within


def test_layers_and_models_take_every_form_of_every_argument(tmp_path: Path) -> None:
    assert run("tests.conformance.hostile", tmp_path / "progress", "models") == ""


def test_kernels_stay_within_their_arrays(tmp_path: Path) -> None:
    """All families; each array lies at the end of its memory, and then at the start."""
    assert run("tests.backend.guarded_kernels", tmp_path / "progress") == ""


@pytest.mark.parametrize("bad", [None, 2.0, "a", [[1, 2], [3]], [["a"]], [[1.5]], [[[1]]], {1: 2}])
def test_ids_that_are_no_table_of_integers(bad: object) -> None:
    model: Any = LanguageModel(LanguageModelConfig(5, embedding_size=4, hidden_size=4), generator=0)
    with pytest.raises(ShapeError, match=r"expected ids to be integers of shape \(any, any\), got "):
        model(bad)
    with pytest.raises(ShapeError, match=r"expected lengths to be integers of shape \(2,\), got "):
        length_mask("lengths", {1: 2}, (2, 3), Device("cpu"))


def test_targets_of_another_length_are_refused() -> None:
    config = TransformerLanguageModelConfig(
        vocab_size=5, embedding_size=4, hidden_size=4, num_layers=1, num_heads=1, max_length=4
    )
    model = TransformerLanguageModel(config, generator=0)
    ids = np.zeros((2, 3), np.int64)
    for shape in ((2, 4), (2, 2), (1, 3)):
        with pytest.raises(ShapeError, match=r"expected targets to be integers of shape \(2, 3\)"):
            model.token_losses(ids, np.zeros(shape, np.int64))
    assert model.token_losses(ids[:0], ids[:0])[0].shape == (0, 3)
    with pytest.raises(ShapeError, match=r"expected ids to be integers of shape \(2\)"):
        model.step(np.zeros(3, np.int64), model.start(2))
