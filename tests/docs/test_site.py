"""The site of the documentation: its navigation and reference are complete, and it fetches nothing."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

import seqkit
from seqkit.cli import COMMANDS, group
from tests.docs.pages import PAGES, ROOT
from tests.exhaustive import exhaustive
from tests.training.tiny import environment


def part_of_the_site(name: str) -> ModuleType:
    """Import a module of docs/site, which is no package."""
    spec = importlib.util.spec_from_file_location(f"site_{name}", ROOT / "docs" / "site" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_in_the_navigation() -> None:
    listed = (ROOT / "mkdocs.yml").read_text("utf-8")
    pages = [name.removeprefix("docs/") for name in PAGES if name.startswith("docs/")]
    assert len(pages) > 20
    assert [page for page in pages if f"- {page}\n" not in listed and f": {page}\n" not in listed] == []


def all_commands() -> Iterator[tuple[str, click.Command]]:
    """Yield each command and each of its subcommands with the command's name."""
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((name, child) for child in command.commands.values())


def test_the_reference_of_commands_has_every_flag() -> None:
    pages = part_of_the_site("commands").pages()
    missing = [
        (name, flag)
        for name, command in all_commands()
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for flag in (*parameter.opts, *parameter.secondary_opts)
        if f"`{flag}" not in pages[name] and f" {flag}" not in pages[name]
    ]
    assert missing == []
    assert "--emsize" in pages["train-lm"]


def test_the_reference_of_the_api_has_every_public_name() -> None:
    api = part_of_the_site("api")
    pages, homes = api.pages(), api.identifiers()
    for package in (
        "nn",
        "ops",
        "optim",
        "vectors",
        "models",
        "training",
        "plotting",
        "tasks.language_modeling",
    ):
        module = importlib.import_module(f"seqkit.{package}")
        for name in module.__all__:
            assert f"`{name}`" in pages[f"seqkit.{package}"]
    assert {homes[f"seqkit.{name}"] for name in seqkit.__all__ if name[0] != "_"} <= set(homes.values())
    assert homes["seqkit.Word2Vec"] == "seqkit.vectors.Word2Vec"  # one home for one object
    assert sum(page.count("::: seqkit.vectors.Word2Vec\n") for page in pages.values()) == 1
    assert api.markdown("see :func:`seqkit.ops.gru`") == "see [`seqkit.ops.gru`][seqkit.ops.gru]"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('<script src="https://elsewhere/x.js"></script>', ["a.html: https://elsewhere/x.js"]),
        ('<link rel="stylesheet" href="//elsewhere/x.css">', ["a.html: //elsewhere/x.css"]),
        ('<a href="https://elsewhere/">a link</a> <img src="figures/x.png">', []),
    ],
)
def test_requests_to_other_hosts_are_found(code: str, found: list[str], tmp_path: Path) -> None:
    offline = part_of_the_site("offline")
    (tmp_path / "a.html").write_text(code, "utf-8")
    (tmp_path / "a.css").write_text("p { background: url(x.png) }", "utf-8")
    assert offline.requests_of(tmp_path) == found
    (tmp_path / "a.css").write_text('@import "https://elsewhere/fonts";', "utf-8")
    assert len(offline.requests_of(tmp_path)) == len(found) + 1


def test_the_glossary_is_a_table_in_alphabetical_order() -> None:
    rows = [line for line in PAGES["docs/glossary.md"].read_text("utf-8").splitlines() if line[:2] == "| "][
        1:
    ]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert len(cells) >= 80
    assert all(len(row) == 4 and all(row) for row in cells)
    terms = [re.sub("[^a-z ]", "", row[0].lower()) for row in cells]
    assert terms == sorted(terms)


@exhaustive
def test_the_site_builds(tmp_path: Path) -> None:
    """Strictly: a dead link, a broken anchor or a request to another host is an error."""
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    settings = environment(NO_MKDOCS_2_WARNING="1")
    done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert os.path.exists(tmp_path / "site" / "reference" / "python" / "seqkit.nn.html")
