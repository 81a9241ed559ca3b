"""Options and output that several commands share."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from seqkit.tasks.classes import ClassScores

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


class Text(click.ParamType):
    """Text that can be written in UTF-8, which the name of a file need not be."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text."""
        if any("\ud800" <= character < "\ue000" for character in value):
            self.fail(f"{value!r} is not UTF-8.", param, ctx)
        return value


TEXT = Text()


class Column(click.ParamType):
    """A column of a table, by number or by name."""

    name = "column"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return a number for digits, else the name."""
        return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


COLUMN = Column()


def check_device(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return the value of --device. Raise DeviceError before anything is read if there is no such device."""
    if value is not None:
        from seqkit.backend import device

        device(value)
    return value


device_option = click.option(
    "--device",
    default=None,
    metavar="NAME",
    callback=check_device,
    help="Device: auto, cpu, cuda or cuda:N.  [default: $SEQKIT_DEVICE, or cpu]",
)
text_column_option = click.option(
    "--text-column",
    "--text-field",
    "text_column",
    type=COLUMN,
    default=None,
    help="Column of the texts in the table --corpus, by name or number.  [default: found]",
)
input_column_option = click.option(
    "--text-column",
    "--text-field",
    "text_column",
    type=COLUMN,
    default=None,
    help="Column of the texts, by name or number, if the file is a table.  [default: found]",
)
split_option = click.option(
    "--split",
    type=click.Choice(["train", "valid", "test"]),
    default=None,
    help="Split to evaluate.  [default: test, or valid if there is none]",
)
_SEARCH_OPTIONS = (
    click.option(
        "--beam", type=click.IntRange(1, 1000), default=1, show_default=True, help="Beam size; 1 is greedy."
    ),
    click.option(
        "--length-penalty",
        type=float,
        default=0.6,
        show_default=True,
        help="Exponent of the length normalisation in beam search.",
    ),
    click.option(
        "--temperature",
        type=click.FloatRange(0),
        default=None,
        help="Sample with this temperature.  [default: search]",
    ),
    click.option(
        "--top-k",
        type=click.IntRange(1),
        default=None,
        help="Sample from the k most probable tokens.  [default: all]",
    ),
    click.option(
        "--top-p",
        type=click.FloatRange(0, 1, min_open=True),
        default=None,
        help="Sample from the smallest set of tokens with this total probability.  [default: all]",
    ),
    click.option(
        "--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed of the samples."
    ),
    click.option(
        "--replace-unk",
        is_flag=True,
        help="Put the source's word with the most attention for an unknown one.",
    ),
)


