"""Small trainings of every kind, their undisturbed runs, and what must be equal after any disturbance."""

from __future__ import annotations

import hashlib
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.stress.processes import Child, FaultError, Outcome, Setting, run
from tests.tasks.test_image_classification import write_stripes
from tests.tasks.test_seq2seq import write_pairs
from tests.tasks.test_text_classification import write_reviews
from tests.training.tiny import write_corpus
from tests.training.toy import same_state

_LM = "train-lm MATERIAL/text.txt --emsize 8 --batch-size 4 --dropout 0.2 --log-interval 50"
_SEQ2SEQ = (
    "train-seq2seq MATERIAL/pairs.tsv --tokenizer char --emsize 8 --nhid 8 --batch-size 16 --min-count 1"
)
_CLASSIFIER = "train-classifier MATERIAL/labels.tsv --emsize 8 --min-count 1 --batch-size 16"
_IMAGES = "train-images MATERIAL/images --batch-size 8 --dropout 0.1"
_VECTORS = "train-embeddings MATERIAL/text.txt --vector-size 8 --min-count 1"
_BATCHES = f"{_VECTORS} --sample 0 --batch-size 32 --epochs 3"

TRAININGS: dict[str, str] = {
    "lstm": f"{_LM} --nhid 8 --bptt 5 --epochs 6",
    "lstm, plateau": f"{_LM} --nhid 9 --nlayers 2 --bptt 5 --epochs 5 --optimizer sgd --schedule plateau",
    "gru": f"{_LM} --model gru --nhid 8 --bptt 7 --epochs 5 --accumulate 2",
    "rnn": f"{_LM} --model rnn --nhid 8 --bptt 5 --epochs 4 --optimizer rmsprop",
    "characters": f"{_LM} --nhid 8 --tokenizer char --bptt 9 --max-steps 300",
    "transformer": f"{_LM} --model transformer --nlayers 1 --nhead 2 --context-length 8 --epochs 5",
    "rotary": f"{_LM} --model transformer --nlayers 1 --nhead 2 --context-length 9 --positions rotary "
    "--epochs 4",
    "kneser-ney": "train-lm MATERIAL/text.txt --model kneser-ney --order 3",
    "embedded corpus": "train-lm --emsize 8 --nhid 8 --vocab-size 500 --max-steps 60 --valid-tokens 500",
    "masked": "train-lm MATERIAL/text.txt --objective masked --emsize 8 --nhead 2 --nlayers 1 --epochs 4 "
    "--context-length 8 --batch-size 4 --warmup 20",
    "seq2seq": f"{_SEQ2SEQ} --epochs 6",
    "seq2seq, own tokens": f"{_SEQ2SEQ} --model gru --teacher-forcing 0.5 --attention additive --epochs 5",
    "seq2seq, transformer": f"{_SEQ2SEQ} --model transformer --nlayers 1 --nhead 2 --dropout 0.1 --epochs 4",
    "classifier, bag": f"{_CLASSIFIER} --model bag --epochs 6 --word-dropout 0.1",
    "classifier, lstm": f"{_CLASSIFIER} --model lstm --nhid 8 --epochs 4",
    "classifier, transformer": f"{_CLASSIFIER} --model transformer --nlayers 1 --nhead 2 --epochs 4",
    "images, mlp": f"{_IMAGES} --hidden 16 --batch-norm --epochs 6",
    "images, cnn": "train-images MATERIAL/images --batch-size 8 --model simple-cnn --filters 4 "
    "--filter-size 3 --epochs 3",
    "images, deep cnn": f"{_IMAGES} --model deep-cnn --filters 4,4,4 --hidden 8 --epochs 2",
    "cbow": f"{_VECTORS} --workers 1 --epochs 40",
    "skip-gram": f"{_VECTORS} --model skip-gram --workers 1 --epochs 40",
    "counts": f"{_VECTORS} --model counts",
    "cbow, adam": f"{_BATCHES} --optimizer adam",
    "cbow, softmax": f"{_BATCHES} --optimizer adam --loss softmax",
}
"""Command lines; MATERIAL is the folder of :func:`write_material`."""

OPENERS: dict[str, tuple[str, ...]] = {
    "train-lm": (
        "eval-lm RUN", "generate RUN --max-new-tokens 5", "score RUN MATERIAL/few.txt",
        "plot curves RUN --out c.png", "eval-lm RUN --corpus MATERIAL/text.txt --json",
    ),
    "train-seq2seq": ("eval-seq2seq RUN", "translate RUN abc", "plot curves RUN --out c.png"),
    "train-classifier": (
        "eval-classifier RUN", "classify RUN MATERIAL/few.txt", "plot curves RUN --out c.png",
    ),
    "train-images": ("eval-images RUN", "plot filters RUN --out f.png", "plot mistakes RUN --out m.png"),
    "train-embeddings": (
        "similar the --vectors RUN", "convert RUN converted.txt",
        "eval-embeddings RUN --analogies MATERIAL/analogies.txt --pairs MATERIAL/scores.tsv",
        "train-classifier MATERIAL/labels.tsv --vectors RUN --max-steps 2 --out VEC",
        "train-embeddings MATERIAL/text.txt --init RUN --vector-size 8 --epochs 1 --out VEC",
    ),
    "masked": ("eval-lm RUN", "train-classifier MATERIAL/labels.tsv --init RUN --max-steps 2 --out VEC"),
}  # fmt: skip
"""Command lines that open a run of each command."""


