"""Tell what a path is: a run of some task, a checkpoint folder, a corpus, or a file of one of them.

Used where a folder has an unexpected type, so that the error names what is there and the command
that opens it. Nothing is verified and little is read: what is damaged is still named.
"""

import json
import os
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from seqkit.errors import Remedy, RunError, SeqkitError
from seqkit.files.formats import format_of
from seqkit.files.substitutes import HEAD, find_substitute

_CONFIG = "config.json"
_CONFIG_SIZE = 4 << 20
_MANY = 1000
_TASKS = {
    "language_modeling": ("a language model", "seqkit generate {}, or seqkit eval-lm {}"),
    "masked_language_modeling": (
        "a masked language model",
        "seqkit eval-lm {}, or seqkit train-classifier DATA --init {}",
    ),
    "seq2seq": ("an encoder-decoder", "seqkit translate {}, or seqkit eval-seq2seq {}"),
    "text_classification": ("a text classifier", "seqkit classify {}, or seqkit eval-classifier {}"),
    "sequence_labeling": ("a tagger", "seqkit tag {} TEXT, or seqkit eval-tagger {}"),
    "image_classification": ("an image classifier", "seqkit classify {} FILE, or seqkit eval-images {}"),
    "embeddings": ("word vectors", "seqkit similar WORD --vectors {}"),
}
_CAUSAL = ("gpt2",)
_ENCODERS = ("bert", "roberta", "distilbert", "megatron-bert", "xlm-roberta", "camembert")
_SENTENCE_FILES = ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json")
_WEIGHTS = (
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "tf_model.h5",
    "flax_model.msgpack", "adapter_model.safetensors",
)  # fmt: skip
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt")
_RUN_FILES = ("log.jsonl", "last.safetensors")
_SPLITS = ("train", "valid", "validation", "val", "dev", "test")
_TEXTS = (
    ".txt", ".text", ".tokens", ".raw", ".tsv", ".tab", ".csv", ".jsonl", ".ndjson", ".parquet", ".arrow",
)  # fmt: skip
_IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".tif", ".tiff")
_NO_CORPUS = (
    "vocab.txt", "merges.txt", "labels.txt", "source.vocab.txt", "target.vocab.txt", "README.txt",
    "LICENSE.txt", "requirements.txt",
)  # fmt: skip
_OTHERS = {
    r"saved_model\.pb(txt)?": "a SavedModel of TensorFlow",
    r".*\.ckpt.*\.index|model\.ckpt.*": "a checkpoint of TensorFlow",
    r"config\.cfg": "a pipeline of spaCy",
    r".*\.onnx": "a model in ONNX",
    r".*\.gguf": "a model in GGUF",
    r".*\.(keras|h5|hdf5)": "a model of Keras",
    r"dataset_info\.json|dataset_dict\.json": "a data set of Hugging Face: give one of its .arrow files",
    r".*\.(pt|pth|ckpt|bin)": "weights of PyTorch or another program",
    r".*\.arpa": "an n-gram model (ARPA)",
    r".*\.model": "a model of SentencePiece or gensim",
    r".*\.(sqlite3?|db)": "a folder with a database",
    r".*\.(pdf|docx?|odt|epub|rtf|html?|xml|json)": "a folder of documents that are not plain text",
    r".*\.(zip|tar|tgz|7z|rar|zst)": "a folder with an archive: unpack it first",
}
"""Folders of other programs: a file that each has, and its description."""
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
TEXT_COMMANDS = "seqkit train-lm {}, or seqkit train-classifier {}"


class Found(NamedTuple):
    """The description of a path: its sort, its description, and how it is opened, if seqkit opens it."""

    sort: str
    """"run", "checkpoint", "corpus", "file", "absent", "other" (of another program) or "folder"."""
    description: str
    opened_by: str | None = None
    task: str | None = None
    """Of a run."""

    @property
    def remedy(self) -> Remedy | None:
        """The advice how to open it, where seqkit opens it."""
        if self.opened_by is None:
            return None
        command = f"open it with: {self.opened_by}"
        library = "seqkit.load(PATH), or " if self.sort == "run" else ""
        return Remedy(f"open it with {library}the command {self.opened_by}", command=command)


def what_is(path: str | os.PathLike[str]) -> Found:
    """Return what is at a path.

    Example:
        >>> what_is("no/such/folder").description
        'nothing: there is no no/such/folder'
    """
    folder = Path(path)
    try:
        if folder.is_file():
            return _what_file(folder)
        if not folder.is_dir():
            return Found("absent", f"nothing: there is no {folder}")
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in islice(entries, _MANY))
    except (OSError, ValueError) as error:
        return Found("absent", f"a path that cannot be read ({getattr(error, 'strerror', None) or error})")
    shown = [name for name in names if not name.startswith(".")]
    if not shown:
        return Found("folder", "an empty folder")
    for look in (_what_run, _what_model, _what_corpus, _what_incomplete, _what_parent, _what_other):
        found = look(folder, shown)
        if found is not None:
            return found
    more = ", …" if len(shown) > 4 else ""
    return Found("folder", f"a folder of another sort, with {', '.join(shown[:4])}{more}")


def not_as_expected(
    path: str | os.PathLike[str],
    problem: str,
    *,
    error: type[SeqkitError] = RunError,
    remedy: str | None = None,
) -> SeqkitError:
    """Return the error for a path that is not what was expected: what it is, and what opens it.

    Args:
        path: The path.
        problem: What was expected instead.
        error: The class of the error.
        remedy: The advice if no command opens what is there.
    """
    found = what_is(path)
    return error(f"{problem}, but {found.description}", remedy=found.remedy or remedy)


