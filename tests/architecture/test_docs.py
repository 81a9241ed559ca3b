"""Files, links, names, commands and flags that the documentation mentions exist; tests/docs runs its code."""

import doctest
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest

import seqkit
from benchmarks.__main__ import BENCHMARKS
from seqkit.cli import COMMANDS, group
from seqkit.cli.settings_file import recipe_names
from tests.architecture.test_imports import SOURCES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
RECIPES = sorted((ROOT / "seqkit" / "recipes").glob("*.toml"))
FOLDERS = ("seqkit", "corpora", "cli", "tests", "benchmarks", "docs", ".ci")
LIBRARY = (
    "autograd",
    "backend",
    "data",
    "decoding",
    "models",
    "nn",
    "ops",
    "optim",
    "tasks",
    "text",
    "training",
)

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
CHECKED = (click.Choice, click.types.IntParamType, click.types.FloatParamType)
OTHER_FLAGS = {"--racecheck", "--tool"}  # of compute-sanitizer
OTHER_FLAGS |= {
    "--data",
    "--batch",
    "--save",
    "--cuda",
    "--checkpoint",
    "--words",
}  # of PyTorch's main.py
OTHER_FLAGS |= {"--discount"}  # of KenLM

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """The page without its blocks of code."""
    return FENCE.sub("", text_of(page))


def code_of(page: Path) -> Iterator[str]:
    """Inline code, each with a table's escapes undone and on one line."""
    for match in INLINE.finditer(prose_of(page)):
        yield " ".join(match.group(1).replace("\\|", "|").split())


def shell_of(page: Path) -> Iterator[str]:
    """Lines of shell in blocks and inline, without comments."""
    for language, block in FENCE.findall(text_of(page)):
        if language == "sh":
            for line in block.replace("\\\n", " ").splitlines():
                yield line.split("  #")[0].split(" # ")[0]
    yield from code_of(page)


# Files and links


