"""seqkit search train-lm|train-seq2seq|…|show: searches for good settings of a training command."""

from __future__ import annotations

import copy
import importlib
import math
import shlex
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from seqkit.cli.common import echo, json_option, print_json, threads_before_numpy
from seqkit.cli.help_sections import TrainingCommand, examples
from seqkit.cli.progress import quiet_option

if TYPE_CHECKING:
    from seqkit.search import SearchResult, Trial
    from seqkit.training import Settings

SEARCHED = {
    "train-lm": ("language_modeling", "masked_language_modeling"),
    "train-seq2seq": ("seq2seq",),
    "train-classifier": ("text_classification",),
    "train-tagger": ("sequence_labeling",),
    "train-images": ("image_classification",),
}
"""The training commands that can be searched, each with its tasks."""
WITHOUT_SCORE = "word vectors have no validation score to search by; score them with `seqkit eval-embeddings`"
_LEFT_OUT = ("resume", "dry_run", "tensorboard", "out")

storage_option = click.option(
    "--storage",
    metavar="URL",
    default=None,
    help="Database that the workers share, such as postgresql://HOST/DATABASE.  [default: SQLite in --out, "
    "for the workers of one host]",
)


class SearchGroup(click.Group):
    """A group with a search for each training command, made of that command's arguments and flags."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands that can be searched, and show."""
        return [*SEARCHED, *sorted(self.commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; a training command is imported only here."""
        if cmd_name == "train-embeddings":
            ctx.fail(f"No search of {cmd_name!r}: {WITHOUT_SCORE}.")
        if cmd_name in SEARCHED:
            return _search_command(cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands for --help without importing them."""
        from seqkit.cli import COMMANDS

        rows = [(name, COMMANDS[name].replace("Train", "Search for settings of")) for name in SEARCHED]
        with formatter.section("Commands"):
            formatter.write_dl([*rows, ("show", "Show the trials of a search.")])


@click.group(
    "search",
    cls=SearchGroup,
    epilog=examples(
        "seqkit search train-lm my-text.txt --space space.toml --trials 30 --out runs/search",
        "seqkit search show runs/search            the trials so far",
        "seqkit plot search runs/search            pictures of them",
    ),
)
def command() -> None:
    r"""Search for good settings of a training command (needs the extra "search").

    The arguments and flags are those of the command; a space file says which further settings to vary:

    \b
      lr      = { log = [0.0003, 0.03] }
      dropout = { uniform = [0, 0.6] }
      emsize  = { integer = [64, 256], step = 64 }
      model   = { categorical = ["lstm", "gru"] }
    """


def _search_command(name: str) -> TrainingCommand:
    """Return the command that searches for the settings of a training command."""
    threads_before_numpy(sys.argv)
    from seqkit.cli.training import corpus_help
    from seqkit.search import PRUNERS

    trained: TrainingCommand = importlib.import_module(f"seqkit.cli.{name.replace('-', '_')}").command
    kept = [copy.copy(each) for each in trained.params if each.name not in _LEFT_OUT]
    for parameter in kept:
        if parameter.name == "seed" and isinstance(parameter, click.Option):
            parameter.help = "Random seed of the search and of each training.  [default: 0]"

    def call(
        space: str,
        trials: int,
        storage: str | None,
        pruner: str,
        out: str | None,
        recipe: str | None,
        config: str | None,
        named_corpus: str | None,
        quiet: bool,
        as_json: bool,
        **flags: Any,
    ) -> None:
        from seqkit.cli.log_lines import TrialLines
        from seqkit.cli.settings_file import recipe_names
        from seqkit.cli.training import given_settings
        from seqkit.errors import TrainingInterrupted
        from seqkit.search import Space, search

        if recipe == "help":
            echo("\n".join(recipe_names(name)))
            return
        given = given_settings(name, trained.settings, recipe, config, named_corpus, flags)
        settings = _settings(name, trained.settings, given, config)
        out = out or f"runs/search-{name.removeprefix('train-')}-{time.strftime('%Y%m%d-%H%M%S')}"
        log = TrialLines(quiet)
        try:
            found = search(
                settings,
                Space.read(space, settings),
                out,
                trials=trials,
                storage=storage,
                pruner=pruner,
                callbacks=log,
            )
        except TrainingInterrupted as stop:
            raise TrainingInterrupted(
                f"{stop.what}\n  continue: the same command with --out {shlex.quote(out)}\n"
                f"  trials: seqkit search show {shlex.quote(out)}",
                signum=stop.signum,
            ) from None
        print_result(found, as_json)

    options = [
        click.Option(
            ["--space"],
            required=True,
            type=click.Path(dir_okay=False),
            help="TOML file with a table for each setting to vary.",
        ),
        click.Option(
            ["--trials"],
            type=click.IntRange(1),
            default=20,
            show_default=True,
            help="End when so many trials of the search have ended, over all its workers.",
        ),
        click.Option(
            ["--pruner"],
            type=click.Choice(PRUNERS),
            default="median",
            show_default=True,
            help="Rule that ends trials early by their validation score after an epoch.",
        ),
        click.Option(
            ["--out"],
            default=None,
            type=click.Path(file_okay=False),
            help="Folder of the search; the same command goes on with it.  [default: runs/search-NAME-TIME]",
        ),
    ]
    [storage_parameter] = storage_option(lambda: None).__click_params__  # type: ignore[attr-defined]
    made = TrainingCommand(
        name,
        callback=quiet_option(call),
        params=[*options, storage_parameter, *kept],
        help=f"Search for good settings of {name} on CORPUS.\n\n{_USE}\n\n{corpus_help(trained.settings)}",
        short_help=f"Search for settings of {name}.",
        epilog=examples(
            f"seqkit search {name} CORPUS --space space.toml --trials 30 --out runs/search",
            "seqkit search show runs/search",
        ),
    )
    made.settings = trained.settings
    return made


_USE = """Each trial is a run directory in --out. Start the same command several times for several workers at
once, on many hosts with a shared folder and --storage. Ctrl-C saves the trial; the same command goes on.
"""


def _settings(name: str, settings: type[Settings], given: dict[str, Any], config: str | None) -> Settings:
    """Return the settings of the search; those of a masked model for train-lm --objective masked."""
    from seqkit.search import TASKS

    values = settings.from_values(given, source=config or "the settings")
    if name == "train-lm":
        from seqkit.cli.train_lm import is_masked
        from seqkit.cli.training import Request

        if is_masked(Request(name, values, given, None, False, False, False, False, False)):  # type: ignore[arg-type]
            masked = TASKS["masked_language_modeling"].settings
            values = masked.from_values(given, source="the settings of --objective masked")
    values.require_effect(given)
    return values


@command.command("show")
@click.argument("folder", type=click.Path(file_okay=False))
@storage_option
@click.option("--tsv", is_flag=True, help="Print the table with tabs between its columns.")
@json_option
def show(folder: str, storage: str | None, tsv: bool, as_json: bool) -> None:
    """Show the trials of the search in FOLDER, the best first, also while it runs."""
    from seqkit.cli.common import refuse_unused
    from seqkit.search import open_search

    if as_json:
        refuse_unused("tsv", "tables, without --json")
    found = open_search(folder, storage=storage)
    if tsv:
        for row in table_of(found, short=False):
            echo("\t".join(row))
        return
    print_result(found, as_json)


def print_result(found: SearchResult, as_json: bool) -> None:
    """Print the trials, what the settings are worth, and the command of the best trial."""
    best = found.best
    if as_json:
        trials = [
            {**vars(each), "path": str(each.path), "scores": {str(k): v for k, v in each.scores.items()}}
            for each in found.trials
        ]
        print_json(
            {
                "search": str(found.path),
                "score": f"valid_{found.score_name}",
                "direction": found.definition.searched.direction,
                "best": None if best is None else best.number,
                "command": None if best is None else command_of(found, best),
                "importance": found.importance,
                "trials": trials,
            }
        )
        return
    rows = table_of(found)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, range(len(row)), strict=True)
        line = "  ".join(
            text.ljust(width) if place == 1 else text.rjust(width) for text, width, place in cells
        )
        echo(line.rstrip())
    reasons = [f"trial {each.number}: {each.reason}" for each in found.trials if each.reason]
    if reasons:
        echo("\n" + "\n".join(reasons))
    if found.importance:
        parts = (f"{name} {value:.0%}" for name, value in found.importance.items())
        echo(f"\nimportance of the settings (PED-ANOVA): {', '.join(parts)}")
    if best is None:
        echo(f"\n{found.path}: no trial is complete yet")
        return
    direction = "highest" if found.maximize else "lowest"
    name = f"valid {found.score_name}"
    echo(f"\n{found.path}: {direction} {name} {best.score:.4f}, trial {best.number}, run {best.path}")
    echo(f"train it again:\n  {command_of(found, best)}")


def table_of(found: SearchResult, *, short: bool = True) -> list[list[str]]:
    """Return the header and a row for each trial; ``short``: numbers of four digits."""
    flags = list(found.definition.space)
    varied = [flag for flag in flags if "fixed" not in found.definition.space[flag]]
    perplexity = found.definition.task in ("language_modeling", "seq2seq") and found.score_name == "loss"
    header = ["trial", "state", f"valid_{found.score_name}", *(["valid_ppl"] if perplexity else [])]
    rows = [[*header, "epochs", "minutes", *varied]]
    for each in found.trials:
        score = "" if each.score is None else f"{each.score:.4f}" if short else repr(each.score)
        row = [str(each.number), each.state, score]
        if perplexity:
            row.append("" if each.score is None else f"{math.exp(min(each.score, 700)):.2f}")
        row += [str(len(each.scores)), "" if each.seconds is None else f"{each.seconds / 60:.1f}"]
        values = (each.params.get(flag, "") for flag in varied)
        row += [f"{value:.4g}" if short and isinstance(value, float) else str(value) for value in values]
        rows.append(row)
    return rows


def command_of(found: SearchResult, trial: Trial) -> str:
    """Return the command line that trains a trial again, to a new run."""
    task = found.definition.searched
    name = next(each for each, tasks in SEARCHED.items() if task.name in tasks)
    values = task.settings.by_field({**found.definition.settings, **trial.params})
    words = [name, *([str(values.pop("corpus"))] if "corpus" in values else [])]
    for field, value in values.items():
        flag = task.settings.flags(field)[0]
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None:
            words += [f"--{flag}", str(value)]
    return "seqkit " + shlex.join(words)
