"""Damaged runs, vectors, checkpoint folders and corpora, opened by the commands that read such files."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from seqkit.training import checksummed
from tests.files.mutations import mutated, with_other_types
from tests.stress.processes import run
from tests.stress.trainings import Place, Training, copy

MUTATIONS = 6
"""Files that one action damages, one after the other."""


def damaged_run(place: Place) -> None:
    """Damage a finished run, with checksums that hold or not, and open it."""
    training = place.draw_training()
    for _ in range(MUTATIONS):
        folder = copy(training.undisturbed, place.folder / "damaged")
        if place.chance.random() < 0.5:
            forge(place, folder)
            opener = place.chance.choice(training.openers)
        else:
            damage(place, folder)
            opener = place.chance.choice((*training.openers, ""))
        if opener:
            open_damaged(place, place.arguments(opener, RUN=folder, VEC=place.folder / "new"), folder)
        else:
            open_damaged(place, training.command(folder, resume=True), folder)


def damage(place: Place, path: Path) -> None:
    """Replace a file, or one of a folder, by another content, or remove it."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    file = place.chance.choice(files)
    if place.chance.random() < 0.05:
        file.unlink()
        place.note(f"{file.name} is lost")
        return
    data = file.read_bytes()
    if data[:2] == b"\x1f\x8b" and place.chance.random() < 0.5:
        other = gzip.compress(mutated(file.name, gzip.decompress(data), place.chance))
    else:
        other = mutated(file.name, data, place.chance)
    file.write_bytes(other)
    place.note(f"{file.name} has other content, {hashlib.sha256(other).hexdigest()[:8]}")


def forge(place: Place, folder: Path) -> None:
    """Change what a run says, with checksums as a forger would make them."""
    config = checksummed.read_json(folder / "config.json")
    artifacts = [folder / name for name in config["files"]]
    choice = place.chance.random()
    if choice < 0.5:
        forged = with_other_types(config, place.chance)
        if not isinstance(forged, dict):
            forged = {"task": forged}
        place.note("a forged config.json")
    elif choice < 0.8 and artifacts:
        file = place.chance.choice(artifacts)
        data = mutated(file.name, file.read_bytes(), place.chance)
        file.write_bytes(data)
        forged = {**config, "files": {**config["files"], file.name: hashlib.sha256(data).hexdigest()}}
        place.note(f"a forged {file.name}")
    else:
        path = folder / place.chance.choice(("model.safetensors", "last.safetensors"))
        forged = config
        if path.exists():
            arrays, metadata = checksummed.read_tensors(path)
            if arrays and place.chance.random() < 0.5:
                name = place.chance.choice(sorted(arrays))
                array = arrays.pop(name)
                if place.chance.random() < 0.7:
                    arrays[name] = place.chance.choice(
                        [array[..., None], array[:-1], array.astype("f8"), array[:0]]
                    )
            else:
                metadata = with_other_types(metadata, place.chance)
            checksummed.write_tensors(path, arrays, metadata)
            place.note(f"a forged {path.name}")
    try:
        checksummed.write_json(folder / "config.json", forged)
    except (ValueError, UnicodeError):  # what JSON or UTF-8 cannot hold
        (folder / "config.json").write_text(json.dumps(forged))


def open_damaged(place: Place, arguments: list[str], path: Path) -> None:
    """Run a command on damaged files: it works, or refuses in seqkit's words, soon and in little memory."""
    files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    place.note(" ".join(arguments))
    outcome = run(arguments, place.setting()).require_own_words(0, 1, 2)
    outcome.require_bounds(sum(file.stat().st_size for file in files if file.exists()))
    if b"NaN" in outcome.out and "--json" in arguments:
        raise outcome.fault("expected JSON without NaN")
    shutil.rmtree(place.folder / "new", ignore_errors=True)
    if arguments[0].startswith("train-") and path.is_file():
        return


VECTOR_FILES = ("v.safetensors", "v.txt", "v.bin", "v.vec", "glove.txt", "v.txt.gz", "v.tsv")


def damaged_vectors(place: Place) -> None:
    """Damage a file of word vectors and read it."""
    training = place.draw_training("train-embeddings")
    name = place.chance.choice(VECTOR_FILES)
    whole = place.folder / name
    wanted = ["--to", "glove"] if name == "glove.txt" else []
    arguments = ["convert", str(training.undisturbed), str(whole), *wanted]
    run(arguments, place.setting()).require_own_words(0)
    data = whole.read_bytes()
    for _ in range(MUTATIONS):
        whole.write_bytes(data)
        damage(place, whole)
        if not whole.exists():
            continue
        opener = place.chance.choice(
            (
                "similar the --vectors FILE",
                "eval-embeddings FILE --json --analogies MATERIAL/analogies.txt --pairs MATERIAL/scores.tsv",
                "convert FILE out.safetensors", "convert FILE out.vec",
                "train-classifier MATERIAL/labels.tsv --vectors FILE --max-steps 2 --out NEW",
                "analogy the cat a --vectors FILE --json", "plot vectors --vectors FILE --out map.png",
            )
        )  # fmt: skip
        open_damaged(place, place.arguments(opener, FILE=whole, NEW=place.folder / "new"), whole)


