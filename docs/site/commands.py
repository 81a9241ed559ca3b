"""The reference of all commands with all flags, generated from click."""

import functools
import inspect
from collections.abc import Iterator

import click

from seqkit.cli import GROUPS, group
from seqkit.cli.help_sections import SECTIONS, TrainingCommand, section_of


@functools.cache
def names() -> tuple[str, ...]:
    """The commands in alphabetical order."""
    return tuple(sorted(group.list_commands(click.Context(group))))


def pages() -> dict[str, str]:
    """Return the Markdown of a page for each command, and of the index."""
    context = click.Context(group, info_name="seqkit")
    made = {}
    for name in names():
        command = group.get_command(context, name)
        assert command is not None
        made[name] = "\n".join(_page(command, context, name))
    index = "# Commands\n\nAll commands with all flags, as `seqkit COMMAND --help` shows them. "
    index += "What each is for: [Commands](../../commands.md).\n"
    for title, members in GROUPS.items():
        rows = [f"| [`{name}`]({name}.md) | {_cell(text)} |" for name, text in members.items()]
        index += f"\n## {title}\n\n| command | purpose |\n|---|---|\n" + "\n".join(rows) + "\n"
    return {"index": index} | made


def _page(command: click.Command, parent: click.Context, name: str, level: int = 1) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield f"{'#' * level} {context.command_path.removeprefix('seqkit ')}\n"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{context.command_path} {usage}\n```\n"
    yield _prose(command.help or "")
    if command.epilog:
        lines = inspect.cleandoc(command.epilog.removeprefix("\b\nExamples:\n"))
        yield f"**Examples**\n\n```sh\n{lines}\n```\n"
    yield from _options(command, context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from _page(found, context, child, level + 1)


def _prose(text: str) -> str:
    r"""Paragraphs of a help text; those behind \b, whose lines are kept, are blocks."""
    parts = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b\n"):
            parts.append(f"```text\n{inspect.cleandoc(paragraph[2:])}\n```\n")
        else:
            parts.append(_escaped(" ".join(paragraph.split())) + "\n")
    return "\n".join(parts)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    """A table for each group of flags, the groups in the order of --help."""
    sections = isinstance(command, TrainingCommand)
    groups: dict[str, list[str]] = {section: [] for section in SECTIONS} if sections else {"Flags": []}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        flags, text = record
        if isinstance(parameter, click.Argument) and not text:  # the usage has it
            continue
        is_help = "--help" in parameter.opts
        title = section_of("help" if is_help else parameter.name or "") if sections else "Flags"
        groups[title].append(f"| `{flags.replace('|', chr(92) + '|')}` | {_cell(text)} |")
    for title, rows in groups.items():
        if rows:
            yield f"**{title}**\n\n| flag | |\n|---|---|\n" + "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return _escaped(" ".join(text.split())).replace("|", "\\|")


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_").replace("[", "\\[")
