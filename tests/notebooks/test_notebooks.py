"""The notebooks of the course: their code runs, their texts come in two languages, their links resolve."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.test_docs import check_command
from tests.exhaustive import some
from tests.training.tiny import without_notice

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "notebooks").glob("book*.py"))
CELL = re.compile(r'^# %%(?: \[markdown\] lang="(\w+)")?$', re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ .*", re.MULTILINE)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
CHAPTERS = [*(f"book1-ch{n}" for n in range(1, 9)), *(f"book2-ch{n}" for n in range(1, 9))]

every_notebook = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)


def cells_of(source: Path) -> Iterator[tuple[str, str]]:
    """Yield (language or "code", text) of each cell; the text of a language without its comment signs."""
    first, *parts = CELL.split(source.read_text("utf-8"))
    assert first == "", "a notebook begins with a cell"
    for language, text in zip(parts[::2], parts[1::2], strict=True):
        if language is None:
            yield "code", text
        else:
            lines = text.strip().splitlines()
            assert all(line.startswith("#") for line in lines)
            yield language, "\n".join(line[2:] for line in lines)


def test_every_chapter_has_its_notebook() -> None:
    assert [re.match(r"book\d-ch\d", source.stem)[0] for source in SOURCES] == CHAPTERS  # type: ignore[index]


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Iterator[list]:
    """The figures that are made during a test; they are drawn at its end."""
    matplotlib = pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    made: list[Figure] = []
    init = Figure.__init__

    def record(figure: Figure, *arguments: object, **settings: object) -> None:
        init(figure, *arguments, **settings)
        made.append(figure)

    monkeypatch.setattr(Figure, "__init__", record)
    backend = matplotlib.get_backend()
    matplotlib.use("Agg")
    yield made
    from matplotlib import pyplot

    pyplot.close("all")
    matplotlib.use(backend)


@pytest.mark.slow
@pytest.mark.parametrize("source", some(SOURCES, 2), ids=lambda source: source.stem)
def test_the_code_runs_and_its_figures_can_be_drawn(
    source: Path, figures: list, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if "open_images" in source.read_text("utf-8"):
        pytest.importorskip("sklearn")
    monkeypatch.setenv("NOTEBOOK_SIZE", "test")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(source))
    assert figures
    for figure in figures:
        figure.draw_without_rendering()


@every_notebook
def test_texts_come_in_both_languages(source: Path) -> None:
    """An English text is followed by the Chinese one, with the same headings, links and code."""
    texts = [(language, text) for language, text in cells_of(source) if language != "code"]
    assert [language for language, _ in texts] == ["en", "zh"] * (len(texts) // 2)
    assert len(texts) >= 8
    for (_, english), (_, chinese) in zip(texts[::2], texts[1::2], strict=True):
        assert not CHINESE.search(english)
        assert CHINESE.search(chinese)
        for pattern in (r"^#+ ", r"\]\(([^)]+)\)", r"`([^`]+)`"):
            wanted, got = (sorted(re.findall(pattern, text, re.MULTILINE)) for text in (english, chinese))
            assert [each.split() for each in wanted] == [each.split() for each in got], english


@every_notebook
def test_links_resolve(source: Path) -> None:
    links = [link for language, text in cells_of(source) if language != "code" for link in LINK.findall(text)]
    assert [link for link in links if not (source.parent / link).exists()] == []
    assert any(link.startswith("../seqkit/") for link in links)


def test_commands_of_the_texts_parse() -> None:
    texts = [text for source in SOURCES for language, text in cells_of(source) if language != "code"]
    commands = {" ".join(code.split()) for text in texts for code in re.findall(r"`seqkit ([^`]+)`", text)}
    assert len(commands) >= 8
    assert {command: said for command in commands if (said := check_command(command.split()))} == {}


@pytest.mark.parametrize("page", ["course.md", "course.zh.md"])
def test_the_course_page_links_to_all(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    assert [source.name for source in SOURCES if f"(../notebooks/{source.name})" not in text] == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_notebooks_are_made_in_both_languages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("jupytext", "nbclient", "nbformat", "ipykernel"):
        pytest.importorskip(name)
    import nbformat

    build = runpy.run_path(str(ROOT / "notebooks" / "build.py"))["build"]
    monkeypatch.setenv("NOTEBOOK_SIZE", "test")
    for stem in some(("book1-ch2-perceptrons", "book2-ch1-review"), 2):
        source = ROOT / "notebooks" / f"{stem}.py"
        build(source, tmp_path)
        parts = list(cells_of(source))
        for language in ("en", "zh"):
            cells = nbformat.read(tmp_path / language / f"{stem}.ipynb", as_version=4).cells
            codes = [cell for cell in cells if cell.cell_type == "code"]
            texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
            assert [cell.source for cell in codes] == [text.strip() for kind, text in parts if kind == "code"]
            assert len(texts) == sum(kind == language for kind, _ in parts)
            assert all(bool(CHINESE.search(text)) == (language == "zh") for text in texts)
            headings = [line for kind, text in parts if kind == language for line in HEADING.findall(text)]
            assert [line for text in texts for line in HEADING.findall(text)] == headings
            links = [link for text in texts for link in LINK.findall(text)]
            assert links
            assert all((ROOT / "build" / "notebooks" / language / link).resolve().exists() for link in links)
            outputs = [output for cell in codes for output in cell.outputs]
            assert any("image/png" in output.get("data", {}) for output in outputs)
            assert not any(output.output_type == "error" for output in outputs)
            said = "".join(output["text"] for output in outputs if output.get("name") == "stderr")
            assert without_notice(said) == ""
