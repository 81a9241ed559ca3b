"""Trainings that are killed, doubled, and left without terminal, disk, cache or file descriptors."""

from __future__ import annotations

import contextlib
import os
import pty
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.files.mutations import with_other_bytes
from tests.stress.processes import SECONDS, Child, FaultError, Outcome, Setting, run
from tests.stress.trainings import Place, Training, copy

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def kill_and_resume(place: Place) -> None:
    """Kill a training at random moments and resume it, until it is done."""
    training, out = place.draw_training(), place.folder / "run"
    for _ in range(place.chance.randint(1, 6)):
        setting, signum = place.setting(fresh=place.fresh()), place.chance.choice(SIGNALS)
        moment = training.draw_moment(place.chance) + (0.5 if setting.fresh else 0)
        place.note(f"{signum.name} after {moment:.3f} s{' of a fresh interpreter' * setting.fresh}")
        if _killed(Child(training.command(out, resume=True), setting), moment, signum, setting).code == 0:
            break
        if out.exists() and place.chance.random() < 0.3:
            _damage_a_copy(place, training, out)
    training.finish(place, out)


def _killed(child: Child, moment: float, signum: signal.Signals, setting: Setting) -> Outcome:
    outcome = child.wait(moment)
    if outcome is None:
        child.signal(signum)
        outcome = child.finish()
    if signum == signal.SIGKILL and outcome.code == -signal.SIGKILL:
        return outcome
    if outcome.code == -signum:  # before there was a handler
        return outcome
    if outcome.code == 0:
        return outcome.require_own_words(0)
    if setting.fresh and outcome.code == 128 + signum and b"KeyboardInterrupt" in outcome.err:
        return outcome  # the interpreter's own, before seqkit was imported
    return outcome.require_own_words(128 + signum)


def _damage_a_copy(place: Place, training: Training, out: Path) -> None:
    """Damage a file of an unfinished run, or lose it: resuming refuses, or comes to the same bits."""
    damaged = copy(out, place.folder / "damaged")
    file = place.chance.choice(sorted(damaged.iterdir()))
    before = file.read_bytes()
    if place.chance.random() < 0.2:
        file.unlink()
        place.note(f"a copy without {file.name}")
    else:
        file.write_bytes(with_other_bytes(before, place.chance))
        place.note(f"a copy with a damaged {file.name}")
    outcome = run(training.command(damaged, resume=True), place.setting()).require_own_words(0, 1)
    if outcome.code == 0:
        training.require_same(damaged)
    shutil.rmtree(damaged)


def two_at_once(place: Place) -> None:
    """Resume a run twice at once: one refuses, or comes when the other is done."""
    training, out = place.draw_training(), place.folder / "run"
    if place.chance.random() < 0.7:
        moment = training.draw_moment(place.chance)
        place.note(f"SIGKILL after {moment:.3f} s, then two")
        _killed(Child(training.command(out), place.setting()), moment, signal.SIGKILL, place.setting())
    children = []
    for _ in range(2):
        children.append(Child(training.command(out, resume=True), place.setting()))
        time.sleep(place.chance.choice((0, 0, 0.02, 0.2)))
    outcomes = [child.finish().require_own_words(0, 1) for child in children]
    if {outcome.code for outcome in outcomes} == {1}:
        raise outcomes[0].fault(f"expected one of two to train, got {outcomes[1].err.decode()}")
    refusals = (
        b"another process is training the run",
        b"already holds config.json",
    )  # the other was done soon
    for outcome in outcomes:
        if outcome.code == 1 and not any(refusal in outcome.err for refusal in refusals):
            raise outcome.fault("expected a refusal that names the other process")
    training.finish(place, out)


