"""Training commands: flags from settings, settings files, recipes and resuming."""

import dataclasses
import inspect
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import click

from seqkit.cli.common import (
    COLUMN,
    check_device,
    echo,
    json_option,
    print_json,
    refuse_unused,
    threads_option,
    warn,
)
from seqkit.cli.help_sections import TrainingCommand, examples
from seqkit.cli.log_lines import LogLines
from seqkit.cli.parameter_types import CORPUS, DURATION, RUN, RecipeName, seconds
from seqkit.cli.progress import quiet_option
from seqkit.cli.settings_file import read_recipe, read_settings, recipe_names, to_toml
from seqkit.errors import TrainingInterrupted, UsageError
from seqkit.optim import OPTIMIZERS
from seqkit.training import Callback, RunDirectory, Settings, Task, TensorBoard, TrainingSettings

TRAINING_HELP = {
    "init": "Start from the weights of a run of this command; its vocabulary and model are kept.",
    "grow_vocabulary": "Add the new words of CORPUS to the vocabulary of --init, if seen --min-count times.",
    "epochs": "Passes over the training data.",
    "max_steps": "Stop after this many optimiser steps.  [default: no limit]",
    "max_time": "Stop after this time of training: seconds, or 10m, 1h30m.  [default: no limit]",
    "anneal_to_max_time": "Let a linear or cosine schedule end at --max-time, not at the last epoch.",
    "patience": "Stop after this many epochs without a better validation loss.  [default: never]",
    "optimizer": "Optimiser that updates the weights.",
    "lr": "Learning rate.  [default: that of the optimiser]",
    "schedule": "Learning rate schedule: constant, step, linear, cosine, inverse-sqrt, plateau or zaremba."
    "  [default: that of the optimiser]",
    "warmup": "Steps over which the learning rate rises from 0.",
    "lr_floor": "Fraction of the learning rate at which linear and cosine schedules end.",
    "momentum": "Momentum of the optimisers momentum and nesterov.",
    "beta2": "Decay rate of the squared gradients in adam and adamw.",
    "averaging_patience": "nt-asgd averages the weights once a validation loss is above the lowest of those "
    "further back than this many.",
    "weight_decay": "Coefficient of the weight decay.",
    "clip": "Scale the gradient down to this global norm if it is larger.",
    "accumulate": "Batches whose gradients are averaged for each step.",
    "seed": "Random seed.",
    "log_interval": "Steps between log records.",
    "checkpoint_interval": "Seconds between checkpoints.",
}
"""Help of the flags shared by all tasks with an optimiser."""

TABLE_HELP = {
    "text_column": "Column of the texts in a table, by name or number.  [default: found by names and cells]",
    "label_column": "Column of the labels in a table.  [default: found by names and cells, or the first]",
    "source_column": "Column of the sources in a table, by name or number.  [default: found, or the first]",
    "target_column": "Column of the targets in a table.  [default: found, or the second]",
    "header": "Whether the first row of a table has the names of its columns.  [default: found by its cells]",
    "paragraphs": "Read each paragraph, of lines up to a blank one, as one line.",
}
"""Help of the flags that say how files are read."""

CORPUS_HELP = """CORPUS is a registered name (see `seqkit corpora list`) or your own data:

\b
  text    nltk:NAME, a text file, a table with a column of texts, or a
          folder of text files
  pairs   a table of sources and targets; or a file of sources, with
          --target
  labels  a table of labels and texts; a folder with train, valid and test
          files of that form; or a folder with a text file for each class
  tags    a file with a word and its tag on each line, and a blank line
          between sentences (CoNLL, CoNLL-U); or a folder with train,
          valid and test files of that form
  images  a folder with a sub-folder of images for each class

A table has tabs between its columns, or is CSV (.csv), JSON lines (.jsonl),
Parquet or Arrow. Files may be compressed, and in an archive:
archive.zip:file.
"""
"""Help of CORPUS in all training commands."""

_USE_HELP = """Flags override --config, and --config overrides --recipe. Ctrl-C saves and stops the training;
the same command with --resume continues it.
"""

S = TypeVar("S", bound=Settings)
C = TypeVar("C")

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

T = TypeVar("T")
Train = Callable[..., T]
"""The ``train(settings, out, *, resume, changes, callbacks)`` of a task."""