def slug(heading: str) -> str:
    """The anchor that renderers give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def headings_of(page: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.*)", text_of(page), re.MULTILINE)}


@every_page
def test_links_resolve(page: Path) -> None:
    broken = []
    for target in LINK.findall(prose_of(page)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        if not file.exists() or (anchor and anchor not in headings_of(file)):
            broken.append(target)
    assert broken == []


def paths_in(code: str) -> Iterator[str]:
    """Words that name a file or folder of the tree, as glob patterns."""
    for word in re.findall(r"(?:[\w.{},*/-]|<[^>]*>)+", code):
        if "/" in word and word.split("/")[0] in [*FOLDERS, *LIBRARY]:
            word = re.sub(r"<[^>]*>", "*", word.rstrip(".,"))
            match = re.fullmatch(r"(.*)\{(.*)\}(.*)", word)
            if match:
                yield from (match[1] + middle + match[3] for middle in match[2].split(","))
            else:
                yield word


@pytest.mark.parametrize("page", [*PAGES, *RECIPES], ids=lambda page: page.name)
def test_paths_exist(page: Path) -> None:
    if page.suffix == ".toml":
        codes = [line for line in text_of(page).splitlines() if line.startswith("#")]
    else:
        codes = list(code_of(page))
    missing = [
        path
        for code in codes
        for path in paths_in(code)
        if not (any(ROOT.glob(path)) or any((ROOT / "seqkit").glob(path)))
    ]
    assert missing == []


@every_page
def test_dotted_names_resolve(page: Path) -> None:
    """`seqkit.a.b`, and `nn.X`, `ops.x` and so on, named in text."""
    missing = []
    for code in code_of(page):
        name = re.match(r"[A-Za-z_][\w.]*", code)
        parts = name.group().rstrip(".").split(".") if name else []
        if len(parts) < 2 or parts[-1] in ("py", "md", "toml"):
            continue
        if parts[0] != "seqkit":
            if parts[0] not in LIBRARY or "/" in code:
                continue
            parts = ["seqkit", *parts]
        if not resolves(parts):
            missing.append(code)
    assert missing == []


def resolves(parts: list[str]) -> bool:
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for part in parts[count:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


# Commands


def command_lines(page: Path) -> Iterator[list[str]]:
    """The words of every seqkit command of a page, without the first, `seqkit`."""
    for line in shell_of(page):
        for part in re.split(r"&&|;|\|(?=\s)|(?<=\s)\|", line):
            try:
                words = shlex.split(re.sub(r"\[([^\]]*)\]", r"\1", part))
            except ValueError:
                continue
            if words[:3] == ["python", "-m", "seqkit"]:
                words = words[2:]
            if words[:1] == ["seqkit"] and len(words) > 1:
                yield words[1:]
            elif words[:1] and words[0] in COMMANDS and len(words) > 1:
                yield words


def check_command(words: list[str]) -> str | None:
    """Return the error in a command line, or None."""
    if words[0].isupper() or words[0] == "…":
        return None
    command: click.Command | None = group
    context = click.Context(group, info_name="seqkit")
    words = [word for word in words if word != "…"]
    while isinstance(command, click.Group):
        if not words or words[0].startswith("-"):
            return None
        try:
            command = command.get_command(context, words[0])
        except click.UsageError as error:
            return error.format_message()
        if command is None:
            return f"no command {words[0]!r}"
        context, words = click.Context(command, info_name=words[0], parent=context), words[1:]
    assert command is not None
    try:
        values, rest, _ = command.make_parser(context).parse_args(list(words))
    except click.UsageError as error:
        return error.format_message()
    if rest:
        return f"too many arguments: {rest}"
    for parameter in command.params:
        value = values.get(parameter.name or "")
        if not isinstance(value, str) or value.isupper():  # a placeholder
            continue
        if parameter.name == "recipe" and value not in ("help", *recipe_names(command.name or "")):
            return f"no recipe {value!r} of {command.name}"
        if isinstance(parameter.type, CHECKED):
            for choice in value.split("|"):
                try:
                    parameter.type.convert(choice, parameter, context)
                except click.UsageError as error:
                    return error.format_message()
    return None


@every_page
def test_command_lines_parse(page: Path) -> None:
    wrong = {" ".join(words): text for words in command_lines(page) if (text := check_command(words))}
    assert wrong == {}


def test_a_page_has_commands() -> None:
    """So that the tests above cannot pass by finding nothing."""
    assert ["eval-lm", "runs/first"] in list(command_lines(ROOT / "README.md"))
    assert sum(1 for page in PAGES for _ in command_lines(page)) > 60


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("train-lm ptb --start normal", "No such option"),
        ("train-ml ptb", "No such command"),
        ("train-lm --recipe textbook-cbow", "no recipe"),
        ("train-lm ptb --epochs many", "valid integer"),
        ("corpora info ptb more", "too many arguments"),
        ("lab dance", "no command"),
    ],
)
def test_planted_mistakes_of_a_command_are_found(line: str, said: str) -> None:
    assert said in (check_command(line.split()) or "")


def all_flags() -> set[str]:
    """Flags of all commands and benchmarks."""
    flags = set()
    commands = [group, *(group.get_command(click.Context(group), name) for name in COMMANDS)]
    while commands:
        command = commands.pop()
        assert command is not None
        for parameter in command.params:
            flags |= {*parameter.opts, *parameter.secondary_opts}
        if isinstance(command, click.Group) and command is not group:
            context = click.Context(command)
            commands += [command.get_command(context, name) for name in command.list_commands(context)]
    for path in (ROOT / "benchmarks").glob("*.py"):
        flags |= set(re.findall(r'"(--[a-z-]+)"', text_of(path)))
    return flags | {"--help"} | OTHER_FLAGS


@pytest.mark.parametrize("page", [*PAGES, *RECIPES], ids=lambda page: page.name)
def test_flags_exist(page: Path) -> None:
    if page.suffix == ".toml":
        codes = [line for line in text_of(page).splitlines() if line.startswith("#")]
    else:
        codes = [*shell_of(page)]
    used = {flag for code in codes for flag in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", code)}
    assert used - all_flags() == set()


@every_page
def test_benchmarks_exist(page: Path) -> None:
    for code in shell_of(page):
        for module in re.findall(r"python -m benchmarks\.(\w+)", code):
            assert (ROOT / "benchmarks" / f"{module}.py").exists(), code
        for name in re.findall(r"python -m benchmarks (\w+)", code):
            assert name in BENCHMARKS, code


def test_every_command_and_every_environment_variable_is_documented() -> None:
    pages = "".join(map(text_of, PAGES))
    table = text_of(ROOT / "docs" / "commands.md")
    assert [name for name in COMMANDS if f"`{name}" not in table] == []
    sources = "".join(source.code for source in SOURCES)
    assert set(re.findall(r"SEQKIT_[A-Z]+", pages)) <= set(re.findall(r"SEQKIT_[A-Z]+", sources))


# Code


def blocks_of(page: Path) -> list[str]:
    return [block for language, block in FENCE.findall(text_of(page)) if language == "python"]


@every_page
def test_imports_of_code_resolve(page: Path) -> None:
    missing = []
    for block in blocks_of(page):
        compile(block, page.name, "exec")
        for home, names in re.findall(r"^from (seqkit[\w.]*) import (.+)$", block, re.MULTILINE):
            missing += [
                f"{home}.{name}"
                for name in (part.split(" as ")[0].strip() for part in names.split(","))
                if not resolves([*home.split("."), name])
            ]
    assert missing == []


NAMES = {name: getattr(seqkit, name) for name in ("nn", "ops", "optim", "Tensor", "Generator")}
NAMES |= {"np": np, "seqkit": seqkit}
MODULES = sorted(source.name.removesuffix(".__init__") for source in SOURCES if ">>> " in source.code)


def test_there_are_examples() -> None:
    assert {"seqkit", "seqkit.optim.registry"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = doctest.testmod(importlib.import_module(name), extraglobs=NAMES, optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0
