"""Trained runs in the formats of other libraries: ``seqkit export``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqkit.errors import Remedy, RunError, UsageError, require_choice
from seqkit.files import atomic_writer, encode_safetensors, write_atomically
from seqkit.models import MaskedLanguageModel, TransformerLanguageModel, bert, gpt2
from seqkit.models.checkpoints import WEIGHTS
from seqkit.tasks import load
from seqkit.tasks.language_modeling import NGram
from seqkit.tasks.runs import refuse_mixture
from seqkit.tasks.text import run_tokenizer
from seqkit.text import SubwordTokenizer
from seqkit.text.special_tokens import EOS
from seqkit.training import RunDirectory
from seqkit.vectors.formats import writer

_FILES = {"word2vec": ".word2vec.txt", "arpa": ".arpa"}
"""The formats that are one file, with the end of its name."""
_SAFETENSORS = Remedy(
    'give to="safetensors", which has the weights of every run', command="--to safetensors takes every run"
)


def export(run: str | Path, to: str, out: str | Path | None = None) -> Path:
    """Write a trained run in the format of other libraries.

    Args:
        run: The run directory.
        to: "hf": a checkpoint folder of Hugging Face with weights and tokenizer, of a GPT-2 from a causal
            Transformer, or of a BERT from a masked language model, with subword tokens and learned positions.
            "safetensors": a folder with the best weights of any run, its settings, vocabularies and labels.
            "word2vec": a vector file of a run of train-embeddings, binary if its name ends in .bin.
            "arpa": the n-grams of a run of Kneser-Ney, as KenLM and SRILM read them; compressed if its name
            ends in .gz.
        out: The folder or file; None: ``RUN-hf``, ``RUN-safetensors``, ``RUN.word2vec.txt`` or ``RUN.arpa``
            beside the run.

    Returns:
        The folder or file.

    Raises:
        UsageError: The run cannot be written in this format.
        RunError: ``run`` is no run directory, or ``out`` holds other files or cannot be written.
    """
    require_choice("the format", to, tuple(_WRITERS))
    opened = RunDirectory.open(run)
    opened.verify()
    refuse_mixture(opened, "to export")
    name = opened.path.name + _FILES.get(to, f"-{to}")
    target = opened.path.absolute().with_name(name) if out is None else Path(out)
    if to not in _FILES and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise RunError(
            f"{target} already holds other files",
            remedy=Remedy("choose another folder", command="choose another --out"),
        )
    _WRITERS[to](opened, target)
    return target


def _write_hf(run: RunDirectory, out: Path) -> None:
    task, settings = run.config.get("task"), run.entry("settings")
    causal = task == "language_modeling" and settings.get("model") == "transformer"
    if not causal and task != "masked_language_modeling":
        what = f"a model {settings['model']}" if task == "language_modeling" else f"a run of {task}"
        raise UsageError(
            f"expected a causal Transformer (GPT-2) or a masked language model (BERT) for the format hf, got "
            f"{what}, which has no architecture there",
            where=str(run.path),
            remedy=_SAFETENSORS,
        )
    tokenizer = run_tokenizer(run)
    if not isinstance(tokenizer, SubwordTokenizer):
        raise UsageError(
            f"expected a run with subword tokens (bpe, wordpiece) for the format hf, got the tokenizer "
            f"{tokenizer.name}, which a tokenizer.json cannot state",
            where=str(run.path),
            remedy=_SAFETENSORS,
        )
    model: Any = load(run.path, device="cpu").model
    if isinstance(model, TransformerLanguageModel):
        gpt2.save(model, out, end_id=tokenizer.id(EOS))
    else:
        assert isinstance(model, MaskedLanguageModel)
        bert.save(model, out)
        tokenizer = tokenizer.with_mask_tokens()
    tokenizer.save(out)


def _write_safetensors(run: RunDirectory, out: Path) -> None:
    arrays = run.load_model()
    settings = {name: run.config.get(name) for name in ("task", "seqkit", "settings", "tokenizer", "model")}
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot write {out} ({error.strerror or error})") from error
    with atomic_writer(out / WEIGHTS) as file:
        header, contents = encode_safetensors(arrays, {"format": "np"})
        file.writelines([header, *contents])
    for name in run.config.get("files", {}):
        write_atomically(out / name, run.artifact(name))
    stated = {name: value for name, value in settings.items() if value is not None}
    write_atomically(out / "settings.json", (json.dumps(stated, indent=2) + "\n").encode())


def _write_arpa(run: RunDirectory, out: Path) -> None:
    model = run.entry("settings").get("model") if run.config.get("task") == "language_modeling" else None
    if model != "kneser-ney":
        raise UsageError(
            f"expected a run of Kneser-Ney for the format arpa, got one of {model or run.config.get('task')}",
            where=str(run.path),
            remedy=_SAFETENSORS,
        )
    NGram(run.path).save_arpa(out)


def _write_word2vec(run: RunDirectory, out: Path) -> None:
    if run.config.get("task") != "embeddings":
        raise UsageError(
            f"expected a run of embeddings for the format word2vec, got one of {run.config.get('task')}",
            where=str(run.path),
            remedy=_SAFETENSORS,
        )
    binary = out.name.removesuffix(".gz").removesuffix(".bz2").endswith(".bin")
    write = writer(out, "word2vec-binary" if binary else "word2vec")
    write(load(run.path).wv, out)


_WRITERS: dict[str, Callable[[RunDirectory, Path], None]] = {
    "hf": _write_hf,
    "safetensors": _write_safetensors,
    "word2vec": _write_word2vec,
    "arpa": _write_arpa,
}
