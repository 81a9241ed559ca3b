"""Help texts: sections of commands and options, examples that hold, narrow terminals."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from seqkit.cli import COMMANDS, GROUPS, group
from seqkit.cli.doctor import EXTRAS
from seqkit.cli.help_sections import SECTIONS, TrainingCommand
from seqkit.cli.settings_file import recipe_names
from seqkit.corpora import REGISTRY
from tests.cli.conftest import Seqkit
from tests.training.tiny import ROOT

TRAINING = [name for name in GROUPS["Train"] if name.startswith("train-")]


def command_of(name: str) -> click.Command:
    found = group.get_command(click.Context(group), name)
    assert found is not None
    return found


def test_every_command_is_in_one_section(seqkit: Seqkit) -> None:
    shown = seqkit("--help").out
    assert sorted(COMMANDS) == sorted(name for names in GROUPS.values() for name in names)
    for title, commands in GROUPS.items():
        section = shown.partition(f"\n{title}:\n")[2].partition("\n\n")[0]
        assert re.findall(r"^  ([\w-]+) ", section, re.MULTILINE) == list(commands)


@pytest.mark.parametrize("name", TRAINING)
def test_every_option_is_in_one_section(seqkit: Seqkit, name: str) -> None:
    command = command_of(name)
    assert isinstance(command, TrainingCommand)
    shown = seqkit(name, "--help").out
    titles = re.findall(r"^(\w[\w ]*):$", shown, re.MULTILINE)
    assert titles == [title for title in SECTIONS if title in titles]
    assert titles[0] == "Run"
    for option in command.params:
        if isinstance(option, click.Option):
            flag = max(option.opts, key=len)
            assert len(re.findall(rf"^  (?:-\w, )?(?:--[\w-]+, )?{flag}\b(?!-)", shown, re.MULTILINE)) == 1


def test_the_sections_name_only_parameters() -> None:
    """A parameter that was renamed would move to the section of the model unseen."""
    search = command_of("search")
    assert isinstance(search, click.Group)
    searched = search.get_command(click.Context(search), "train-lm")
    assert searched is not None
    commands = [*map(command_of, TRAINING), searched]
    known = {parameter.name for command in commands for parameter in command.params}
    named = [name for names in SECTIONS.values() for name in names]
    assert len(set(named)) == len(named)
    assert set(named) - known == {"help"}


EXAMPLES = [
    line.strip().partition("   ")[0].partition("  #")[0]
    for command in (group, *map(command_of, TRAINING))
    for line in (command.epilog or "").splitlines()
    if line.startswith("  seqkit ")
]


def test_the_examples_are_found() -> None:
    assert len(EXAMPLES) > 20


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_hold(example: str) -> None:
    """Their commands, flags, corpora and recipes are there; what is the user's own is named so."""
    _, name, *arguments = shlex.split(example)
    if "--help" in arguments:
        return
    command = command_of(name)
    context = command.make_context(name, arguments, resilient_parsing=True)
    assert context.args == []
    flags = {flag for option in command.params for flag in option.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= flags
    corpus = context.params.get("corpus")
    if name in TRAINING and corpus is not None:
        assert corpus in REGISTRY or corpus.startswith(("my-", "europarl"))
    if (recipe := context.params.get("recipe")) is not None:
        assert recipe in recipe_names(name)


@pytest.mark.parametrize("name", ["", "train-lm"])
def test_narrow_terminals(seqkit: Seqkit, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    shown = seqkit(*name.split(), "--help").out
    text = re.split(r"^(?:Train|Run):$|Examples:", shown, flags=re.MULTILINE)[1]
    lines = [line for line in text.splitlines() if not line.startswith("  -")]  # flags may be longer
    assert max(map(len, lines)) <= 50


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("90", 90.0), ("0.5", 0.5), ("10m", 600.0), ("1h30m", 5400.0), ("1h 30m 5s", 5405.0), ("1.5H", 5400.0)],
)
def test_a_time_limit_in_seconds_minutes_or_hours(seqkit: Seqkit, value: str, seconds: float) -> None:
    done = seqkit("train-lm", "--max-time", value, "--dry-run", "--json", write_text())
    assert done.json["settings"]["max_time"] == seconds
    Path("settings.toml").write_text(f'max-time = "{value}"', "utf-8")
    done = seqkit("train-lm", "--config", "settings.toml", "--dry-run", "--json", write_text())
    assert done.json["settings"]["max_time"] == seconds


@pytest.mark.parametrize("value", ["", "soon", "10x", "m", "1m1h"])
def test_other_time_limits_are_refused(seqkit: Seqkit, value: str) -> None:
    done = seqkit("train-lm", "--max-time", value, "--dry-run")
    assert (done.code, done.out) == (2, "")
    assert f"expected seconds, or a time such as 90s, 10m or 1h30m, got {value!r}" in done.err
    assert seqkit("train-lm", "--max-time", "-5", "--dry-run").code == 2
    Path("settings.toml").write_text(f'max-time = "{value}"', "utf-8")
    done = seqkit("train-lm", "--config", "settings.toml", "--dry-run")
    assert (done.code, done.out) == (2, "")
    expected = f"max-time: expected seconds, or a time such as 90s, 10m or 1h30m, got {value!r}"
    assert expected in done.err
    assert "settings.toml" in done.err


def test_doctor_names_every_extra_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = {
        name: tuple(re.split(r"[\[<>=; ]", requirement)[0] for requirement in requirements)
        for name, requirements in project["optional-dependencies"].items()
    }
    extras["test"] = extras["test"][:3]
    assert {name: packages for name, (_, packages) in EXTRAS.items()} == extras
    assert all(purpose for purpose, _ in EXTRAS.values())


def test_doctor_says_which_extras_are_there(seqkit: Seqkit, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"jieba": "1.0", "matplotlib": "3.9"}
    monkeypatch.setattr("seqkit.cli.doctor._version", versions.get)
    shown = seqkit("doctor").out
    assert re.search(r"^  plot +installed +figures", shown, re.MULTILINE)
    assert re.search(r"^  arrow +missing +tables", shown, re.MULTILINE)
    assert re.search(r"^  cjk +partly +words of .*\(no sudachipy, ", shown, re.MULTILINE)
    extra = seqkit("doctor", "--json").json["extras"]["plot"]
    assert extra == {"purpose": EXTRAS["plot"][0], "packages": {"matplotlib": "3.9"}, "missing": False}


def write_text() -> Path:
    path = Path("text.txt")
    path.write_text("the cat sees the dog\nthe dog sees the cat\n" * 50)
    return path
