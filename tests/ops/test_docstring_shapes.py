"""The shapes in the docstrings of ops are those that their arguments are checked for."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqkit import ops

FOLDER = Path(ops.__file__).parent
MODULES = sorted(path for path in FOLDER.glob("*.py") if "arguments(" in path.read_text("utf-8"))


def declared(module: ast.Module) -> dict[str, dict[str, str]]:
    """The forms of the arrays of each check of a module, by the name of the check."""
    found: dict[str, dict[str, str]] = {}
    for node in module.body:
        if not isinstance(node, ast.Assign):
            continue
        [target] = node.targets
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        for name, value in zip(names, values, strict=False):
            if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "arguments":
                assert isinstance(name, ast.Name)
                found[name.id] = {str(each.arg): ast.literal_eval(each.value) for each in value.keywords}
    return found


def documented(docstring: str) -> dict[str, str]:
    """The text of each argument in the section "Args"."""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", inspect.cleandoc(docstring), re.M | re.S)
    if section is None:
        return {}
    entries = re.findall(r"^    ([\w, *]+): (.*?)(?=^    \S|\Z)", section[1], re.M | re.S)
    return {name.strip(): " ".join(text.split()) for names, text in entries for name in names.split(",")}


def uses(functions: dict[str, ast.FunctionDef], name: str, seen: set[str]) -> set[str]:
    """All names in a function and in those of its module that it calls."""
    if name in seen or name not in functions:
        return set()
    seen.add(name)
    names = {node.id for node in ast.walk(functions[name]) if isinstance(node, ast.Name)}
    return names.union(*(uses(functions, each, seen) for each in names))


def text_of(argument: str, docstring: str) -> str:
    """Return the entry of an argument in "Args", or its shape in a sentence, where it stands behind it."""
    listed = documented(docstring)
    if argument in listed:
        return listed[argument]
    said = re.search(rf"\b{argument}`*,? (\([^)]*\))", docstring)
    return said[1] if said else ""


def arguments_of(path: Path) -> Iterator[tuple[str, list[str], str]]:
    """(op and argument, its forms in the checks that the op uses, its text) of the public ops of a module."""
    module = ast.parse(path.read_text("utf-8"))
    checks = declared(module)
    functions = {node.name: node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}
    for name in sorted(functions.keys() & set(ops.__all__)):
        docstring = ast.get_docstring(functions[name]) or ""
        forms: dict[str, list[str]] = {}
        for check in sorted(uses(functions, name, set()) & checks.keys()):
            for argument, form in checks[check].items():
                forms.setdefault(argument, []).append(form)
        for argument in forms.keys() & {each.arg for each in functions[name].args.args}:
            yield f"{name}: {argument}", forms[argument], text_of(argument, docstring)


def axes_of(shape: str) -> list[str]:
    """The axes of a shape in a form or a docstring, sizes without signs; words are any size."""
    axes = [axis.strip().replace("*", "") for axis in shape.split(",") if axis.strip()]
    return [axis if re.fullmatch(r"\d*[A-Z]{1,2}|…", axis) else "a size" for axis in axes]


def agree(form: str, text: str) -> bool:
    """Whether a docstring says the axes of a form, its numbers, and whether it may be None."""
    match = re.fullmatch(r"(?:(integer|mask|constant) )?(.*?)( or None)?", form)
    assert match is not None
    axes, optional = match[2], match[3]
    said = re.match(r"(?:[^\W\d_] )?\(([^)]*)\)", text)
    if said is None:
        return axes == "…" and (not text or bool(re.search("any shape|broadcast", text)))
    return axes_of(said[1]) == axes_of(axes) and (optional is None or "None" in text)


ARGUMENTS = {name: rest for path in MODULES for name, *rest in arguments_of(path)}


def test_docstrings_say_what_is_checked() -> None:
    assert len(ARGUMENTS) > 60
    wrong = {
        name: (forms, text)
        for name, (forms, text) in ARGUMENTS.items()
        if not any(agree(f, text) for f in forms)
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("…, I", "(…, I).", True),
        ("B, …, I", "(…, I).", False),
        ("4*H", "(4H,), the bias.", True),
        ("4*H", "(3H,).", False),
        ("O or None", "(O,) or None.", True),
        ("O or None", "(O,) numbers.", False),
        ("E", "γ (E,).", True),
        ("integer …", "Integers of any shape.", True),
        ("B, T", "Of any shape.", False),
        ("B, T, K", "(T, B, K).", False),
        ("B, T", "(B,).", False),
        ("B", "", False),
    ],
)
def test_a_wrong_docstring_is_found(form: str, text: str, expected: bool) -> None:
    assert agree(form, text) == expected
