"""Settings as TOML: --config FILE, --recipe NAME, and the settings that a command prints."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqkit.errors import DataError, UsageError
from seqkit.files.substitutes import refuse_substitute

if TYPE_CHECKING:
    from seqkit.training import Settings


def recipe_names(command: str) -> list[str]:
    """Return the names of the recipes for a command."""
    return [name for name, settings in _recipes().items() if settings["command"] == command]


def read_recipe(name: str, command: str) -> dict[str, Any]:
    """Return the settings of a recipe.

    Raises:
        UsageError: There is no such recipe, or it is for another command.
    """
    recipes = _recipes()
    if name not in recipes:
        raise UsageError(f"expected --recipe to be one of {', '.join(recipe_names(command))}, got {name!r}")
    settings = recipes[name]
    recipe_command = settings.pop("command")
    if recipe_command != command:
        raise UsageError(
            f"the recipe {name!r} is for another command", remedy=f"seqkit {recipe_command} --recipe {name}"
        )
    return settings


def _recipes() -> dict[str, dict[str, Any]]:
    """Return the settings of each recipe by name; "command" is the command it is for."""
    files = {f.name.removesuffix(".toml"): f for f in (resources.files("seqkit") / "recipes").iterdir()}
    return {
        name: tomllib.loads(file.read_text("utf-8"))
        for name, file in sorted(files.items())
        if file.name.endswith(".toml")
    }


def read_settings(path: str) -> dict[str, Any]:
    """Return the settings in a TOML file. Raise DataError if it cannot be read."""
    try:
        return tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise DataError(f"cannot read {path} ({error.strerror or error})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        refuse_substitute(path)
        raise DataError(f"{path} is not valid TOML: {error}") from error


def _toml_value(value: str | bool | int | float) -> str:
    """Return a scalar as TOML: as JSON, but for infinity; TOML has no surrogate pairs."""
    return str(value) if value in (math.inf, -math.inf) else json.dumps(value, ensure_ascii=False)


def to_toml(values: Mapping[str, Any], settings: type[Settings]) -> str:
    """Return settings as TOML for --config, named by flag; those that are None as comments."""
    lines = []
    for name, value in values.items():
        key = settings.flags(name)[0]
        lines.append(f"# {key} is not set" if value is None else f"{key} = {_toml_value(value)}")
    return "\n".join(lines)
