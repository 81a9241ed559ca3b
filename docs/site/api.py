"""The reference of the public API: every name of every public package, found by its ``__all__``."""

import functools
import importlib
import inspect
import pkgutil
import re
import sys
import types

import seqkit

PRIVATE = ("seqkit.explorer", "seqkit.files", "seqkit.cli", "seqkit.lab")
"""Packages for the library's own use."""
WITHOUT_ALL = ("seqkit.errors", "seqkit.metrics", "seqkit.tasks.attention_maps", "seqkit.tasks.export")
"""Public modules without ``__all__``: their names are those that do not begin with _."""

ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|obj):`(~?)([^`]+)`")


@functools.cache
def packages() -> dict[str, tuple[str, ...]]:
    """Return the public packages and modules, each with its public names."""
    found: dict[str, tuple[str, ...]] = {"seqkit": tuple(_names("seqkit"))}
    tops = {info.name for info in pkgutil.iter_modules(seqkit.__path__, "seqkit.") if info.ispkg}
    tasks = importlib.import_module("seqkit.tasks")
    tops |= {info.name for info in pkgutil.iter_modules(tasks.__path__, "seqkit.tasks.") if info.ispkg}
    for package in (tops | {*WITHOUT_ALL}) - {*PRIVATE}:
        found[package] = tuple(_names(package))
        for name in found[package]:
            value = _value(package, name)
            if isinstance(value, types.ModuleType):
                found[value.__name__] = tuple(_names(value.__name__))
    return {package: found[package] for package in sorted(found) if found[package]}


def _names(package: str) -> list[str]:
    module = importlib.import_module(package)
    names = getattr(module, "__all__", None)
    if names is None:
        values = vars(module).items()
        names = sorted(name for name, value in values if getattr(value, "__module__", "").startswith(package))
    return [name for name in names if not name.startswith("_")]


@functools.cache
def identifiers() -> dict[str, str]:
    """Return what may stand in backticks on a page → the full name where the reference has it.

    Full names (``seqkit.nn.LSTM``), those without ``seqkit.`` (``nn.LSTM``), and packages.
    """
    found: dict[str, str] = {}
    for package, names in packages().items():
        found[package] = _page_id(package)
        for name in names:
            home = _home(package, name)
            if home:
                found[f"{package}.{name}"] = home
    return found | {name.removeprefix("seqkit."): home for name, home in found.items() if name.count(".") > 1}


@functools.cache
def _homes() -> dict[int, str]:
    """Return the one full name of each object that several packages export: nearest to its definition."""
    homes: dict[int, str] = {}
    owners: dict[int, str] = {}
    for package, names in packages().items():
        for name in names:
            value = _value(package, name)
            defined = str(getattr(value, "__module__", ""))
            old = homes.get(id(value))
            if old is None or (defined.startswith(package) and len(package) > len(owners[id(value)])):
                owners[id(value)] = package
                homes[id(value)] = _target(package, name)
    return homes


def _target(package: str, name: str) -> str:
    """Return where mkdocstrings finds an object; a module of the same name would hide it (ops.attention)."""
    path = f"{package}.{name}"
    hidden = not isinstance(_value(package, name), types.ModuleType) and path in sys.modules
    return f"{path}.{name}" if hidden else path


def _page_id(package: str) -> str:
    return f"package-{package}"


def _value(package: str, name: str) -> object:
    return getattr(importlib.import_module(package), name)


def _home(package: str, name: str) -> str:
    """Return the full name under which the reference has an object or module, or ""."""
    value = _value(package, name)
    if isinstance(value, types.ModuleType):
        return _page_id(value.__name__) if value.__name__ in packages() else ""
    return _homes()[id(value)]


def pages() -> dict[str, str]:
    """Return the Markdown of a page for each package, and of the index."""
    rows = [
        f"| [`{package}`]({package}.md) | {_first_line(importlib.import_module(package))} |"
        for package in packages()
    ]
    head = "# Python\n\nEvery public name of every public package.\n\n| package | |\n|---|---|\n"
    return {"index": head + "\n".join(rows) + "\n"} | {package: _page(package) for package in packages()}


def _page(package: str) -> str:
    """A table of the names, then the objects that have their home here."""
    rows, objects = [], []
    for name in packages()[package]:
        home = _home(package, name)
        value = _value(package, name)
        title = f"[`{name}`][{home}]" if home else f"`{name}`"
        rows.append(f"| {title} | {_first_line(value)} |")
        if home == _target(package, name):
            options = f"    options:\n      heading: {package}.{name}\n      toc_label: {name}\n"
            objects.append(f"::: {home}\n{options if home != f'{package}.{name}' else ''}")
    module = importlib.import_module(package)
    heading = f"# {package} {{#{_page_id(package)}}}\n\n"
    prose = markdown(inspect.getdoc(module) or "").partition("\n\nExample:")[0]
    return f"{heading}{prose}\n\n| name | |\n|---|---|\n" + "\n".join(rows) + "\n\n" + "\n".join(objects)


def markdown(text: str) -> str:
    """Return a docstring as Markdown: roles (:func:`name`) become links to names of the API."""

    def role(match: re.Match[str]) -> str:
        short, name = match.groups()
        shown = name.rpartition(".")[2] if short else name
        home = identifiers().get(name)
        return f"[`{shown}`][{home}]" if home else f"`{shown}`"

    return ROLE.sub(role, text).replace("``", "`")


def _first_line(value: object) -> str:
    if not (inspect.isclass(value) or inspect.isroutine(value) or isinstance(value, types.ModuleType)):
        return f"A {type(value).__name__}."
    text = (inspect.getdoc(value) or "").partition("\n\n")[0]
    return markdown(" ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*"))
