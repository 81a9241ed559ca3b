"""TOML settings: --config FILE, --recipe NAME, and the echo of what a run uses."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqkit.errors import DataError, UsageError

if TYPE_CHECKING:
    from seqkit.training import Settings


def recipe_names(command: str) -> list[str]:
    """The recipes for a command that come with seqkit."""
    return [name for name, settings in _recipes().items() if settings["command"] == command]


def read_recipe(name: str, command: str) -> dict[str, Any]:
    """The settings of a recipe. UsageError lists the names, or tells the command that it is for."""
    recipes = _recipes()
    if name not in recipes:
        raise UsageError(f"no recipe {name!r}", remedy=f"choose one of {', '.join(recipe_names(command))}")
    settings = recipes[name]
    meant_for = settings.pop("command")
    if meant_for != command:
        raise UsageError(
            f"the recipe {name!r} is for another command", remedy=f"seqkit {meant_for} --recipe {name}"
        )
    return settings


def _recipes() -> dict[str, dict[str, Any]]:
    """Name -> settings, and "command": whose settings they are."""
    files = {f.name.removesuffix(".toml"): f for f in resources.files("seqkit.recipes").iterdir()}
    return {
        name: tomllib.loads(file.read_text("utf-8"))
        for name, file in sorted(files.items())
        if file.name.endswith(".toml")
    }


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


def to_toml(values: Mapping[str, Any], settings: type[Settings]) -> str:
    """Return settings as TOML that --config reads, named by flag; those without a value as comments."""
    lines = []
    for name, value in values.items():
        key = settings.flags(name)[0]
        lines.append(f"# {key} is not set" if value is None else f"{key} = {_toml_value(value)}")
    return "\n".join(lines)
