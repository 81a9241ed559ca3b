"""Make the notebooks of the course in both languages and run them: python notebooks/build.py [NAME…].

A source is a script in Jupytext's percent format, with each text in English and then in Chinese. A notebook
has the code cells and the texts of one language; they are written to build/notebooks/{en,zh}, with outputs.
The environment variable NOTEBOOK_SIZE is "small", the default, "book", as large as in the book, or "test".
"""

import re
import sys
import time
from pathlib import Path
from typing import Any

import jupytext
import nbclient
import nbformat

ROOT = Path(__file__).parents[1]
OUT = ROOT / "build" / "notebooks"
LANGUAGES = ("en", "zh")
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
_HEADING = re.compile(r"^(#+ .*)\n(?!\n)", re.MULTILINE)
_WRAPPED = re.compile(r"(?<=[⺀-鿿，。、；：？！（）“”])\n(?=[⺀-鿿，。、；：？！（）“”])")
"""Line ends between two Chinese characters, which a browser would show as spaces."""


def sources() -> list[Path]:
    """Return the scripts of all chapters, in their order."""
    return sorted((ROOT / "notebooks").glob("book*.py"))


def notebook_of(source: Path, language: str) -> Any:
    """Return the notebook of a script in one language, not run yet.

    Links of the script are relative to its folder; those of the notebook to that of the notebook.
    """
    notebook = jupytext.read(source)
    kept = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            if cell.metadata.pop("lang") != language:
                continue
            text = _HEADING.sub(r"\1\n\n", cell.source).replace("](../", "](../../../")
            cell.source = _WRAPPED.sub("", text) if language == "zh" else text
        kept.append(cell)
    notebook.cells, notebook.metadata = kept, nbformat.from_dict({"kernelspec": KERNEL})
    return notebook


def build(source: Path, out: Path = OUT) -> None:
    """Run the code of a script once and write its notebooks with the outputs into folders of ``out``."""
    first = notebook_of(source, LANGUAGES[0])
    client = nbclient.NotebookClient(
        first,
        timeout=None,
        resources={"metadata": {"path": ROOT}},
        extra_arguments=["--log-level=ERROR"],  # the kernel says that it can be listened to on this machine
    )
    client.execute()
    outputs = [cell for cell in first.cells if cell.cell_type == "code"]
    for language in LANGUAGES:
        notebook = first if language == LANGUAGES[0] else notebook_of(source, language)
        for cell, run in zip((c for c in notebook.cells if c.cell_type == "code"), outputs, strict=True):
            cell.outputs, cell.execution_count = run.outputs, run.execution_count
        target = out / language / f"{source.stem}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)


def main(names: list[str]) -> None:
    """Build the notebooks whose names begin with one of ``names``, by default all."""
    chosen = [source for source in sources() if source.stem.startswith(tuple(names or [""]))]
    if not chosen:
        stems = ", ".join(source.stem for source in sources())
        sys.exit(f"no notebook begins with {' or '.join(names)}; there are {stems}")
    for source in chosen:
        start = time.perf_counter()
        build(source)
        print(f"{source.stem}: {time.perf_counter() - start:.0f} s")
    print(f"in build/notebooks/{{{','.join(LANGUAGES)}}}; open them with Jupyter or an editor")


if __name__ == "__main__":
    main(sys.argv[1:])
