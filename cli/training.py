"""The training commands' common part: flags made from settings, settings files, recipes, resuming."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import click

from seqkit.cli.common import echo, json_option, quiet_option, threads_option
from seqkit.cli.progress import ProgressBar
from seqkit.cli.settings_file import read_recipe, read_settings, recipe_names, to_toml
from seqkit.errors import TrainingInterrupted, UsageError
from seqkit.optim import OPTIMIZERS
from seqkit.training import Callback, RunDirectory, Settings, Task, TrainingSettings

TRAINING_HELP = {
    "epochs": "Passes over the training examples.",
    "max_steps": "Stop after this many optimiser steps.",
    "max_time": "Stop after this many seconds of training.",
    "patience": "Stop after this many epochs without a better validation.",
    "optimizer": "Optimiser.",
    "lr": "Learning rate.  [default: the optimiser's usual one]",
    "schedule": "How the rate moves: constant, step, linear, cosine, inverse-sqrt, plateau, zaremba.  "
    "[default: the optimiser's usual one]",
    "warmup": "Steps of rising learning rate.",
    "lr_floor": "The share of the rate at which linear and cosine end.",
    "momentum": "Momentum of the optimisers momentum and nesterov.",
    "beta2": "How slowly adam and adamw forget squared gradients.",
    "weight_decay": "Weight decay.",
    "clip": "Largest global norm of the gradient.",
    "accumulate": "Batches whose gradients make one step.",
    "seed": "Seed of everything random.",
    "log_interval": "Steps between lines of the log.",
    "checkpoint_interval": "Seconds between checkpoints.",
}
"""Help of the flags that all tasks with an optimiser share."""

S = TypeVar("S", bound=Settings)

Train = Callable[..., Any]
"""A task's train(settings, out, *, resume, changes, callbacks)."""


@dataclasses.dataclass(frozen=True)
class Request(Generic[S]):
    """The command line: settings, those that were given, and the run directory."""

    command: str
    settings: S
    given: dict[str, Any]
    out: str | None
    resume: bool
    dry_run: bool
    quiet: bool
    as_json: bool

    def train(
        self, train: Train, *, name: str, evaluate: str, unit: str = "tokens"
    ) -> tuple[str, Any, ProgressBar]:
        """Train into --out, by default runs/NAME-TIME.

        Args:
            train: the task's ``train``.
            name: beginning of the default run directory.
            evaluate: the command line that evaluates the run, with RUN in it, for an interruption's message.
            unit: items that a batch consists of: tokens, images.

        Returns:
            The run directory, the trained object and the progress bar.

        """
        out = self.out or f"runs/{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        progress = ProgressBar(self.quiet, unit)
        echoed = self.given if self.resume else {"corpus": self.settings.to_dict()["corpus"], **self.given}
        if echoed:
            progress.on_message(to_toml(echoed, type(self.settings)))
        try:
            trained = train(self.settings, out, resume=self.resume, changes=self.given, callbacks=progress)
        except TrainingInterrupted as stop:
            raise TrainingInterrupted(
                f"{stop.what}\n  continue: seqkit {self.command} --out {out} --resume\n"
                f"  evaluate: seqkit {evaluate.replace('RUN', out)}  (once an epoch was finished)",
                signum=stop.signum,
            ) from None
        return out, trained, progress

    def print_dry_run(
        self, open_corpus: Callable[[S], Any], make_task: Callable[[S, Any, Callback], Task]
    ) -> None:
        """Print the resolved settings as TOML, the size of the data and of the model."""
        task = make_task(self.settings, open_corpus(self.settings), Callback())
        settings, ignored = task.settings, self.settings.ignored()
        values = {name: value for name, value in settings.to_dict().items() if name not in ignored}
        echo(to_toml(values, type(settings)))
        echo(f"# {task.summary}")
        if hasattr(task, "model"):
            echo(f"# parameters: {task.model.parameter_count():,}")


