"""Blocks of code of the pages, the small files that they name, and what is made smaller for the tests."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.models.folders import GPT2, TOKENS, gpt2_arrays, write, write_bert
from tests.tasks.test_sequence_labeling import write_sentences
from tests.training.tiny import WORDS

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
}

SHELL = [
    "docs/index.md",
    "docs/tutorial.md",
    *(name for name in PAGES if name.startswith("docs/how-to/")),
    "docs/classifiers.md",
    "docs/images.md",
    "docs/search.md",
    "docs/tagging.md",
]
"""Pages whose commands run as well. Those of all pages are parsed: tests/architecture/test_docs.py."""

BEFORE = {
    "docs/explore.md": [
        "train-lm my-text.txt --vocab-size 10 --emsize 8 --nhid 8 --epochs 1 --out runs/lstm"
    ],
    "docs/seq2seq.md": ["train-seq2seq my-pairs.tsv --tokenizer word --epochs 1 --out R"],
    "docs/transformers.md": [
        "train-lm my-text.txt --objective masked --tokenizer wordpiece --vocab-size 80 --emsize 8 "
        "--nlayers 1 --epochs 1 --out runs/masked"
    ],
}
"""Commands whose runs a page takes for granted."""

SMALLER = {
    "--trials 24": "--trials 2",
    r"epochs(=| )(40|15|5)\b": r"epochs\g<1>1",
    r"size(=| )(200|100|128)\b": r"size\g<1>16",
    r"--(emsize|nhid) 200": r"--\1 16",
    "--eval-protocol textbook$": "--eval-protocol textbook --split train",
    "--max-new-tokens 1000": "--max-new-tokens 20",
    'corpus="ptb"': 'corpus="my-text.txt"',
    r"nltk:conll2000 --recipe conll2000": "my-names.conll --epochs 1",
    "--recipe rt-polarity-bag": "my-labels.tsv --model bag --epochs 1",
    r"train-images --out": "train-images --epochs 1 --out",
    r"train-images --model simple-cnn": "train-images --model simple-cnn --epochs 1 --filters 3 --hidden 10",
    r'Settings\(model="simple-cnn"': 'Settings(model="simple-cnn", hidden="10"',
    r"^library = .*": 'library = Path("library")',
}
"""Patterns → what stands in their place in a test."""

REASONS = {"a fragment": 2, "gensim": 1, "PyTorch's example": 1, "the corpus": 2}
"""Why a block does not run, by the comment before it, with the number of such blocks."""

_BLOCK = re.compile(r"^(?:<!-- not run: ([^>\n]*) -->\n)?```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code: the reason why it does not run, or "", its language and its lines."""

    reason: str
    language: str
    code: str


def blocks_of(name: str) -> Iterator[Block]:
    """Yield the blocks of Python and shell of a page."""
    for reason, language, code in _BLOCK.findall(PAGES[name].read_text("utf-8")):
        if language in ("python", "sh"):
            yield Block(reason, language, code)


def smaller(code: str) -> str:
    """Return code with sizes that a test can wait for."""
    for pattern, replacement in SMALLER.items():
        code = re.sub(pattern, replacement, code, flags=re.MULTILINE)
    return code


TECHNICAL = (
    "file",
    "string",
    "path",
    "bytes",
    "list",
    "dict",
    "class",
    "method",
    "return",
    "name",
    "of",
    "is",
    "Return",
)


def write_files(folder: Path) -> None:
    """Write the files that the pages name, of some hundred lines each."""
    words = [*TECHNICAL, *WORDS]
    lines = [" ".join(words[(i * i + j * (i % 5 + 1)) % len(words)] for j in range(9)) for i in range(200)]
    text = "\n".join(lines) + "\n"
    for name in ("my-text.txt", "my-other-text.txt", "more.txt"):
        (folder / name).write_text(text, "utf-8")
    (folder / "my-folder").mkdir()
    for name in ("train", "valid", "test"):
        (folder / "my-folder" / f"{name}.txt").write_text(text, "utf-8")
    (folder / "my-pairs.tsv").write_text("".join(f"{line}\t{line.upper()}\n" for line in lines), "utf-8")
    labels = "".join(f"{'ab'[i % 2]}\t{line}\n" for i, line in enumerate(lines))
    (folder / "my-labels.tsv").write_text(labels, "utf-8")
    (folder / "space.toml").write_text("lr = { log = [0.001, 0.01] }\ndropout = { uniform = [0, 0.5] }\n")
    (folder / "my-analogies.txt").write_text(": words\nfile path string bytes\n", "utf-8")
    write_sentences(folder / "my-names.conll", 40)
    write_bert(folder / "all-MiniLM-L6-v2")
    write(folder / "gpt2", GPT2, gpt2_arrays())
    (folder / "gpt2" / "vocab.txt").write_text("".join(f"{token}\n" for token in TOKENS))
    for package in ("email", "unittest"):
        (folder / "library" / package).mkdir(parents=True)
        functions = "".join(f'def f{i}():\n    """{line}"""\n' for i, line in enumerate(lines))
        (folder / "library" / package / "code.py").write_text(functions, "utf-8")
