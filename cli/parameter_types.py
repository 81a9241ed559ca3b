"""Types of command-line parameters that a shell completes, or that people write in several ways."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s)?", re.IGNORECASE
)


def seconds(text: str) -> float:
    """Return the seconds of a time such as 90, 90s, 10m or 1h30m.

    Raises:
        ValueError: It is no time.
    """
    with contextlib.suppress(ValueError):
        return float(text)
    match = _DURATION.fullmatch(text.replace(" ", ""))
    if match is None or not any(match.groups()):
        raise ValueError(f"expected seconds, or a time such as 90s, 10m or 1h30m, got {text!r}")
    hours, minutes, rest = (float(number or 0) for number in match.groups())
    return 3600 * hours + 60 * minutes + rest


class Duration(click.types.FloatParamType):
    """A time: seconds as a number, or hours, minutes and seconds as in 1h30m."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return seconds."""
        try:
            return seconds(str(value))
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


DURATION = Duration()


class RunPath(click.Path):
    """A path of a run directory."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the runs whose path begins so, those in folders that begin so, or else any path."""
        runs = []
        for path in _paths(incomplete):
            if _is_run(path):
                runs.append(str(path))
            elif path.is_dir():
                runs += [str(inner) for inner in sorted(path.iterdir()) if _is_run(inner)]
        return [CompletionItem(run) for run in runs] or super().shell_complete(ctx, param, incomplete)


RUN = RunPath()


class CorpusName(click.types.StringParamType):
    """A corpus: a registered name, or a file or folder.

    Args:
        own: Whether files and folders are corpora too.
    """

    def __init__(self, own: bool = True) -> None:
        self.own = own

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the registered names and the files that begin so."""
        from seqkit.corpora import REGISTRY

        names = [CompletionItem(name) for name in REGISTRY if name.startswith(incomplete)]
        if not self.own or "/" in incomplete:
            return names or [CompletionItem(incomplete, type="file")]
        files = [CompletionItem(str(path)) for path in _paths(incomplete)] if incomplete else []
        return [*names, *files] or [CompletionItem(incomplete, type="file")]


CORPUS, REGISTERED = CorpusName(), CorpusName(own=False)


class RecipeName(click.types.StringParamType):
    """The name of a recipe of the command."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names of the command's recipes that begin so."""
        from seqkit.cli.settings_file import recipe_names

        names = [*recipe_names(ctx.command.name or ""), "help"]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class ExperimentName(click.types.StringParamType):
    """The name of an experiment of the course."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names of the experiments that begin so."""
        from seqkit.lab import experiment_names

        return [CompletionItem(name) for name in experiment_names() if name.startswith(incomplete)]


def _paths(incomplete: str) -> list[Path]:
    """Return the paths that begin so, without hidden ones."""
    folder, _, start = incomplete.rpartition("/")
    parent = Path(folder or ("/" if incomplete.startswith("/") else "."))
    try:
        found = sorted(path for path in parent.iterdir() if path.name.startswith(start))
    except OSError:
        return []
    return [path for path in found if not path.name.startswith(".") or start.startswith(".")]


def _is_run(path: Path) -> bool:
    return (path / "config.json").is_file()
