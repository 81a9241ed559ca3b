"""TOML settings: --config FILE, --recipe NAME, and the echo of what a run uses."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from seqkit.errors import DataError, UsageError


def recipe_names() -> list[str]:
    """The recipes that come with seqkit."""
    folder = resources.files("seqkit.recipes")
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


def read_recipe(name: str) -> dict[str, Any]:
    """The settings of a recipe. UsageError lists the names."""
    if name not in recipe_names():
        raise UsageError(f"no recipe {name!r}", remedy=f"choose one of {', '.join(recipe_names())}")
    text = (resources.files("seqkit.recipes") / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def read_settings(path: str) -> dict[str, Any]:
    """The settings of a TOML file. DataError names file and place of what is wrong."""
    try:
        return tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise DataError(f"cannot read {path} ({error.strerror or error})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not valid TOML: {error}") from error


def _toml_value(value: str | bool | int | float) -> str:
    """A scalar; JSON's spelling is TOML's too, but for infinity and for the halves of a character."""
    return str(value) if value in (math.inf, -math.inf) else json.dumps(value, ensure_ascii=False)


def to_toml(settings: Mapping[str, Any]) -> str:
    """Settings as TOML that --config reads; those without a value become comments."""
    lines = []
    for name, value in settings.items():
        key = name.replace("_", "-")
        lines.append(f"# {key} is not set" if value is None else f"{key} = {_toml_value(value)}")
    return "\n".join(lines)
