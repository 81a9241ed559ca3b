"""Requirements of the suite, as pyproject.toml declares them or at the oldest versions that it allows."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXTRAS = ("plot", "explore", "bert", "images", "search", "bleu", "arrow", "zstd", "test")
"""Extras whose packages the suite uses."""
TOOLS = {"ruff", "mypy"}
"""Packages of the extra ``test`` that no test uses."""


def declared(*, extras: tuple[str, ...] = EXTRAS) -> list[str]:
    """Return the requirements of the library and of extras, in the words of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"].get(extra, [])
    return [line for line in dict.fromkeys(lines) if name_of(line) not in TOOLS]


def name_of(requirement: str) -> str:
    """Return the name of a requirement's package."""
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None, requirement
    return match.group()


def oldest(requirement: str) -> str:
    """Return the requirement of the oldest version that ``requirement`` allows; without a bound, itself."""
    version, marks, marker = requirement.partition(";")
    found = re.search(r">=\s*([\w.]+)", version)
    return f"{version.partition('>')[0]}=={found[1]}{marks}{marker}" if found else requirement