@dataclasses.dataclass(frozen=True)
class Request(Generic[S]):
    """The command line of a training command.

    Attributes:
        command: The name of the command.
        settings: All settings.
        given: Those that were given by flag, --config or --recipe.
        out: The run directory; None for the default.
        resume, dry_run, tensorboard, quiet, as_json: The flags of the same names.
    """

    command: str
    settings: S
    given: dict[str, Any]
    out: str | None
    resume: bool
    dry_run: bool
    tensorboard: bool
    quiet: bool
    as_json: bool

    def train(
        self, train: Train[T], *, name: str, evaluate: str, unit: str = "tokens"
    ) -> tuple[str, T, LogLines]:
        """Train into --out, by default runs/NAME-TIME.

        Args:
            train: The task's ``train``.
            name: The NAME of the default run directory.
            evaluate: The command that evaluates the run RUN, shown after an interruption.
            unit: Unit of the speed in the log: tokens, texts, images.

        Returns:
            The run directory, the trained model, and what prints messages.

        Raises:
            TrainingInterrupted: A signal was received; the message says how to continue.
        """
        out = self.out or f"runs/{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        log = LogLines(self.quiet, unit)
        # a resumed run has its own corpus
        echoed = self.given if self.resume else {"corpus": self.settings.to_dict()["corpus"], **self.given}
        if echoed:
            log.on_message(to_toml(echoed, type(self.settings)))
        try:
            callbacks = [log, TensorBoard(out)] if self.tensorboard else [log]
            trained = train(self.settings, out, resume=self.resume, changes=self.given, callbacks=callbacks)
        except TrainingInterrupted as stop:
            raise TrainingInterrupted(
                f"{stop.what}\n  continue: seqkit {self.command} --out {out} --resume\n"
                f"  evaluate: seqkit {evaluate.replace('RUN', out)}  (after the first epoch)",
                signum=stop.signum,
            ) from None
        return out, trained, log

    def print_dry_run(
        self, open_corpus: Callable[[S], C], make_task: Callable[[S, C, Callback], Task]
    ) -> None:
        """Print the resolved settings, as TOML or JSON, and the sizes of the data and the model."""
        if self.out is not None:
            RunDirectory.require_free(self.out)
        task = make_task(self.settings, open_corpus(self.settings), Callback() if self.quiet else _Warnings())
        settings, ignored = task.settings, task.settings.ignored()
        if not self.settings.from_run:
            ignored |= self.settings.ignored()
        values = {name: value for name, value in settings.to_dict().items() if name not in ignored}
        if self.as_json:
            size = {"parameters": task.model.parameter_count()} if hasattr(task, "model") else {}
            print_json({"settings": values, "data": task.summary, **size})
            return
        echo(to_toml(values, type(settings)))
        echo(f"# {task.summary}")
        if hasattr(task, "model"):
            echo(f"# parameters: {task.model.parameter_count():,}")


class _Warnings(Callback):
    """Print the warnings among the messages."""

    def on_message(self, text: str) -> None:
        if text.startswith("warning:"):
            warn(text)


def epoch_scores(run: RunDirectory) -> list[dict[str, Any]]:
    """Return step, epoch and scores of each validation of a run, from its log."""
    names, endings = ("step", "epoch", "best"), ("_loss", "accuracy", "f1", "exact_match", "bleu")
    return [
        {name: value for name, value in record.items() if name in names or name.endswith(endings)}
        for record in run.log.records()
        if "train_loss" in record
    ]


def training_command(
    name: str,
    settings: type[S],
    help_texts: Mapping[str, str],
    choices: Mapping[str, tuple[str, ...]],
    *example_lines: str,
) -> Callable[[Callable[[Request[S]], None]], click.Command]:
    """Decorate a function of a :class:`Request` as a training command.

    The function's docstring, followed by :data:`CORPUS_HELP`, is the command's help text. Each field of
    ``settings`` becomes a flag with the field's default; ``corpus`` is the argument CORPUS.

    Args:
        name: The name of the command.
        settings: The task's settings.
        help_texts: Help of the task's own flags, by field.
        choices: Allowed values, by field.
        *example_lines: Commands to copy, for the end of the help text.
    """

    def decorate(function: Callable[[Request[S]], None]) -> click.Command:
        def call(
            out: str | None,
            resume: bool,
            config: str | None,
            recipe: str | None,
            dry_run: bool,
            tensorboard: bool,
            quiet: bool,
            as_json: bool,
            named_corpus: str | None,
            **flags: Any,
        ) -> None:
            if recipe == "help":
                echo("\n".join(recipe_names(name)))
                return
            given = given_settings(name, settings, recipe, config, named_corpus, flags)
            resumed = resume and out is not None and RunDirectory.exists(out)
            # a run's own settings hold, with those given; they are checked when they are read
            values = settings() if resumed else settings.from_values(given, source=config or "the settings")
            if dry_run:
                refuse_unused("resume tensorboard", "trainings, and --dry-run trains nothing")
            if out is None and resume:
                raise UsageError("expected a run to resume, got none", remedy="add --out RUN")
            if not resumed:
                values.require_effect(given)
            function(Request(name, values, given, out, resume, dry_run, tensorboard, quiet, as_json))

        call.__doc__ = f"{inspect.getdoc(function)}\n\n{corpus_help(settings)}\n\n{_USE_HELP}"
        for option in _options(settings, help_texts, choices):
            call = option(call)
        command = click.command(name, cls=TrainingCommand, epilog=examples(*example_lines))
        made = command(click.argument("corpus", required=False, type=CORPUS)(call))
        made.settings = settings
        return made

    return decorate