@contextlib.contextmanager
def small_disk(place: Place, size: int) -> Iterator[tuple[Path, dict[int, int]]]:
    """Give a folder with so much space, and limits: where nothing can be mounted, files have a limit."""
    disk = place.folder / "disk"
    disk.mkdir()
    mounted = (
        os.geteuid() == 0
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={max(size, 4096)}", "tmpfs", str(disk)], capture_output=True
        ).returncode
        == 0
    )
    try:
        yield disk, {} if mounted else {resource.RLIMIT_FSIZE: max(size, 4096)}
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(disk)], check=True)


def full_disk(place: Place) -> None:
    """Train on a disk that fills up, then, with space, resume."""
    training = place.draw_training()
    size = sum(file.stat().st_size for file in training.undisturbed.iterdir())
    with small_disk(place, int(size * place.chance.uniform(0.1, 2.5))) as (disk, limits):
        place.note(f"a disk of a part of {size} bytes")
        setting = place.setting(limits=limits, prepare=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
        out = disk / "run"
        outcome = run(training.command(out, resume=True), setting).require_own_words(0, 1)
        if outcome.code == 1 and not any(
            word in outcome.err for word in (b"No space left", b"File too large")
        ):
            raise outcome.fault("expected the reason to be the full disk")
        rescued = place.folder / "run"
        if out.exists():
            shutil.copytree(out, rescued)
    if outcome.code == 0:
        training.require_same(rescued)
    training.finish(place, rescued)


def full_cache(place: Place) -> None:
    """Train with a cache that cannot take more, and some kernels to compile."""
    training = place.draw_training()
    cache = copy(place.cache, place.folder / "cache")
    _lose_kernels(place, cache)
    size = sum(file.stat().st_size + 4096 for file in cache.rglob("*") if file.is_file())
    with small_disk(place, size + (1 << 20)) as (disk, limits):
        shutil.copytree(cache, disk / "cache")
        with contextlib.suppress(OSError), open(disk / "filler", "wb") as filler:
            for _ in range(64 if not limits else 0):
                filler.write(bytes(1 << 16))
                filler.flush()
        setting = place.setting(environment={"SEQKIT_CACHE": str(disk / "cache")})
        _trains(place, training, setting)


def _lose_kernels(place: Place, cache: Path) -> None:
    for path in place.chance.sample(kernels := sorted(cache.glob("kernels/*/*.o")), min(2, len(kernels))):
        path.unlink()
        place.note(f"without {path.name}")


def _trains(place: Place, training: Training, setting: Setting) -> None:
    """Train in these surroundings: nothing may change, but tokens that cannot be kept are told of."""
    out = place.folder / "run"
    outcome = run(training.command(out), setting).require_own_words(0, 1)
    if outcome.code and b"the cache cannot be written" not in outcome.err:
        raise outcome.fault("expected exit code 0, or a cache that cannot be written")
    training.finish(place, out)


def damaged_cache(place: Place) -> None:
    """Damage files of the cache: kernels are compiled again, tokens are encoded again."""
    training = place.draw_training()
    cache = copy(place.cache, place.folder / "cache")
    files = sorted(path for path in cache.rglob("*") if path.is_file())
    for path in place.chance.sample(files, min(len(files), place.chance.randint(1, 4))):
        data, how = path.read_bytes(), place.chance.choice(("empty", "bytes", "other", "folder", "lost"))
        place.note(f"{path.name}: {how}")
        path.unlink()
        if how == "empty":
            path.touch()
        elif how == "bytes":
            path.write_bytes(with_other_bytes(data, place.chance))
        elif how == "other":
            path.write_bytes(place.chance.choice([other for other in files if other.is_file()]).read_bytes())
        elif how == "folder":
            path.mkdir()
    _trains(place, training, place.setting(environment={"SEQKIT_CACHE": str(cache)}))


def forbidden_cache(place: Place) -> None:
    """Train where the cache may not be read or written."""
    training = place.draw_training()
    cache = copy(place.cache, place.folder / "cache")
    mode = place.chance.choice((0o000, 0o400, 0o500))
    forbidden = place.chance.choice([cache, *(path for path in cache.glob("*") if path.is_dir())])
    user = ("unshare", "--user", "--map-user=12345", "--") if os.geteuid() == 0 else ()
    if user and subprocess.run([*user, "true"], capture_output=True).returncode:
        place.note("skipped: root, and no user namespaces")
        return
    place.note(f"{forbidden.relative_to(place.folder)} has mode {mode:o}")
    forbidden.chmod(mode)
    try:
        environment = {"SEQKIT_CACHE": str(cache), "MPLCONFIGDIR": str(place.folder)}
        _trains(place, training, place.setting(environment=environment, fresh=True, prefix=user))
    finally:
        forbidden.chmod(0o700)


def few_descriptors(place: Place) -> None:
    """Train with few file descriptors: it works, or says so."""
    training, number = place.draw_training(), place.chance.randint(9, 40)
    place.note(f"{number} file descriptors")
    out = place.folder / "run"
    outcome = run(training.command(out), place.setting(limits={resource.RLIMIT_NOFILE: number}))
    outcome.require_own_words(0, 1)
    training.finish(place, out)


def lost_terminal(place: Place) -> None:
    """Take the terminal away from a training, which goes on."""
    training, out = place.draw_training(), place.folder / "run"
    leader, follower = pty.openpty()
    name = os.ttyname(follower)

    def prepare() -> None:
        terminal = os.open(name, os.O_RDWR)  # of the session's leader: it becomes its terminal
        for number in (0, 1, 2):
            os.dup2(terminal, number)

    moment = training.draw_moment(place.chance)
    place.note(f"the terminal goes after {moment:.3f} s")
    child = Child(training.command(out), place.setting(prepare=prepare, fresh=place.fresh()))
    deadline = time.monotonic() + moment
    os.set_blocking(leader, False)
    shown = b""
    while time.monotonic() < deadline and not child.ended():
        with contextlib.suppress(OSError):
            shown += os.read(leader, 1 << 16)
        time.sleep(0.005)
    os.close(follower)
    os.close(leader)
    begun = (out / "last.safetensors").exists()
    outcome = child.finish()
    if b"Traceback" in shown or outcome.code not in (0, 1, -signal.SIGHUP):
        raise outcome.fault(f"expected the training to go on without its terminal: {shown[-2000:]!r}")
    if begun:  # whatever the code: the result could not be shown
        training.require_same(out)
    training.finish(place, out)


def lost_streams(place: Place) -> None:
    """Train, or use a run, with closed or full output, or a reader that goes away."""
    training, out = place.draw_training(), place.folder / "run"
    stream, how = place.chance.choice((1, 2)), place.chance.choice(("closed", "full", "reader gone"))
    using = place.chance.random() < 0.4
    place.note(f"{('', 'output', 'error')[stream]}: {how}")
    reader, writer = os.pipe()

    def prepare() -> None:
        if how == "closed":
            os.close(stream)
        else:
            os.dup2(os.open("/dev/full", os.O_WRONLY) if how == "full" else writer, stream)

    setting = place.setting(prepare=prepare, fresh=True)
    if using:
        opener = place.chance.choice(training.openers)
        place.note(opener)
        setting.folder = place.folder
        child = Child(place.arguments(opener, RUN=training.undisturbed), setting)
    else:
        child = Child(training.command(out), setting)
    os.close(writer)
    if how == "reader gone" and place.chance.random() < 0.5:
        os.set_blocking(reader, False)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and not child.ended():
            with contextlib.suppress(BlockingIOError):
                os.read(reader, 64)
                break
            time.sleep(0.01)
    os.close(reader)
    outcome = child.finish()
    words = [word for word in (b"Traceback", b"Exception ignored") if word in outcome.err]
    if words or outcome.code not in (0, 1):
        raise outcome.fault("expected a quiet end")
    if not using:
        if stream == 2 and outcome.code:
            raise outcome.fault("expected the training to go on in silence")
        training.finish(place, out)


__all__ = ["FaultError"]
