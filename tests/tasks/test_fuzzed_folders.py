"""Checkpoint folders with a mutated file open, or raise an exception of seqkit, fast and in little memory.

Of every sort of folder, 200 copies have one file changed: a value of its JSON (or of a safetensors header)
becomes one of another type, a key another key, or its bytes are flipped, cut, doubled or replaced.
"""

import json
import random
import shutil
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqkit.errors import SeqkitError
from seqkit.models import bert
from seqkit.tasks import causal_checkpoints, sentence_encoding
from seqkit.tasks.initial_encoder import initial_encoder
from seqkit.text import load_tokenizer
from tests.exhaustive import EXHAUSTIVE
from tests.files.mutations import mutated
from tests.models.folders import GPT2, bert_arrays, gpt2_arrays, write, write_bert, write_modules
from tests.text.test_checkpoint_tokenizers import merges_folder

pytestmark = pytest.mark.slow

pytest.importorskip("tokenizers")

MUTATIONS = 200 if EXHAUSTIVE else 100
SECONDS = 5
MEMORY = 64 << 20
TEXTS = ["up down up", "", "down " * 30]


def sentence_folder(folder: Path) -> Path:
    write_bert(folder)
    write_modules(folder, "mean_tokens", normalize=True, max_seq_length=9, do_lower_case=False)
    files = {
        "config_sentence_transformers.json": {
            "__version__": {"pytorch": "2"}, "prompts": {"query": "up "}, "default_prompt_name": "query",
            "similarity_fn_name": "cosine",
        },
        "tokenizer_config.json": {
            "model_max_length": 8, "do_lower_case": True, "strip_accents": None, "unk_token": "[UNK]",
            "cls_token": {"content": "[CLS]", "special": True}, "additional_special_tokens": ["[SEP]"],
            "added_tokens_decoder": {"0": {"content": "[PAD]", "special": True, "__type": "AddedToken"}},
        },
        "special_tokens_map.json": {"unk_token": "[UNK]", "additional_special_tokens": ["[SEP]"]},
        "added_tokens.json": {"[PAD]": 0},
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    return folder


def folder_with_tokenizer_json(folder: Path) -> Path:
    sentence_folder(folder)
    (folder / "tokenizer.json").write_bytes(load_tokenizer(folder).to_bytes())
    (folder / "vocab.txt").unlink()
    return folder


def sharded_folder(folder: Path) -> Path:
    from safetensors.numpy import save_file

    write_bert(folder)
    (folder / "model.safetensors").unlink()
    arrays = bert_arrays()
    places = {name: f"model-0000{i % 2 + 1}-of-00002.safetensors" for i, name in enumerate(arrays)}
    for place in set(places.values()):
        save_file({name: a for name, a in arrays.items() if places[name] == place}, folder / place)
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def causal_folder(folder: Path) -> Path:
    arrays = gpt2_arrays()
    arrays["wte.weight"] = np.resize(arrays["wte.weight"], (13, 4))
    write(folder, {**GPT2, "vocab_size": 13, "eos_token_id": 12}, arrays)
    merges_folder(folder, add_prefix_space=False, model_max_length=1024)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [12, 3], "do_sample": True}))
    return folder


def encode(folder: Path) -> None:
    sentence_encoding.load(folder).encode(TEXTS)


def fine_tune(folder: Path) -> None:
    encoder = initial_encoder(folder, 8, "train-classifier")
    encoder.weights()
    encoder.tokenizer.tokenize(TEXTS[0])


def encode_sharded(folder: Path) -> None:
    bert.load(folder)([[4, 5]])


def generate(folder: Path) -> None:
    causal_checkpoints.load(folder).generate("low", max_new_tokens=2, temperature=0)


FOLDERS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], None]]] = {
    "sentence encoder": (sentence_folder, encode),
    "encoder to fine-tune": (sentence_folder, fine_tune),
    "tokenizer.json": (folder_with_tokenizer_json, encode),
    "weights in several files": (sharded_folder, encode_sharded),
    "GPT-2": (causal_folder, generate),
}


@pytest.mark.parametrize("sort", FOLDERS)
def test_mutated_folders(sort: str, tmp_path: Path) -> None:
    prepare, opened = FOLDERS[sort]
    original = prepare(tmp_path / "original")
    opened(original)  # and everything is imported
    files = sorted(path.relative_to(original) for path in original.rglob("*") if path.is_file())
    size = sum((original / name).stat().st_size for name in files)
    chance, refused = random.Random(21), 0
    folder = shutil.copytree(original, tmp_path / "mutated")
    for number in range(MUTATIONS):
        name = files[number % len(files)]
        before = (original / name).read_bytes()
        data = mutated(str(name), before, chance)
        (folder / name).write_bytes(data)
        where = f"mutation {number} of {name}: {data[:300]!r}"
        if EXHAUSTIVE or number % 8 == 0:  # it takes most of the time
            tracemalloc.start()
        begin = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                opened(folder)
        except SeqkitError:
            refused += 1
        except BaseException as error:  # the tokenizers library's panics are no Exception
            raise AssertionError(f"{where}: {error!r}") from error
        finally:
            seconds, peak = time.perf_counter() - begin, tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert seconds < SECONDS, f"{where}: {seconds:.1f} s"
        assert peak < 2 * (size + len(data)) + MEMORY, f"{where}: {peak >> 20} MiB"
        (folder / name).write_bytes(before)
    assert refused > MUTATIONS // 4
