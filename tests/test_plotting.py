"""Figures: what is drawn, that nothing global changes, and that files come out whole."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from seqkit.errors import MissingDependencyError, UsageError
from seqkit.plotting import FORMATS, plot_curves, save

RUN = [
    {"step": 10, "epoch": 0, "loss": 6.0, "ppl": 403.4, "lr": 20.0},
    {"step": 20, "epoch": 0, "loss": 5.0, "ppl": 148.4, "lr": 20.0},
    {"step": 20, "epoch": 1, "valid_ppl": 160.0, "loss": None},
    {"step": 30, "epoch": 1, "loss": math.nan, "ppl": math.inf, "lr": 20.0},
]
OTHER = [{"step": 10, "loss": 5.5, "ppl": 244.7}]


@pytest.fixture(autouse=True)
def _matplotlib():
    pytest.importorskip("matplotlib")


def drawn(axes) -> dict[str, list[tuple[float, float]]]:
    return {
        line.get_label(): list(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in axes.lines
    }


def test_curves_of_one_run():
    loss, ppl = plot_curves([RUN]).axes
    assert drawn(loss) == {"train": [(10, 6.0), (20, 5.0)]}
    assert drawn(ppl) == {"train": [(10, 403.4), (20, 148.4)], "valid": [(20, 160.0)]}
    assert (loss.get_xlabel(), loss.get_ylabel(), loss.get_yscale()) == (
        "step",
        "loss (nats per token)",
        "linear",
    )
    assert (ppl.get_xlabel(), ppl.get_ylabel(), ppl.get_yscale()) == ("step", "perplexity", "log")


def test_curves_of_several_runs_are_told_apart():
    loss, ppl = plot_curves([RUN, OTHER], ["lstm", "gru"]).axes
    assert list(drawn(loss)) == ["lstm, train", "gru, train"]
    assert list(drawn(ppl)) == ["lstm, train", "lstm, valid", "gru, train"]
    assert [text.get_text() for text in ppl.get_legend().get_texts()] == list(drawn(ppl))
    lstm_train, lstm_valid, gru_train = ppl.lines
    assert lstm_train.get_color() == lstm_valid.get_color() == loss.lines[0].get_color()
    assert lstm_train.get_color() != gru_train.get_color()


def test_runs_without_labels_are_numbered():
    loss, _ = plot_curves([RUN, OTHER]).axes
    assert list(drawn(loss)) == ["run 1, train", "run 2, train"]


def test_a_panel_without_values_is_left_out():
    [axes] = plot_curves([[{"step": 1, "valid_loss": 2.0}]]).axes
    assert axes.get_ylabel() == "loss (nats per token)"
    assert drawn(axes) == {"valid": [(1, 2.0)]}


def test_perplexity_ticks_are_plain_numbers():
    for ppls in ([80, 120], [50, 900], [2, 90_000]):
        figure = plot_curves([[{"step": i, "ppl": p} for i, p in enumerate(ppls)]])
        figure.draw_without_rendering()
        [axes] = figure.axes
        low, high = axes.get_ylim()
        ticks = [
            label.get_text()
            for y, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
            if low <= y <= high
        ]
        assert len(ticks) >= 3
        assert all(tick.isdecimal() for tick in ticks), ticks


@pytest.mark.parametrize("runs", [[], [[]], [[{"step": 1, "lr": 20.0}]], [[{"step": 1, "loss": math.nan}]]])
def test_nothing_to_draw(runs):
    with pytest.raises(UsageError, match="nothing to draw"):
        plot_curves(runs)


def test_labels_must_match():
    with pytest.raises(UsageError, match="one label a run, not 1 for 2 runs"):
        plot_curves([RUN, OTHER], ["lstm"])


def test_a_value_without_a_step_is_named():
    with pytest.raises(UsageError, match="'ppl' of the run 'lstm' has no 'step'"):
        plot_curves([[{"ppl": 90.0}]], ["lstm"])


SIGNATURES = {".png": b"\x89PNG\r\n\x1a\n", ".pdf": b"%PDF", ".svg": b"<?xml"}


@pytest.mark.parametrize("suffix", sorted(SIGNATURES))
def test_the_suffix_chooses_the_format(tmp_path, suffix):
    path = tmp_path / f"curves{suffix}"
    save(plot_curves([RUN]), path)
    assert path.read_bytes().startswith(SIGNATURES[suffix])


@pytest.mark.parametrize(("suffix", "date"), [(".pdf", b"CreationDate"), (".svg", b"dc:date")])
def test_no_date_is_written(tmp_path, suffix, date):
    figure = plot_curves([RUN])
    save(figure, tmp_path / f"curves{suffix}")
    figure.savefig(tmp_path / f"dated{suffix}")  # as Matplotlib would
    assert date in (tmp_path / f"dated{suffix}").read_bytes()
    assert date not in (tmp_path / f"curves{suffix}").read_bytes()


def test_every_format_is_tested():
    assert sorted(SIGNATURES) == sorted(FORMATS)


def test_the_suffix_may_be_written_in_capitals(tmp_path):
    save(plot_curves([RUN]), str(tmp_path / "curves.PNG"))
    assert (tmp_path / "curves.PNG").read_bytes().startswith(SIGNATURES[".png"])


@pytest.mark.parametrize(
    ("name", "received"), [("curves.gif", r"'\.gif'"), ("curves", "'nothing'"), ("curves.", r"'")]
)
def test_other_suffixes_are_refused(tmp_path, name, received):
    with pytest.raises(UsageError, match=rf"must end in \.pdf, \.png, \.svg, not {received}"):
        save(plot_curves([RUN]), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"'.*figures' is not there; create it"):
        save(plot_curves([RUN]), tmp_path / "figures" / "curves.png")


def test_the_user_s_settings_and_pyplot_are_left_alone(tmp_path):
    program = f"""
import sys
import seqkit.plotting
assert "matplotlib" not in sys.modules, "imported before use"
import matplotlib
before = matplotlib.rcParams.copy()  # a plain read of "backend" would load pyplot to choose one
seqkit.plotting.save(seqkit.plotting.plot_curves([[{{"step": 1, "loss": 2.0}}]]), {str(tmp_path / "a.png")!r})
assert "matplotlib.pyplot" not in sys.modules, "pyplot loaded"
changed = [key for key in before if key != "backend" and before[key] != matplotlib.rcParams[key]]
assert not changed, changed
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path(tmp_path / "a.png").stat().st_size > 0


def test_without_matplotlib_the_error_names_the_pip_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'seqkit\[plot\]'"):
        plot_curves([RUN])