def given_settings(
    command: str,
    settings: type[Settings],
    recipe: str | None,
    config: str | None,
    named_corpus: str | None,
    flags: dict[str, Any],
) -> dict[str, Any]:
    """Return the settings of a command line by field: of the flags, then of --config, then of --recipe.

    Args:
        command: The name of the training command.
        settings: The task's settings.
        recipe: The value of --recipe.
        config: The value of --config.
        named_corpus: The value of --corpus.
        flags: The values of the other flags, and CORPUS as "corpus"; None where they were not given.

    Raises:
        UsageError: CORPUS was given twice, or the recipe is for another command.
        DataError: The file --config cannot be read.
    """
    given: dict[str, Any] = read_recipe(recipe, command) if recipe else {}
    if config:
        given |= read_settings(config)
    given = _with_seconds(settings.by_field(given), config)
    if named_corpus is not None:
        if flags["corpus"] is not None:
            raise UsageError("expected CORPUS or --corpus, got both", remedy="give one of them")
        flags = {**flags, "corpus": named_corpus}
    return given | {key: value for key, value in flags.items() if value is not None}


def corpus_help(settings: type[Settings]) -> str:
    """Return the help of CORPUS with its default."""
    default = settings.from_values({}).to_dict()["corpus"]
    return f"{CORPUS_HELP}\nCORPUS defaults to {default}."


def _with_seconds(values: dict[str, Any], source: str | None) -> dict[str, Any]:
    """Return settings of a file with the seconds of a ``max_time`` that is text, such as 10m."""
    limit = values.get("max_time")
    if not isinstance(limit, str):
        return values
    try:
        return {**values, "max_time": seconds(limit)}
    except ValueError as error:
        raise UsageError(f"max-time: {error}", where=source) from error


def _options(
    settings: type[Settings],
    help_texts: Mapping[str, str],
    choices: Mapping[str, tuple[str, ...]],
) -> list[Decorator]:
    """Return all options, those that --help lists last first."""
    options: list[Decorator] = [
        click.option("--out", type=RUN, default=None, help="Run directory.  [default: runs/NAME-TIME]"),
        click.option("--resume", is_flag=True, help="Continue the run at --out."),
        click.option(
            "--corpus",
            "named_corpus",
            type=CORPUS,
            default=None,
            help="The same as CORPUS; with --resume the new place of a corpus that moved.",
        ),
        click.option(
            "--config",
            type=click.Path(dir_okay=False),
            default=None,
            help="Read settings from this TOML file.",
        ),
        click.option(
            "--recipe",
            type=RecipeName(),
            default=None,
            metavar="NAME",
            help="Use settings that do well, or gave a published result; `--recipe help` lists them.",
        ),
    ]
    if issubclass(settings, TrainingSettings):
        help_texts, choices = {**TRAINING_HELP, **help_texts}, {"optimizer": tuple(OPTIMIZERS), **choices}
    help_texts = {**TABLE_HELP, **help_texts}
    fields = dataclasses.fields(settings)
    for field in sorted(fields, key=lambda field: field.name in TRAINING_HELP):  # the task's own flags first
        if field.name in ("corpus", "device"):
            continue
        flags = [f"--{flag}" for flag in settings.flags(field.name)]
        text, types = help_texts[field.name], str(field.type)
        if field.default is not None:
            shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
            text += f"  [default: {shown}]"
        if "bool" in types:
            options.append(click.option(f"{flags[0]}/--no-{flags[0][2:]}", default=None, help=text))
        else:
            number = int if "int" in types else float if "float" in types else str
            value_type: Any = click.Choice(choices[field.name]) if field.name in choices else number
            value_type = {"max_time": DURATION, "init": RUN}.get(field.name, value_type)
            if {"int", "str"} <= set(types.split(" | ")):
                value_type = COLUMN
            options.append(click.option(*flags, field.name, type=value_type, default=None, help=text))
    options += [
        click.option(
            "--device",
            default=None,
            metavar="NAME",
            callback=check_device,
            help="Device: auto, cpu, cuda or cuda:N.  [default: cpu]",
        ),
        threads_option,
        click.option(
            "--dry-run", is_flag=True, help="Print the settings and the model's size without training."
        ),
        click.option(
            "--tensorboard", is_flag=True, help="Also write the log for TensorBoard, to RUN/tensorboard."
        ),
        quiet_option,
        json_option,
    ]
    return options[::-1]
