"""Run the suite in each environment, and write the table of docs/installing.md.

``make matrix`` runs all; ``python -m tests.matrix --only oldest --tests tests/cli`` runs a part and writes no
table. Environments are kept in build/matrix, and made anew when what pyproject.toml declares has changed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.matrix.environments import ENVIRONMENTS, Environment, interpreters
from tests.matrix.requirements import ROOT

FOLDER = ROOT / "build" / "matrix"
PAGE = ROOT / "docs" / "installing.md"
BEGIN, END = "<!-- written by make matrix -->\n", "<!-- end -->\n"
HEAD = ["environment", "Python", "NumPy", "Numba", "passed", "failed", "skipped"]
PARALLEL = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder")
_INSTALLED = """
import importlib.metadata, platform
print(platform.python_version(), *map(importlib.metadata.version, ("numpy", "numba")))
"""


def make(environment: Environment, interpreter: Path) -> Path:
    """Make the virtual environment of a row, unless it is there, and return its Python."""
    folder = FOLDER / environment.packages
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    lines = environment.requirements()
    digest = hashlib.sha256("\n".join([str(interpreter), *lines]).encode()).hexdigest()
    ready = folder / "ready"
    if ready.is_file() and ready.read_text("utf-8") == digest:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([str(interpreter), "-m", "venv", str(folder)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *lines], check=True)
    ready.write_text(digest, "utf-8")
    return python


def run(environment: Environment, python: Path, arguments: Sequence[str]) -> dict[str, int]:
    """Run the suite; return how many tests passed, failed (errors included) and were skipped."""
    log = FOLDER / f"{environment.name.replace(' ', '-').replace(',', '')}.log"
    variables = {**os.environ, "SEQKIT_CACHE": str(FOLDER / "cache"), **environment.variables(python)}
    with log.open("w", encoding="utf-8") as out:
        command = [str(python), "-m", "pytest", "-q", *PARALLEL, *arguments]
        subprocess.run(command, cwd=ROOT, env=variables, stdout=out, stderr=subprocess.STDOUT)
    counts = counts_of(log.read_text("utf-8"))
    print(f"{environment.name}: {counts} ({log})", flush=True)
    return counts


def counts_of(log: str) -> dict[str, int]:
    """Return the counts in the last line of pytest's output; a run that broke off counts as a failure."""
    last = log.strip().splitlines()[-1] if log.strip() else ""
    found = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|skipped|error)s?", last)}
    if not found:
        return {"passed": 0, "failed": 1, "skipped": 0}
    failed = found.get("failed", 0) + found.get("error", 0)
    return {"passed": found.get("passed", 0), "failed": failed, "skipped": found.get("skipped", 0)}


def row(environment: Environment, python: Path, counts: dict[str, int]) -> list[str]:
    """Return the cells of a row."""
    done = subprocess.run([python, "-c", _INSTALLED], capture_output=True, text=True, check=True)
    version, numpy, numba = done.stdout.split()
    numba = "hidden" if environment.hidden else numba
    return [environment.name, version, numpy, numba, *(f"{counts[name]:,}" for name in HEAD[4:])]


def write_table(rows: list[list[str]]) -> None:
    """Replace the table of the page."""
    lines = [f"| {' | '.join(cells)} |" for cells in (HEAD, ["---"] * 4 + ["--:"] * 3, *rows)]
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}" + "\n".join(lines) + f"\n{END}{after}", "utf-8", newline="\n")


def main() -> int:
    """Run what the command line names; return 1 if a test failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__.splitlines()[0])
    parser.add_argument("--pythons", default="", help="interpreters, separated by blanks")
    parser.add_argument("--only", default="", help="environments whose name contains this")
    parser.add_argument("--tests", nargs=argparse.REMAINDER, default=[], help="arguments of pytest")
    options = parser.parse_args()
    found = interpreters(options.pythons.split())
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows, failed = [], False
    for environment in ENVIRONMENTS:
        if options.only not in environment.name:
            continue
        if environment.version not in found:
            print(f"{environment.name}: no Python {environment.version} was found")
            rows.append([environment.name, "not found", *["–"] * 5])
            continue
        python = make(environment, found[environment.version])
        counts = run(environment, python, options.tests)
        rows.append(row(environment, python, counts))
        failed |= counts["failed"] > 0
    print("\n".join("  ".join(cells) for cells in [HEAD, *rows]))
    if not (options.only or options.tests):
        write_table(rows)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
