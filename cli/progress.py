"""Progress of commands on standard error, and the option --quiet, which turns it off."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

import click

from seqkit.cli.common import echo, is_terminal


def quiet_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option --quiet, without which work of over two seconds is shown: bars on a terminal, or lines.

    The function gets the value if it has an argument ``quiet``.
    """
    takes_value = "quiet" in inspect.signature(function).parameters

    @click.option("-q", "--quiet", is_flag=True, help="Print only results and errors.")
    @functools.wraps(function)
    def call(*arguments: Any, quiet: bool, **options: Any) -> Any:
        if takes_value:
            options["quiet"] = quiet
        with contextlib.nullcontext() if quiet else command_reporter():
            return function(*arguments, **options)

    return call


def command_reporter() -> contextlib.AbstractContextManager[Any]:
    """Return the reporter of a command: bars on a terminal, lines elsewhere."""
    from seqkit.progress import BarReporter, LineReporter

    if is_terminal(sys.stderr):
        return BarReporter()
    return LineReporter(lambda line: echo(line, err=True))
