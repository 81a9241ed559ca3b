"""Train a tiny language model in this process and SIGKILL it at a given moment.

``python -m tests.training.kill_driver ORDER.json``; the order holds

    settings, out           what to train, and where
    changes                 settings of the resumed run that differ; the run is resumed where it exists
    kill                    {"where": W, "step": N} or null
    drop_generators         forget the generators' state on resume (the control)

W is "step" (between steps), "before", "inside" or "after" (the rename that publishes last.safetensors, of
the first checkpoint at step N or later), "model" (just after model.safetensors was published) or
"validation" (in the middle of one). Just before it kills, the process writes the step to OUT.alive.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from seqkit.backend.random import Generator
from seqkit.files import atomic
from seqkit.tasks.language_modeling import LanguageModelSettings, train
from seqkit.tasks.language_modeling.task import NeuralLanguageModeling
from seqkit.training import Callback


class Killer(Callback):
    """Knows the step, and when to kill."""

    def __init__(self, out: Path, kill: dict[str, Any]) -> None:
        self.out, self.where, self.target = out, kill["where"], kill["step"]
        self.now = 0

    def on_train_start(self, total: int | None, done: int, unit: str = "step") -> None:
        self.now = done

    def on_step(self, step: int, loss: float) -> None:
        self.now = step
        if self.due("step"):
            self.kill()

    def due(self, where: str) -> bool:
        return self.where == where and self.now >= self.target

    def kill(self) -> NoReturn:
        Path(f"{self.out}.alive").write_text(str(self.now))
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("survived SIGKILL")

    def replace(self, source: Any, target: Any) -> None:
        """Replace a file as ``replace_file`` does, before or after which the process dies."""
        checkpoint = Path(target).name == "last.safetensors"
        if checkpoint and self.due("before"):
            self.kill()
        os.rename(source, target)
        if checkpoint and self.due("after"):
            self.kill()
        if Path(target).name == "model.safetensors" and self.due("model"):
            self.kill()

    def open(self, path: Any, mode: str) -> Any:
        """Like the builtin, but the file takes only half of a checkpoint."""
        file = Path(path).open(mode)  # noqa: SIM115  # closed by its user
        if Path(path).name != "last.safetensors.part" or not self.due("inside"):
            return file
        killer = self

        class Half:
            def __enter__(self) -> Half:
                return self

            def __exit__(self, *_: Any) -> None:
                file.close()

            def writelines(self, pieces: list[bytes]) -> None:
                data = b"".join(pieces)
                file.write(data[: len(data) // 2])
                file.flush()
                killer.kill()

        return Half()


def install(killer: Killer) -> None:
    """Put the killer where the checkpoints and validations pass."""
    atomic.open = killer.open  # type: ignore[attr-defined]
    atomic.replace_file = killer.replace
    plain = NeuralLanguageModeling.validate

    def validate(self: NeuralLanguageModeling, poll: Any) -> Any:
        return plain(self, lambda: killer.kill() if killer.due("validation") else poll())

    NeuralLanguageModeling.validate = validate  # type: ignore[method-assign]


def main(order: dict[str, Any]) -> None:
    out = Path(order["out"])
    killer = Killer(out, order.get("kill") or {"where": "never", "step": 0})
    install(killer)
    if order.get("drop_generators"):
        Generator.load_state = lambda self, state: None  # type: ignore[method-assign]
    settings = LanguageModelSettings.from_values(order["settings"])
    train(settings, out, resume=True, changes=order.get("changes"), callbacks=killer)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
