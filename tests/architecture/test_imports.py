"""The table of who may import whom, checked against every import of the library, in functions too."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {"seqkit": "seqkit", "seqkit.cli": "cli", "seqkit.corpora": "corpora"}
"""Packages and their folders; the links of the last two may be absent."""

BASE = {"errors", "files", "launcher", "metrics", "platforms", "plotting", "progress", "threads"}
BELOW_TASKS = {
    "backend", "text", "data", "autograd", "distributed", "ops", "nn", "optim", "vectors", "models",
    "decoding", "training", "corpora",
}  # fmt: skip

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "files": {"errors"},
    "launcher": set(),
    "metrics": {"errors"},
    "plotting": {"errors", "metrics"},
    "platforms": set(),
    "progress": set(),
    "threads": set(),
    "backend": set(),
    "text": set(),
    "data": {"backend", "distributed", "text"},
    "autograd": {"backend"},
    "distributed": {"autograd", "backend"},
    "ops": {"autograd", "backend"},
    "nn": {"ops", "autograd", "backend"},
    "optim": {"ops", "autograd", "backend"},
    "vectors": {"backend", "text", "data", "distributed"},
    "models": {"nn", "ops", "autograd", "backend", "vectors", "distributed"},
    "decoding": {"optim", "autograd", "backend", "data", "text"},
    "training": {"nn", "optim", "autograd", "backend", "data", "distributed", "text"},
    "corpora": {"text", "data", "backend"},
    "tasks": BELOW_TASKS,
    "search": BELOW_TASKS | {"tasks"},
    "lab": BELOW_TASKS | {"tasks"},
    "explorer": BELOW_TASKS | {"tasks", "lab"},
    "cli": BELOW_TASKS | {"tasks", "search", "lab", "explorer", "recipes"},
    "recipes": set(),
}
"""The packages that each package may import, beside itself and ``BASE``."""

ONLY_IN_BACKEND = {"cupy", "cupyx", "numba", "llvmlite"}
NOWHERE = {
    "torch": "no framework underneath",
    "tensorflow": "no framework underneath",
    "jax": "no framework underneath",
    "pickle": "no pickles",
    "cli": "its name is seqkit.cli",
    "corpora": "its name is seqkit.corpora",
    "tests": "the library does not depend on its tests",
    "benchmarks": "the library does not depend on its benchmarks",
}


@dataclass(frozen=True)
class Source:
    """A module of the library."""

    name: str
    """Dotted, such as seqkit.ops.linear; packages end in .__init__"""
    code: str

    @property
    def package(self) -> str:
        """The package or top-level module that contains it: "ops", "errors", "__init__"."""
        return self.name.split(".")[1]


def modules_of(package: str, root: Path) -> Iterator[Source]:
    for folder, _, files in os.walk(root):  # follows no links
        for file in sorted(files):
            if file.endswith(".py"):
                path = Path(folder, file)
                dotted = ".".join((package, *path.relative_to(root).with_suffix("").parts))
                yield Source(dotted, path.read_text(encoding="utf-8"))


def imports_of(source: Source) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every import, in functions and under TYPE_CHECKING too."""
    for node in ast.walk(ast.parse(source.code)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            package = source.name.split(".")[: -node.level] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"
        elif isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if name in ("import_module", "__import__") and isinstance(first, ast.Constant):
                yield node.lineno, str(first.value)


def violations_of(source: Source) -> list[str]:
    found = []
    for line, name in imports_of(source):
        top, *rest = name.split(".")
        where = f"{source.name}:{line} imports {name}"
        if top in ONLY_IN_BACKEND and source.package != "backend":
            found.append(f"{where}: only the backend imports {top}")
        elif top in NOWHERE:
            found.append(f"{where}: {NOWHERE[top]}")
        elif top == "seqkit" and rest:
            target = rest[0]
            if target == "cli" and source.package not in ("cli", "__main__"):
                found.append(f"{where}: only seqkit/__main__.py imports the commands")
            elif source.package in ("__init__", "__main__") or target not in ALLOWED:
                continue  # seqkit/__init__.py re-exports; seqkit.__version__ is no package
            elif target not in ALLOWED[source.package] | BASE | {source.package}:
                found.append(f"{where}: {source.package} may import {sorted(ALLOWED[source.package] | BASE)}")
    return found


SOURCES = [source for name, folder in FOLDERS.items() for source in modules_of(name, ROOT / folder)]


def test_all_modules_are_read() -> None:
    """Those outside the folder seqkit too."""
    names = {source.name for source in SOURCES}
    assert {"seqkit.errors", "seqkit.ops.recurrent", "seqkit.backend.kernels.lstm.cpu"} <= names
    assert {source.package for source in SOURCES} >= {"corpora", "cli", "autograd", "text"}


def test_every_package_has_its_row() -> None:
    packages = {source.package for source in SOURCES} - {"__init__", "__main__"}
    assert packages <= set(ALLOWED), "a new package needs a row in ALLOWED"


def test_imports_point_down() -> None:
    assert [text for source in SOURCES for text in violations_of(source)] == []


def test_the_table_has_no_cycle() -> None:
    order: list[str] = []
    rest = {part: set(below) for part, below in ALLOWED.items()}
    while rest:
        free = [part for part, below in rest.items() if below <= set(order)]
        assert free, f"a cycle among {sorted(rest)}"
        order += free
        for part in free:
            del rest[part]


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("seqkit.ops.linear", "from seqkit.nn import Linear"),
        ("seqkit.ops.linear", "import seqkit.nn.linear"),
        ("seqkit.ops.linear", "from seqkit import nn"),
        ("seqkit.ops.linear", "from ..nn import Linear"),
        ("seqkit.ops.__init__", "from ..nn import Linear"),
        ("seqkit.ops.linear", "def f():\n    from seqkit.models import LanguageModel"),
        (
            "seqkit.ops.linear",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from seqkit.nn import Linear",
        ),
        ("seqkit.models.rnn", "from seqkit.text import Vocabulary"),
        ("seqkit.models.rnn", "from seqkit.data import batches"),
        ("seqkit.decoding.beam", "from seqkit.models import LanguageModel"),
        ("seqkit.ops.linear", "import numba"),
        ("seqkit.ops.linear", "import cupy as cp"),
        ("seqkit.nn.linear", "def f():\n    import importlib\n    importlib.import_module('cupy')"),
        ("seqkit.tasks.seq2seq", "from seqkit.cli import main"),
        ("seqkit.__init__", "from seqkit import cli"),
        ("seqkit.tasks.seq2seq", "import corpora"),
        ("seqkit.tasks.seq2seq", "from cli import main"),
        ("seqkit.backend.device", "import torch"),
        ("seqkit.training.checkpoint", "import pickle"),
        ("seqkit.errors", "from seqkit.backend import Device"),
    ],
)
def test_planted_violations_are_found(module: str, code: str) -> None:
    assert len(violations_of(Source(module, code))) == 1