CHECKPOINT_OPENERS = {
    "sentence encoder": ("embed FOLDER MATERIAL/few.txt", "embed FOLDER MATERIAL/few.txt --out e.npy"),
    "tokenizer.json": ("embed FOLDER MATERIAL/few.txt --similar MATERIAL/few.txt",),
    "encoder to fine-tune": ("train-classifier MATERIAL/labels.tsv --init FOLDER --max-steps 1 --out NEW",),
    "weights in several files": ("embed FOLDER MATERIAL/few.txt",),
    "GPT-2": (
        "generate FOLDER --prompt low --max-new-tokens 3", "score FOLDER MATERIAL/few.txt",
        "eval-lm FOLDER --corpus MATERIAL/few.txt",
    ),
}  # fmt: skip


def damaged_checkpoint(place: Place) -> None:
    """Damage a folder of another library and open it."""
    try:
        from tests.tasks.test_fuzzed_folders import FOLDERS
    except BaseException as missing:  # pytest's Skipped is no Exception
        place.note(f"skipped: {missing}")
        return
    sort = place.chance.choice(sorted(CHECKPOINT_OPENERS))
    place.note(sort)
    whole = FOLDERS[sort][0](place.folder / "whole")
    for _ in range(MUTATIONS):
        folder = copy(whole, place.folder / "damaged")
        damage(place, folder)
        opener = place.chance.choice(CHECKPOINT_OPENERS[sort])
        open_damaged(place, place.arguments(opener, FOLDER=folder, NEW=place.folder / "new"), folder)


def _text(folder: Path) -> Path:
    path = folder / "text.txt"
    path.write_text('naïve 中文 cats,\t"sat" on the mat ­ here\n' * 60, "utf-8")
    return path


def _zipped(folder: Path) -> Path:
    path = folder / "text.txt.gz"
    path.write_bytes(gzip.compress(_text(folder).read_bytes()))
    return path


def _folder_of_texts(folder: Path) -> Path:
    texts = folder / "texts"
    for split in ("train", "valid", "test"):
        texts.mkdir(exist_ok=True)
        (texts / f"{split}.txt").write_text("the cat sat on the mat\n" * 50)
    return texts


def _lines(folder: Path) -> Path:
    path = folder / "text.jsonl"
    path.write_text("".join(f'{{"text": "the cat sat {i}"}}\n' for i in range(60)))
    return path


def _pictures(folder: Path) -> Path:
    from PIL import Image

    for label in ("a", "b"):
        (folder / "pictures" / label).mkdir(parents=True)
        for number in range(6):
            Image.new("RGB", (8, 8), (number * 30, 0, 90)).save(folder / "pictures" / label / f"{number}.png")
    return folder / "pictures"


def _settings(folder: Path) -> Path:
    path = folder / "settings.toml"
    path.write_text('emsize = 8\nnhid = 8\nmax-steps = 2\nmodel = "gru"\ndropout = 0.1\ntied = true\n')
    return path


def _material(name: str) -> Callable[[Path], Path]:
    def take(folder: Path) -> Path:
        source, target = folder.parent / "material" / name, folder / f"own-{name}"
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        return target

    return take


_LM = "train-lm FILE --emsize 8 --nhid 8 --max-steps 2 --out NEW"
CORPORA: tuple[tuple[Callable[[Path], Path], tuple[str, ...]], ...] = (
    (_text, (_LM, f"{_LM} --dry-run", f"{_LM} --tokenizer bpe --vocab-size 300",
             "train-lm FILE --model kneser-ney --order 2 --out NEW",
             "train-embeddings FILE --min-count 1 --vector-size 4 --epochs 1 --workers 1 --out NEW")),
    (_zipped, (f"{_LM} --dry-run",)),
    (_folder_of_texts, (_LM, "train-embeddings FILE --min-count 1 --vector-size 4 --model counts --out NEW")),
    (_lines, (f"{_LM} --dry-run",)),
    (_pictures, ("train-images FILE --hidden 4 --max-steps 2 --image-size 8 --out NEW",)),
    (_settings, ("train-lm MATERIAL/text.txt --config FILE --out NEW --max-steps 2",)),
    (_material("pairs.tsv"), ("train-seq2seq FILE --emsize 4 --nhid 4 --max-steps 2 --out NEW",
                              "train-seq2seq FILE --on-bad-line skip --emsize 4 --nhid 4 --max-steps 2 "
                              "--out NEW")),
    (_material("labels.tsv"), ("train-classifier FILE --emsize 4 --model bag --max-steps 2 --out NEW",)),
    (_material("images"), ("train-images FILE --hidden 4 --max-steps 2 --out NEW",)),
    (_material("analogies.txt"), ("eval-embeddings RUN --analogies FILE --pairs MATERIAL/scores.tsv",)),
    (_material("scores.tsv"), ("eval-embeddings RUN --analogies MATERIAL/analogies.txt --pairs FILE",)),
)  # fmt: skip


def damaged_corpus(place: Place) -> None:
    """Damage a corpus, a file of settings or of questions, and read it."""
    write, openers = place.chance.choice(CORPORA)
    vectors: Training | None = None
    if any("RUN" in opener for opener in openers):
        vectors = place.draw_training("train-embeddings")
    whole = write(place.folder)
    names = {"RUN": vectors.undisturbed} if vectors else {}
    for number in range(MUTATIONS):
        path = place.folder / f"{number}-{whole.name}"
        copy(whole, path) if whole.is_dir() else shutil.copy(whole, path)
        damage(place, path)
        opener = place.chance.choice(openers)
        open_damaged(place, place.arguments(opener, FILE=path, NEW=place.folder / "new", **names), path)