def _opened(command: str | None, path: Path) -> str | None:
    return None if command is None else command.replace("{}", str(path))


def read_config(folder: Path) -> dict[str, Any]:
    """Return the config.json of a folder, or {} if it cannot be read as one."""
    try:
        with open(folder / _CONFIG, "rb") as file:
            content = json.loads(file.read(_CONFIG_SIZE))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _what_run(folder: Path, names: list[str]) -> Found | None:
    config = read_config(folder)
    task = config.get("task")
    if isinstance(task, str) and ("settings" in config or "sha256" in config):
        described, command = _TASKS.get(task, (f"the task {task[:40]!r}, of another version", None))
        return Found("run", f"a run of {described} ({task[:40]})", _opened(command, folder), task)
    if any(name in names for name in _RUN_FILES):
        return Found("run", "the remains of a run, without a config.json that can be read")
    return None


def _what_model(folder: Path, names: list[str]) -> Found | None:
    if any(name in names for name in _SENTENCE_FILES):
        return Found("checkpoint", "a folder of sentence-transformers", _opened("seqkit embed {}", folder))
    if "adapter_config.json" in names:
        return Found(
            "checkpoint", "an adapter (PEFT), which is a part of a model: merge it into its base first"
        )
    kind = read_config(folder).get("model_type")
    if isinstance(kind, str):
        described = f"a checkpoint folder of Hugging Face (model_type {kind[:40]})"
        command = "seqkit generate {}" if kind in _CAUSAL else None
        if kind in _ENCODERS:
            command = "seqkit embed {}, or seqkit train-classifier DATA --init {}"
        return Found("checkpoint", described, _opened(command, folder))
    return None


def _what_incomplete(folder: Path, names: list[str]) -> Found | None:
    """A folder with some files of a checkpoint: a corpus may have a config.json or tokenizer.json, too."""
    if _CONFIG in names or any(name in names for name in _WEIGHTS):
        missing = "" if _CONFIG in names else ", without its config.json"
        return Found("checkpoint", f"a checkpoint folder{missing}")
    if any(name in names for name in _TOKENIZER):
        return Found("checkpoint", "a folder with a tokenizer and no model")
    return None


def _plain(name: str) -> Path:
    return Path(name).with_suffix("") if Path(name).suffix in _COMPRESSED else Path(name)


def _what_corpus(folder: Path, names: list[str]) -> Found | None:
    plain = [_plain(name) for name in names]
    if any(name in names for name in ("dataset_info.json", "dataset_dict.json")):
        return None
    if any(re.search(r"[-_.](images|labels)[-_.]idx\d", name) for name in names):
        return Found("corpus", "a folder of idx files (images)", _opened("seqkit train-images {}", folder))
    texts = [name for name in plain if name.suffix in _TEXTS and name.name not in _NO_CORPUS]
    if texts:
        splits = [name.name for name in texts if name.stem.split(".")[-1] in _SPLITS]
        which = f"its splits {', '.join(splits[:3])}" if splits else f"texts such as {texts[0]}"
        return Found("corpus", f"a corpus folder with {which}", _opened(TEXT_COMMANDS, folder))
    parents = [folder / "train"] if "train" in names else [folder]
    classes = [path.name for parent in parents for path in _folders(parent) if _holds_images(path)]
    if len(classes) > 1:
        described = f"a folder of images by class ({', '.join(classes[:2])}, …)"
        return Found("corpus", described, _opened("seqkit train-images {}", folder))
    return None


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())[:_MANY]
    except OSError:
        return []


def _holds_images(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.lower().endswith(_IMAGES) for entry in islice(entries, _MANY))
    except OSError:
        return False


def _what_parent(folder: Path, names: list[str]) -> Found | None:
    """A folder of runs or checkpoints: the cache of Hugging Face, or a folder such as runs/."""
    if "snapshots" in names:
        below = sorted(path for path in (folder / "snapshots").iterdir() if path.is_dir())
        if below:
            return Found("folder", f"the cache of a model, which is in {below[-1]}", None)
    for sort, described in (("run", "runs"), ("checkpoint", "checkpoint folders")):
        looks: Callable[..., Found | None] = _what_run if sort == "run" else _what_model
        inside = [
            name
            for name in names[:50]
            if (folder / name / _CONFIG).is_file() and looks(folder / name, [_CONFIG]) is not None
        ]
        if inside:
            return Found("folder", f"a folder of {described}: give one of them, such as {folder / inside[0]}")
    return None


def _what_other(folder: Path, names: list[str]) -> Found | None:
    """A folder of another program, by a file that it always has."""
    for pattern, described in _OTHERS.items():
        beside = described.startswith("a folder") and _folders(folder)  # may stand beside the texts
        if not beside and any(re.fullmatch(pattern, name) for name in names):
            return Found("other", described)
    return None


def _what_file(path: Path) -> Found:
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError:
        head = b"?"
    substitute = find_substitute(head)
    if substitute is not None:
        return Found("file", substitute.name)
    if (path.parent / _CONFIG).is_file() and path.name in (
        _CONFIG,
        "vocab.txt",
        *_WEIGHTS,
        *_RUN_FILES,
        *_TOKENIZER,
    ):
        return Found("file", f"a file of the folder {path.parent}, which is to be given")
    return Found("file", format_of(head, path) or "a file")
