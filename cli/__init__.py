"""The commands; only they print and exit.

A command is imported when it is called: ``seqkit --help`` loads neither NumPy nor any command.
"""

import _thread
import contextlib
import importlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

import click
from click.shell_completion import CompletionItem

import seqkit
from seqkit.cli.common import echo, flags_of
from seqkit.launcher import launched

GROUPS = {
    "Train": {
        "train-lm": "Train a language model.",
        "train-embeddings": "Train word vectors.",
        "train-seq2seq": "Train an encoder-decoder on pairs of texts.",
        "train-classifier": "Train a text classifier.",
        "train-tagger": "Train a tagger of words: chunks, named entities, parts of speech.",
        "train-images": "Train an image classifier.",
        "search": "Search for good settings of a training command.",
        "demo": "Train a small language model and compare it with baselines.",
    },
    "Evaluate": {
        "eval-lm": "Evaluate a language model.",
        "eval-embeddings": "Evaluate word vectors on analogies and word similarity.",
        "eval-seq2seq": "Evaluate an encoder-decoder.",
        "eval-classifier": "Evaluate a text classifier.",
        "eval-tagger": "Evaluate a tagger.",
        "eval-images": "Evaluate an image classifier.",
    },
    "Use": {
        "generate": "Generate text with a trained language model.",
        "score": "Score each line of a text with a language model.",
        "translate": "Translate texts with a trained encoder-decoder.",
        "classify": "Classify images or texts with a trained classifier.",
        "tag": "Tag the words and spans of texts with a trained tagger.",
        "similar": "Find the words nearest to given words.",
        "analogy": "Solve analogies: A is to B as C is to what?",
        "embed": "Embed sentences, or find the nearest lines.",
    },
    "Data": {
        "corpora": "List, fetch and describe corpora.",
        "convert": "Convert word vectors between file formats.",
        "export": "Write a trained run in the formats of other libraries.",
    },
    "Look": {
        "explore": "Look at runs and word vectors in the browser.",
        "plot": "Plot training curves, words, attention and images.",
        "lab": "Run the experiments of the course and judge their claims.",
        "doctor": "Show versions, devices and folders, and missing packages.",
    },
}
"""Name and short help of each command by section; its code is ``command`` in ``cli/<name>.py``."""

COMMANDS = {name: text for group in GROUPS.values() for name, text in group.items()}

_WIDTH = max(map(len, COMMANDS))
_EXAMPLES = """\b
Examples:
  seqkit train-lm --out runs/first          train on the embedded corpus
  seqkit eval-lm runs/first                 its perplexity
  seqkit generate runs/first --prompt the   text from it
  seqkit train-lm --help                    the flags of a command
  seqkit doctor                             what is installed
"""

COMPLETION = "_SEQKIT_COMPLETE"
"""The environment variable with which a shell asks for completions."""

_SIZES = ("--batch-size", "--nhid", "--vector-size", "--vocab-size", "--beam")
"""Flags on which the memory of a command depends."""


class LazyGroup(click.Group):
    """A group that imports a command only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all command names in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or fail and suggest a similar name."""
        if cmd_name not in COMMANDS:
            import difflib

            close = difflib.get_close_matches(cmd_name, COMMANDS, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            ctx.fail(f"No such command {cmd_name!r}.{hint}")
        module = importlib.import_module(f"seqkit.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; name its flags in errors, whose remedies advise no others."""
        from seqkit.errors import SeqkitError

        try:
            return super().invoke(ctx)
        except (SeqkitError, MemoryError) as error:
            command = self.get_command(ctx, ctx.invoked_subcommand) if ctx.invoked_subcommand else None
            flags = set() if command is None else flags_of(command)
            if isinstance(error, SeqkitError):
                error.flags = flags
                raise
            sizes = " or ".join(flag for flag in _SIZES if flag in flags)
            remedy = f"use a smaller {sizes}" if sizes else None
            raise SeqkitError("out of memory", remedy=remedy) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands for --help without importing them."""
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(_WIDTH), text) for name, text in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin so, without importing the commands."""
        names = [
            CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


@click.group(cls=LazyGroup, epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(seqkit.__version__, prog_name="seqkit")
@click.option("--debug", is_flag=True, help="Show tracebacks of errors.")
def group(debug: bool) -> None:
    """Train and use sequence models for language, on NumPy and CuPy."""
    if debug:
        os.environ["SEQKIT_DEBUG"] = "1"


def _end(message: str | None, code: int) -> None:
    """Print a message on standard error, if anyone can still read it, and exit."""
    if launched().size > 1:
        from seqkit.cli import several

        several.end(message, code)
    if message is not None:
        with contextlib.suppress(OSError, ValueError):
            echo(message, err=True)
    sys.exit(code)


def _fail(message: str, code: int) -> None:
    _end(f"error: {message}", code)


def _text_of(error: click.ClickException) -> str:
    text = io.StringIO()
    error.show(text)
    return text.getvalue().removesuffix("\n")


@contextlib.contextmanager
def _interrupts_kept() -> Iterator[None]:
    """Repeat a Ctrl-C that arrives in a callback from C, where Python prints it and goes on."""
    before = sys.unraisablehook

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            threading.Timer(0.05, _thread.interrupt_main).start()
        else:
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _log_to_stderr() -> None:
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            with contextlib.suppress(OSError, ValueError):
                echo(record.getMessage(), err=True)

    logging.basicConfig(handlers=[Handler()])


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit.

    Exit codes: 0 success, 1 error, 2 wrong usage, 130 or 143 interrupted after saving.
    """
    from seqkit.errors import SeqkitError, StoppedElsewhere, TrainingInterrupted, UsageError
    from seqkit.platforms import is_closed_pipe, print_any_text

    if launched().size > 1:
        from seqkit.cli import several

        several.begin(arguments)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # for the process
        print_any_text(getattr(sys, name))
    if "seqkit.backend" not in sys.modules:
        _log_to_stderr()
    try:
        with _interrupts_kept():
            result: Any = group.main(
                arguments, prog_name="seqkit", complete_var=COMPLETION, standalone_mode=False
            )
        sys.exit(result if isinstance(result, int) else 0)
    except TrainingInterrupted as stop:
        _end(stop.for_command(), 128 + stop.signum)
    except StoppedElsewhere:
        _end(None, 1)
    except UsageError as error:
        if os.environ.get("SEQKIT_DEBUG"):
            raise
        _fail(error.for_command(), 2)
    except SeqkitError as error:
        if os.environ.get("SEQKIT_DEBUG"):
            raise
        _fail(error.for_command(), 1)
    except click.ClickException as error:
        _end(_text_of(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt) as stop:
        if isinstance(stop.__context__, EOFError):  # click takes it for the end of what a user types
            if os.environ.get("SEQKIT_DEBUG"):
                raise
            _fail("unexpected end of a file or of the standard input", 1)
        _end("interrupted", 130)
    except UnicodeEncodeError as error:
        _fail(f"the output cannot encode this text: {error}; try PYTHONIOENCODING=utf-8", 1)
    except OSError as error:
        if is_closed_pipe(error):  # `seqkit score … | head`
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # it is flushed on exit
            sys.exit(1)
        if os.environ.get("SEQKIT_DEBUG"):
            raise
        _fail(f"{error.strerror or error}{f', {error.filename}' if error.filename else ''}", 1)
