"""Compiled kernels keep the rule for sums of compiler.py: the innermost loop that adds up does not store."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from seqkit.backend import kernels

SOURCES = sorted(Path(str(kernels.__file__)).parent.rglob("cpu.py"))


def mixed_loops(source: str) -> list[int]:
    """The lines of innermost loops that add to a scalar and store into an array."""
    found = []
    for loop in ast.walk(ast.parse(source)):
        if not isinstance(loop, ast.For):
            continue
        inside = [node for statement in loop.body for node in ast.walk(statement)]
        if any(isinstance(node, ast.For | ast.While) for node in inside):
            continue
        sums = any(
            isinstance(node, ast.AugAssign)
            and isinstance(node.target, ast.Name)
            and any(isinstance(part, ast.Subscript) for part in ast.walk(node.value))
            for node in inside
        )
        stores = any(isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) for node in inside)
        if sums and stores:
            found.append(loop.lineno)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_loop_that_adds_up_does_not_store(path: Path) -> None:
    assert mixed_loops(path.read_text("utf-8")) == []


def test_the_rule_can_fail() -> None:
    bad = "for j in range(V):\n    e[j] = x[j]\n    total += e[j]\n"
    good = "for j in range(V):\n    e[j] = x[j]\nfor j in range(V):\n    total += e[j]\n"
    assert mixed_loops(bad) == [1]
    assert mixed_loops(good) == []
