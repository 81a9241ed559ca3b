"""What several commands share: options and output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON value on stdout.")
device_option = click.option(
    "--device",
    default=None,
    metavar="NAME",
    help="auto, cpu, cuda or cuda:N  [default: $SEQKIT_DEVICE, or cpu]",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print results and errors only.")


def figure_option(default: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--out FILE of a command that draws a figure, checked before the command starts.

    Args:
        default: File to write if the option is not given; without one the option is required.

    """

    def check(context: click.Context, parameter: click.Parameter, value: str) -> str:
        from seqkit.plotting import check_figure_path

        check_figure_path(value)
        return value

    return click.option(
        "--out",
        type=click.Path(dir_okay=False),
        default=default,
        required=default is None,
        show_default=default is not None,
        callback=check,
        help="Figure file: .png, .svg or .pdf.",
    )


def threads_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--threads N, which takes effect before NumPy is loaded."""

    def apply(context: click.Context, parameter: click.Parameter, value: int | None) -> int | None:
        if value is not None:
            use_threads(value)
        return value

    return click.option(
        "--threads",
        type=click.IntRange(1),
        expose_value=False,
        is_eager=True,
        callback=apply,
        help="Threads of the matrix products.  [default: one a core]",
    )(function)


def use_threads(count: int) -> None:
    """Set the thread count; says so when it comes too late."""
    from seqkit.threads import set_thread_count

    if not set_thread_count(count):
        click.echo(f"warning: NumPy is already loaded, --threads {count} has no effect", err=True)


def threads_before_numpy(arguments: list[str]) -> None:
    """Use --threads, or for --resume the run's own count: same bits need the same threads.

    Called by commands whose imports load NumPy, after which it is too late: click has not seen the flags by
    then.
    """
    threads, out = _flag(arguments, "--threads"), _flag(arguments, "--out")
    try:
        if threads is None and out is not None and "--resume" in arguments:
            threads = str(json.loads((Path(out) / "config.json").read_bytes())["threads"])
        if threads is not None and int(threads) > 0:
            use_threads(int(threads))
    except (OSError, ValueError, KeyError, TypeError):
        return  # click, or opening the run, says what is wrong


def _flag(arguments: list[str], name: str) -> str | None:
    """The value of a flag on the command line, "--name value" or "--name=value"; the last one counts."""
    value = None
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument == name:
            value = following
        elif argument.startswith(f"{name}="):
            value = argument.removeprefix(f"{name}=")
    return value


def print_json(value: Any) -> None:
    """One JSON value; numbers that are not finite become null, which JSON can carry."""

    def finite(item: Any) -> Any:
        if isinstance(item, float) and (item != item or item in (float("inf"), float("-inf"))):
            return None
        if isinstance(item, dict):
            return {key: finite(each) for key, each in item.items()}
        return [finite(each) for each in item] if isinstance(item, list | tuple) else item

    click.echo(json.dumps(finite(value), indent=2, ensure_ascii=False))


def lines_of(file: str | None) -> Iterator[str]:
    """The lines of a file, or of standard input for None and "-"."""
    from seqkit.corpora import read_lines
    from seqkit.errors import DataError

    if file not in (None, "-"):
        yield from read_lines(Path(file))
        return
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            yield line.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise DataError(
                f"byte 0x{line[error.start]:02x} is not UTF-8",
                where=f"standard input, line {number}, byte {error.start} of it",
            ) from None