def search_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of how an encoder-decoder finds its outputs, the same in all commands."""
    for option in reversed(_SEARCH_OPTIONS):
        command = option(command)
    return command


def refuse_unused_search(beam: int, temperature: float | None) -> None:
    """Raise UsageError for a search option that has no effect beside the others."""
    if temperature is None:
        refuse_unused("top_k top_p seed", "sampling, with --temperature")
        if beam == 1:
            refuse_unused("length_penalty", "beam search, with --beam above 1")
    else:
        refuse_unused("beam length_penalty n_best", "searches, without --temperature")
        if temperature == 0:
            refuse_unused("top_k top_p seed", "sampling, with --temperature above 0")


def figure_option(default: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option --out FILE of a command that draws a figure, checked before the command starts.

    Args:
        default: File to write if the option is not given; if None, the option is required.
    """

    def check(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
        from seqkit.plotting import check_figure_path

        if value is None:
            raise click.MissingParameter(ctx=context, param=parameter)
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


def flags_of(command: click.Command) -> set[str]:
    """Return the flags of a command, or of all commands of a group."""
    flags = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                flags |= flags_of(inner)
    return flags


def refuse_unused(names: str, purpose: str) -> None:
    """Raise UsageError for the first of these options that was given on the command line.

    Args:
        names: Names of parameters of the running command, which have no effect beside the others.
        purpose: What they are for.

    """
    from click.core import ParameterSource

    from seqkit.errors import UsageError

    context = click.get_current_context()
    for name in names.split():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            flag = next(max(each.opts, key=len) for each in context.command.params if each.name == name)
            raise UsageError(f"{flag} has no effect here: it is for {purpose}", remedy=f"leave out {flag}")


def threads_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option --threads N, which takes effect before NumPy is loaded."""

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
        help="Threads for matrix products.  [default: one per core]",
    )(function)


def use_threads(count: int) -> None:
    """Set the thread count, and warn if NumPy is already loaded."""
    from seqkit.threads import set_thread_count

    if not set_thread_count(count):
        echo(f"warning: NumPy is already loaded, --threads {count} has no effect", err=True)


def threads_before_numpy(arguments: list[str]) -> None:
    """Apply --threads, or with --resume the thread count of the run, which gives the same bits.

    For commands whose imports load NumPy, which happens before click parses the options.
    """
    threads, out = _flag(arguments, "--threads"), _flag(arguments, "--out")
    try:
        if threads is None and out is not None and "--resume" in arguments:
            threads = str(json.loads((Path(out) / "config.json").read_bytes())["threads"])
        if threads is not None and int(threads) > 0:
            use_threads(int(threads))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return  # click, or opening the run, reports the error


def _flag(arguments: list[str], name: str) -> str | None:
    """Return the last value of a flag on the command line, given as "--name value" or "--name=value"."""
    value = None
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument == name:
            value = following
        elif argument.startswith(f"{name}="):
            value = argument.removeprefix(f"{name}=")
    return value


_SURROGATES = {code: f"\\u{code:04x}" for code in range(0xD800, 0xE000)}
"""Bytes of file names that are not UTF-8, which JSON writes as escapes."""


def to_json(value: object, indent: int | None = 2) -> str:
    """Return a value as JSON, with null in place of numbers that are not finite."""

    def finite(item: object) -> Any:
        if isinstance(item, float):
            return item if math.isfinite(item) else None
        if isinstance(item, dict):
            return {key: finite(each) for key, each in item.items()}
        return [finite(each) for each in item] if isinstance(item, list | tuple) else item

    text = json.dumps(finite(value), indent=indent, ensure_ascii=False, allow_nan=False)
    return text if text.isascii() else text.translate(_SURROGATES)


def print_json(value: object) -> None:
    """Print a value as JSON."""
    echo(to_json(value))


def warn(text: str) -> None:
    """Print a message on standard error, unless the running command has --quiet."""
    context = click.get_current_context(silent=True)
    if context is None or not context.params.get("quiet"):
        echo(text, err=True)


_KEPT = "\t\n"
_CONTROLS = [*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_ESCAPES = {c: f"\\u{c:04x}" for c in [*_CONTROLS, *range(0xD800, 0xE000)] if chr(c) not in _KEPT}
"""Control characters, bidirectional overrides, and bytes of file names that are not UTF-8."""


def escape(text: str) -> str:
    """Escape control characters, so that text cannot control a terminal; keep tabs and line ends."""
    return text.translate(_ESCAPES)


def is_terminal(stream: Any) -> bool:
    """Return whether a standard stream is a terminal; False for one that is closed or absent."""
    try:
        return stream is not None and bool(stream.isatty())
    except ValueError:
        return False


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print text: escaped on standard error and on a terminal, unchanged to a file or pipe.

    Args:
        text: The text to print.
        err: Print to standard error.
        nl: End the line.
    """
    if err or is_terminal(sys.stdout):
        tqdm = sys.modules.get("tqdm")
        with tqdm.tqdm.external_write_mode() if tqdm else contextlib.nullcontext():  # clears bars meanwhile
            click.echo(escape(text), err=err, nl=nl)
    elif text.isascii() or not any("\ud800" <= character < "\ue000" for character in text):
        click.echo(text, nl=nl)
    else:  # bytes of a file name that is not UTF-8
        click.echo(text.encode(sys.stdout.encoding, "surrogateescape"), nl=nl)


_MAX_COLUMNS = 20
"""Classes whose confusion matrix fits a terminal; --json has larger ones."""


def print_class_scores(scores: ClassScores) -> None:
    """Print accuracy, a line per class, means, and the confusion matrix of up to 20 classes."""
    echo(f"accuracy {scores.accuracy:.2%} of {scores.examples:,} ({scores.split})")
    echo(f"loss {scores.loss:.4f}\n")
    width = max(map(len, (*scores.classes, "weighted mean")))
    table = scores.scores
    rows = zip(scores.classes, table.precision, table.recall, table.f1, table.support, strict=True)
    echo(f"{'':<{width}}  precision  recall      F1  examples")
    for name, precision, recall, f1, support in rows:
        echo(f"{name:<{width}}  {precision:>9.4f}  {recall:>6.4f}  {f1:>6.4f}  {support:>8,}")
    for name, mean in (("macro mean", table.macro), ("weighted mean", table.weighted)):
        echo(f"{name:<{width}}  {mean.precision:>9.4f}  {mean.recall:>6.4f}  {mean.f1:>6.4f}")
    if len(scores.classes) > _MAX_COLUMNS:
        return
    cell = max(5, len(str(scores.confusion.max())) + 2)
    echo("\nconfusion matrix (rows: true classes, columns: predicted classes)")
    echo(" " * width + "".join(f"{name[: cell - 1]:>{cell}}" for name in scores.classes))
    for name, counts in zip(scores.classes, scores.confusion.tolist(), strict=True):
        echo(f"{name:<{width}}" + "".join(f"{count:>{cell}}" for count in counts))
