"""Run the examples that stand in docstrings.

They may use :data:`NAMES` without importing them.
"""

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest

import seqkit

NAMES = {name: getattr(seqkit, name) for name in ("nn", "ops", "optim", "Tensor", "Generator")}
NAMES |= {"np": np, "seqkit": seqkit}
ROOT = Path(seqkit.__file__).parent
FILES = [path for folder in (ROOT, ROOT / "cli", ROOT / "corpora") for path in folder.rglob("*.py")]
MODULES = sorted(
    {
        ".".join(("seqkit", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        for path in FILES
        if ">>> " in path.read_text(encoding="utf-8")
    }
)


def test_there_are_examples() -> None:
    assert {"seqkit", "seqkit.optim.registry"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = doctest.testmod(importlib.import_module(name), extraglobs=NAMES, optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0
