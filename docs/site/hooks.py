"""Hooks of MkDocs: the pages of the reference, and what a page of the repository needs to be one of the site.

The pages under docs/ are written for the repository's own view: plain Markdown with relative links. On the
site names in backticks become links to the reference, a list may follow a paragraph without a blank line, and
links to the README and its neighbours lead to copies of them.
"""

import re
import shutil
from pathlib import Path
from typing import Any

import api
import commands
import offline
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import notebooks

ROOT = Path(__file__).parents[2]
COPIES = {
    "README.md": "project/readme.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
}
"""Pages beside docs/ and their places on the site."""

FENCE = re.compile(r"^(```.*?^```)", re.MULTILINE | re.DOTALL)
LIST = re.compile(r"(?:- |\d+\. )")
CODE = re.compile(r"(?<![`\[\w])`([^`\n]+)`(?![`\]])")
INLINE = re.compile(r"(?<!</span>)<code>[^<]*</code>")
FLAG = re.compile(r"(?<![\w-])--?[a-z][\w-]*")

_targets: dict[str, str] = {}
"""Names that stand in backticks → identifier or page of the reference."""


@event_priority(100)  # before mkdocstrings
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Complete the navigation with the pages of the reference and of the project."""
    assert config.nav is not None
    for entry in config.nav:
        if "Notebooks" in entry:
            entry["Notebooks"] = notebooks.navigation()
        if "Reference" in entry:
            entry["Reference"] = [
                {"Commands": [f"reference/commands/{name}.md" for name in ("index", *commands.names())]},
                {
                    "Python": [
                        "reference/python/index.md",
                        *({_short(name): f"reference/python/{name}.md"} for name in api.packages()),
                    ]
                },
            ]
    config.nav.append({"Project": list(COPIES.values())})
    source = _copy_of_the_library(Path(config.site_dir).parent / "site-source")
    config.plugins["mkdocstrings"].config.handlers["python"]["paths"] = [str(source)]
    return config


def _short(package: str) -> str:
    return package.removeprefix("seqkit.").removeprefix("tasks.")


def _copy_of_the_library(folder: Path) -> Path:
    """Copy the sources as mkdocstrings reads them.

    It finds neither files behind links nor those of folders without __init__.py, and knows no roles
    and no heading "Example:".
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "seqkit", folder / "seqkit", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / "seqkit").rglob("*.py"):
        (path.parent / "__init__.py").touch()
        text = api.markdown(path.read_text("utf-8"))
        path.write_text(re.sub(r"^( +)Example:$", r"\1Examples:", text, flags=re.MULTILINE), "utf-8")
    return folder


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, the notebooks and the copies of README, CHANGELOG and CONTRIBUTING."""
    made = {f"reference/commands/{name}.md": text for name, text in commands.pages().items()}
    made |= {f"reference/python/{name}.md": text for name, text in api.pages().items()}
    made |= notebooks.pages()
    made |= {place: _moved((ROOT / name).read_text("utf-8")) for name, place in COPIES.items()}
    for place, text in made.items():
        files.append(File.generated(config, place, content=text))
    _targets.clear()
    _targets.update(api.identifiers())
    return files


def _moved(text: str) -> str:
    """A page of the root with the links that it needs two folders deeper."""
    text = text.replace("](docs/", "](../")
    for name, place in COPIES.items():
        text = text.replace(f"]({name}", f"]({place.removeprefix('project/')}")
    return text


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page's Markdown as Python-Markdown needs it, with names as links."""
    place = page.file.src_uri
    up = "../" * place.count("/")
    for name, copy in COPIES.items():
        markdown = markdown.replace(f"]({up}../{name}", f"]({up}{copy}")
    language = "zh" if place.endswith(".zh.md") else "en"
    markdown = re.sub(r"\]\(\.\./notebooks/([\w-]+)\.py\)", rf"](notebooks/{language}/\1.md)", markdown)
    parts = FENCE.split(markdown)
    for i in range(0, len(parts), 2):
        parts[i] = _with_blank_lines(parts[i])
        # the repository's view needs \\| in the code of a table, and Python-Markdown would show the backslash
        parts[i] = CODE.sub(lambda match: match.group().replace("\\|", "|"), parts[i])
        if not place.startswith("reference/"):
            parts[i] = _linked(parts[i], up)
    return "".join(parts)


def _with_blank_lines(text: str) -> str:
    """Put a blank line between a paragraph and a list below it, which the repository's view does not need."""
    lines: list[str] = []
    for line in text.split("\n"):
        last = lines[-1] if lines else ""
        if LIST.match(line) and last.strip() and not last.startswith((" ", "#")) and not _in_list(lines):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def _in_list(lines: list[str]) -> bool:
    for line in reversed(lines):
        if not line.strip():
            return False
        if LIST.match(line):
            return True
    return False


def _linked(text: str, up: str) -> str:
    """Link names of the API and commands in backticks, but not in headings and beside other links."""

    def link(match: re.Match[str]) -> str:
        code = match.group(1).removeprefix("seqkit ")
        name = code.split()[0].removesuffix("()")
        if code == name and name in _targets:
            return f"[{match.group()}][{_targets[name]}]"
        if name in commands.names():
            return f"[{match.group()}]({up}reference/commands/{name}.md)"
        return match.group()

    lines = text.split("\n")
    return "\n".join(line if line.startswith("#") or "](" in line else CODE.sub(link, line) for line in lines)


def on_page_content(html: str, **_: Any) -> str:
    """Keep flags whole where a line of inline code breaks."""

    def whole(match: re.Match[str]) -> str:
        return FLAG.sub(r'<span class="flag">\g<0></span>', match.group())

    return INLINE.sub(whole, html)


def on_post_build(config: MkDocsConfig, **_: Any) -> None:
    """Check that no page of the site requests anything from another host."""
    found = offline.requests_of(Path(config.site_dir))
    if found:
        raise SystemExit("the site requests what is elsewhere:\n" + "\n".join(found))
