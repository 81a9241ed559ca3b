"""What ``import seqkit`` gives."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

import seqkit


@pytest.mark.parametrize("name", seqkit.__all__)
def test_public_names_are_there(name: str) -> None:
    value = getattr(seqkit, name)
    if isinstance(value, ModuleType):
        assert value is importlib.import_module(f"seqkit.{name}")
    assert name in dir(seqkit)


def test_tasks_give_their_modules() -> None:
    for name in ("language_modeling", "seq2seq", "text_classification", "sentence_encoding"):
        assert getattr(seqkit.tasks, name) is importlib.import_module(f"seqkit.tasks.{name}")


@pytest.mark.parametrize("module", [seqkit, seqkit.tasks], ids=["seqkit", "seqkit.tasks"])
def test_other_names_are_not(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match=rf"module '{module.__name__}' has no attribute 'nothing'"):
        _ = module.nothing