def epoch_scores(run: RunDirectory) -> list[dict[str, Any]]:
    """Return step, epoch and scores of each validation of a run, from its log."""
    records = [json.loads(line) for line in run.log.path.read_text("utf-8").splitlines()]
    names, endings = ("step", "epoch", "best"), ("_loss", "accuracy", "f1", "exact_match")
    return [
        {name: value for name, value in record.items() if name in names or name.endswith(endings)}
        for record in records
        if "train_loss" in record
    ]


def training_command(
    name: str,
    settings: type[S],
    help_texts: Mapping[str, str],
    choices: Mapping[str, tuple[str, ...]],
    *,
    argument: str = "corpus",
) -> Callable[[Callable[[Request[S]], Any]], click.Command]:
    """Decorator of a command that trains: it gets a :class:`Request` and its docstring is the help.

    Every field of ``settings`` becomes a flag, but the ``argument`` and the device; its default stands there
    and nowhere else. ``help_texts`` has a text for each that is the task's own, ``choices`` the
    values of some.
    """

    def decorate(function: Callable[[Request[S]], Any]) -> click.Command:
        def call(
            out: str | None,
            resume: bool,
            config: str | None,
            recipe: str | None,
            dry_run: bool,
            quiet: bool,
            as_json: bool,
            **flags: Any,
        ) -> None:
            if recipe == "help":
                echo("\n".join(recipe_names(name)))
                return
            given: dict[str, Any] = read_recipe(recipe, name) if recipe else {}
            if config:
                given |= read_settings(config)
            given = settings.by_field(given)
            given |= {key: value for key, value in flags.items() if value is not None}
            resumed = resume and out is not None and RunDirectory.exists(out)
            # a run's own settings hold, with what is given; they are checked when they are read
            made = settings() if resumed else settings.from_values(given, source=config or "the settings")
            if out is None and resume and not dry_run:
                raise UsageError("--resume needs to know which run", remedy="add --out RUN")
            if not resumed:
                made.require_effect(given)
            function(Request(name, made, given, out, resume, dry_run, quiet, as_json))

        call.__doc__ = function.__doc__
        for option in _options(settings, help_texts, choices, argument):
            call = option(call)
        return click.command(name)(click.argument(argument, required=False)(call))

    return decorate


def _options(
    settings: type[Settings],
    help_texts: Mapping[str, str],
    choices: Mapping[str, tuple[str, ...]],
    argument: str,
) -> list[Any]:
    """All options, the last of --help first."""
    options: list[Any] = [
        click.option(
            "--out", type=click.Path(), default=None, help="Run directory.  [default: runs/NAME-TIME]"
        ),
        click.option("--resume", is_flag=True, help="Go on with the run at --out."),
        click.option(
            "--config", type=click.Path(dir_okay=False), default=None, help="Settings in a TOML file."
        ),
        click.option(
            "--recipe",
            default=None,
            metavar="NAME",
            help="Settings of a published result; --recipe help lists.",
        ),
    ]
    if issubclass(settings, TrainingSettings):
        help_texts, choices = {**TRAINING_HELP, **help_texts}, {"optimizer": tuple(OPTIMIZERS), **choices}
    fields = dataclasses.fields(settings)
    for field in sorted(fields, key=lambda field: field.name in TRAINING_HELP):  # the task's own flags first
        if field.name in (argument, "device"):
            continue
        flags = [f"--{flag}" for flag in settings.flags(field.name)]
        text, kinds = help_texts[field.name], str(field.type)
        if field.default is not None:
            shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
            text += f"  [default: {shown}]"
        if "bool" in kinds:
            options.append(click.option(f"{flags[0]}/--no-{flags[0][2:]}", default=None, help=text))
        else:
            kind: Any = int if "int" in kinds else float if "float" in kinds else str
            kind = click.Choice(choices[field.name]) if field.name in choices else kind
            options.append(click.option(*flags, field.name, type=kind, default=None, help=text))
    options += [
        click.option(
            "--device", default=None, metavar="NAME", help="auto, cpu, cuda or cuda:N  [default: cpu]"
        ),
        threads_option,
        click.option(
            "--dry-run", is_flag=True, help="Print the settings as TOML and what they make; train nothing."
        ),
        quiet_option,
        json_option,
    ]
    return options[::-1]