@pytest.mark.parametrize(
    ("module", "code"),
    [
        (
            "seqkit.ops.linear",
            "from seqkit.autograd import differentiable\nfrom seqkit.errors import ShapeError",
        ),
        ("seqkit.ops.linear", "from seqkit.ops.activations import softmax\nfrom . import dropout"),
        ("seqkit.backend.kernels.lstm.cpu", "import numba"),
        ("seqkit.__main__", "from seqkit.cli import main"),
        ("seqkit.cli.train", "from seqkit.tasks import language_modeling\nfrom seqkit import __version__"),
    ],
)
def test_allowed_imports_pass(module: str, code: str) -> None:
    assert violations_of(Source(module, code)) == []


# Only the commands print and exit


EXCEPTIONS = {"seqkit.training.signals": "os._exit", "seqkit.distributed.heartbeat": "os._exit"}
"""In the handler of a second signal, which exits at once, and in the thread that finds another process lost,
for which this one waits: no caller is left to raise to."""


def prints_and_exits_of(source: Source) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source.code)):
        if isinstance(node, ast.Call):
            text = ast.unparse(node.func)
            if text in ("print", "exit", "quit", "sys.exit", "os._exit", "SystemExit"):
                if EXCEPTIONS.get(source.name) == text:
                    continue
                found.append(f"{source.name}:{node.lineno} calls {text}")
    return found


def test_only_commands_print_and_exit() -> None:
    libraries = [source for source in SOURCES if source.package not in ("cli", "__main__")]
    assert [text for source in libraries for text in prints_and_exits_of(source)] == []


@pytest.mark.parametrize(
    "code", ["print('x')", "def f():\n    import sys\n    sys.exit(1)", "raise SystemExit(2)"]
)
def test_planted_prints_and_exits_are_found(code: str) -> None:
    assert len(prints_and_exits_of(Source("seqkit.ops.linear", code))) == 1
