"""Checkpoint folders where a command takes them beside runs of its own, and their tokenizers."""

from __future__ import annotations

from pathlib import Path

from seqkit.errors import RunError
from seqkit.models.checkpoints import CONFIG, PICKLES, WEIGHTS, read_json
from seqkit.text import SubwordTokenizer, load_tokenizer
from seqkit.training.run_directory import LOG

_SIGNS = ("modules.json", "tokenizer_config.json", WEIGHTS, *PICKLES)


def is_checkpoint_folder(path: str | Path) -> bool:
    """Whether a folder is a checkpoint folder, complete or not, and no run: those say their task."""
    folder = Path(path)
    try:
        return "task" not in read_json(folder / CONFIG, dict)
    except RunError:
        return not (folder / LOG).exists() and any((folder / name).exists() for name in _SIGNS)


def fitting_tokenizer(folder: Path, vocab_size: int) -> SubwordTokenizer:
    """The tokenizer of a folder whose model has ``vocab_size`` vectors. RunError when it has more tokens."""
    tokenizer = load_tokenizer(folder)
    if len(tokenizer) > vocab_size:
        raise RunError(
            f"{folder}: the tokenizer has {len(tokenizer):,} tokens, the model's word embeddings "
            f"{vocab_size:,}, expected at least as many",
            remedy="are both of the same model? Else download both again",
        )
    return tokenizer