def write_material(folder: Path) -> None:
    """Write the corpora of all trainings."""
    folder.mkdir()
    write_corpus(folder / "text.txt")
    (folder / "few.txt").write_text("the cat sat\n\na big red dog\n")
    write_pairs(folder / "pairs.tsv")
    write_reviews(folder / "labels.tsv")
    write_stripes(folder / "images", count=60)
    (folder / "analogies.txt").write_text(": pets\nthe cat a dog\nred mat big house\n")
    (folder / "scores.tsv").write_text("cat\tdog\t7.5\nred\tmat\t1.5\nbig\thouse\t3\n")


@dataclass
class Place:
    """The folders of a stress test: material, undisturbed runs, a cache, and one for each action.

    Attributes:
        root: The folder that holds them all.
        cache: The cache of the undisturbed runs, with compiled kernels.
        folder: That of the action.
        chance: The action's random numbers.
        notes: What the action did, for the report of a fault.

    """

    root: Path
    cache: Path
    folder: Path
    chance: random.Random
    notes: list[str]

    def note(self, text: str) -> None:
        """Add to what the action did."""
        self.notes.append(text)

    def setting(self, **changes: object) -> Setting:
        """Return the surroundings of an undisturbed command in the action's folder."""
        setting = Setting(self.folder, {"SEQKIT_CACHE": str(self.cache)})
        for name, value in changes.items():
            setattr(setting, name, value)
        return setting

    def arguments(self, line: str, **names: Path | str) -> list[str]:
        """Return the arguments of a command line with names in capitals."""
        names = {"MATERIAL": self.root / "material", **names}
        words = line.split()
        for name, value in names.items():
            words = [word.replace(name, str(value)) for word in words]
        return words

    def draw_training(self, *commands: str) -> Training:
        """Draw a training of one of the commands, or of any, with its undisturbed run."""
        names = [name for name, line in TRAININGS.items() if not commands or line.split()[0] in commands]
        name, seed = self.chance.choice(names), self.chance.choice((0, 1))
        line = TRAININGS[name] if name == "kneser-ney" else f"{TRAININGS[name]} --seed {seed}"
        if name not in ("kneser-ney", "counts"):
            line += " --checkpoint-interval 0.1"
        undisturbed = self.root / "undisturbed" / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"
        training = Training(name, self.arguments(line), undisturbed)
        self.note(f"training: {name}, seed {seed}")
        if not undisturbed.exists():
            outcome = run(training.command(undisturbed), self.setting())
            outcome.require_own_words(0)
            training.seconds_file.write_text(str(outcome.cpu))
        return training

    def fresh(self) -> bool:
        """Draw whether a command gets an interpreter of its own: one in five."""
        return self.chance.random() < 0.2


@dataclass(frozen=True)
class Training:
    """A training: its name, its command line without --out, and the run that nothing disturbed."""

    name: str
    line: list[str]
    undisturbed: Path

    @property
    def seconds_file(self) -> Path:
        """Where the CPU seconds of the undisturbed run are kept."""
        return self.undisturbed.with_suffix(".seconds")

    @property
    def openers(self) -> tuple[str, ...]:
        """The command lines that open such a run."""
        return OPENERS["masked" if self.name == "masked" else self.line[0]]

    def command(self, out: Path, *, resume: bool = False) -> list[str]:
        """Return the arguments of the command that trains into ``out``."""
        return [*self.line, "--out", str(out), *(["--resume"] if resume else [])]

    def draw_moment(self, chance: random.Random) -> float:
        """Draw seconds after the start of the command, while it is probably running."""
        return chance.uniform(0, 1.5 * float(self.seconds_file.read_text()) + 0.1)

    def require_same(self, run_folder: Path) -> None:
        """Fail unless a run has the bits of the undisturbed one."""
        name = "model.safetensors"
        first, second = (digest(folder / name) for folder in (self.undisturbed, run_folder))
        if first != second:
            raise FaultError(f"expected the {name} of {self.undisturbed.name}, got another in {run_folder}")
        if (self.undisturbed / "last.safetensors").exists() and self.line[0] != "train-embeddings":
            try:
                same_state(self.undisturbed, run_folder)
            except AssertionError as error:
                raise FaultError(f"{run_folder}: {error}") from error
        if leftovers := [file.name for file in run_folder.iterdir() if file.suffix == ".part"]:
            raise FaultError(f"{run_folder} still has {leftovers}")

    def finish(self, place: Place, out: Path) -> None:
        """Resume until done, without a disturbance, and compare."""
        run(self.command(out, resume=True), place.setting()).require_own_words(0)
        self.require_same(out)


def digest(path: Path) -> str:
    """Return a checksum of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def copy(source: Path, target: Path) -> Path:
    """Copy a folder in place of another."""
    shutil.rmtree(target, ignore_errors=True)
    return shutil.copytree(source, target)


__all__ = ["Child", "Outcome", "Place", "Training", "copy", "digest", "write_material"]
