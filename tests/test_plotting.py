"""Figures: their contents, their files, and that no global setting changes."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seqkit.errors import MissingDependencyError, UsageError
from seqkit.plotting import (
    FORMATS,
    new_figure,
    plot_attention,
    plot_curves,
    plot_images,
    plot_search,
    plot_word_map,
    project_to_plane,
    save,
)
from tests.exhaustive import some

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
        "loss (nats)",
        "linear",
    )
    assert (ppl.get_xlabel(), ppl.get_ylabel(), ppl.get_yscale()) == ("step", "perplexity", "log")


def test_curves_of_several_runs_are_told_apart():
    loss, ppl = plot_curves([RUN, OTHER], ["lstm", "gru"]).axes
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["lstm", "gru"]
    assert [text.get_text() for text in ppl.get_legend().get_texts()] == ["lstm", "gru", "train", "valid"]
    lstm_train, lstm_valid, gru_train, *_ = ppl.lines
    assert lstm_valid.get_label() == "lstm"
    assert lstm_train.get_color() == lstm_valid.get_color() == loss.lines[0].get_color()
    assert lstm_train.get_color() != gru_train.get_color()


def test_runs_without_labels_are_numbered():
    loss, _ = plot_curves([RUN, OTHER]).axes
    assert list(drawn(loss)) == ["run 1", "run 2"]


LONG = [
    {"step": 5, "epoch": 1, "loss": 3.0, "seconds": 30},
    {"step": 10, "epoch": 1, "train_loss": 3.0, "valid_loss": 2.5, "valid_accuracy": 0.5, "seconds": 90},
    {"step": 15, "epoch": 2, "loss": 2.0, "seconds": 120},
    {"step": 18, "epoch": 2, "train_loss": 2.0, "valid_loss": 2.0, "complete": False, "seconds": 150},
]


@pytest.mark.parametrize(
    ("by", "train", "valid"),
    [("step", [5, 15], [10, 18]), ("epoch", [0.5, 1.5], [1, 1.8]), ("minutes", [0.5, 2], [1.5, 2.5])],
)
def test_the_horizontal_axis(by: str, train: list[float], valid: list[float]) -> None:
    loss, score = plot_curves([LONG], by=by).axes
    assert loss.get_xlabel() == by
    assert [x for x, _ in drawn(loss)["train"]] == pytest.approx(train)
    assert [x for x, _ in drawn(loss)["valid"]] == pytest.approx(valid)
    assert score.get_ylabel() == "validation score"
    assert [y for _, y in drawn(score)["valid"]] == [0.5]


@pytest.mark.parametrize(("by", "missing"), [("epoch", "complete epochs"), ("minutes", "times")])
def test_a_log_without_epochs_or_times(by: str, missing: str) -> None:
    with pytest.raises(UsageError, match=f"the log of 'run 1' has no {missing}"):
        plot_curves([OTHER], by=by)


def test_a_panel_without_values_is_left_out():
    [axes] = plot_curves([[{"step": 1, "valid_loss": 2.0}]]).axes
    assert axes.get_ylabel() == "loss (nats)"
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
    with pytest.raises(UsageError, match="one label for each of 2 runs, got 1"):
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


def test_notebooks_show_figures_without_pyplot():
    script = "from seqkit.plotting import new_figure; import sys; f = new_figure(2, 1); f.subplots()\n"
    script += (
        "data = f._repr_png_(); assert data[:4] == b'\\x89PNG'; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


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
    ("name", "received"), [("curves.gif", r"'\.gif'"), ("curves", "'no suffix'"), ("curves.", r"'")]
)
def test_other_suffixes_are_refused(tmp_path, name, received):
    with pytest.raises(UsageError, match=rf"file ending in \.pdf, \.png, \.svg, got {received}"):
        save(plot_curves([RUN]), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"'.*figures' does not exist; create it"):
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


def test_pca_finds_the_plane_that_points_lie_in():
    # unit vectors in a plane turned into five dimensions: the map keeps every distance
    angles = np.radians([0, 20, 70, 160, 200, 290, 330])
    plane = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 2)))[0]
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    mapped = project_to_plane(7 * points @ plane.T)  # lengths are left out of account
    assert mapped.shape == (7, 2)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.testing.assert_allclose(np.linalg.norm(mapped[:, None] - mapped[None], axis=2), distances, atol=1e-12)
    assert mapped[:, 0].var() >= mapped[:, 1].var()
    np.testing.assert_allclose(mapped.mean(axis=0), 0, atol=1e-12)


def test_a_zero_vector_has_its_place_too():
    assert np.isfinite(project_to_plane([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])).all()


@pytest.mark.parametrize("vectors", [np.ones((2, 5)), np.ones((5, 1)), np.ones(7)])
def test_a_map_needs_three_vectors(vectors):
    with pytest.raises(UsageError, match=r"N ≥ 3 and D ≥ 2, got shape \("):
        project_to_plane(vectors)


def test_an_unknown_method_is_named():
    with pytest.raises(UsageError, match="unknown method 'umap'; use pca or tsne"):
        project_to_plane(np.eye(3), "umap")


def test_tsne_keeps_neighbours_together():
    pytest.importorskip("sklearn")
    random = np.random.default_rng(0)
    clouds = np.repeat(np.eye(7)[:2] * 9, 11, axis=0) + random.standard_normal((22, 7)) * 0.1
    mapped = project_to_plane(clouds, "tsne")
    np.testing.assert_array_equal(mapped, project_to_plane(clouds, "tsne"))
    first, second = mapped[:11], mapped[11:]
    spread = max(np.linalg.norm(each - each.mean(axis=0), axis=1).max() for each in (first, second))
    assert np.linalg.norm(first.mean(axis=0) - second.mean(axis=0)) > 2 * spread


def test_without_scikit_learn_the_error_names_the_pip_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(MissingDependencyError, match="pip install scikit-learn, or use the method pca"):
        project_to_plane(np.eye(3), "tsne")


def boxes(axes):
    return np.array([text.get_window_extent().extents for text in axes.texts if text.get_text()])


@pytest.mark.parametrize("count", [3, 37, 90])
def test_labels_of_a_map_cover_no_other(count):
    labels = [f"word {i}" for i in range(count)]
    figure = plot_word_map(labels, np.random.default_rng(count).standard_normal((count, 2)))
    figure.draw_without_rendering()
    [axes] = figure.axes
    assert [text.get_text() for text in axes.texts if text.get_text()] == labels
    found = boxes(axes)
    wide = np.minimum(found[:, None, 2:], found[None, :, 2:]) - np.maximum(
        found[:, None, :2], found[None, :, :2]
    )
    covered = np.prod(np.clip(wide, 0, None), axis=2)
    np.fill_diagonal(covered, 0)
    assert np.count_nonzero(covered > 1) == 0


def test_points_on_one_place_are_drawn_too():
    [axes] = plot_word_map(["a$b", "c$d", "e_f^g"], np.zeros((3, 2))).axes
    assert {text.get_text() for text in axes.texts} >= {"a$b", "c$d", "e_f^g"}
    assert len({tuple(text.get_position()) for text in axes.texts if text.get_text()}) == 3


def test_groups_of_a_map_have_colours_and_a_legend(tmp_path):
    figure = plot_word_map(["red", "pink", "king"], np.eye(3)[:, :2], [0, 0, 1], ["red", "king"])
    [axes] = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["red", "king"]
    red, pink, king = (text for text in axes.texts if text.get_text())
    assert red.get_color() == pink.get_color() != king.get_color()
    assert [text.get_fontweight() for text in (red, pink, king)] == ["bold", "normal", "bold"]
    save(figure, tmp_path / "map.svg")


@pytest.mark.parametrize(
    ("labels", "points", "what"),
    [
        (["a"], np.zeros((2, 2)), r"points \(N, 2\) with N labels, got \(2, 2\) and 1 labels"),
        ([], np.zeros((0, 2)), "nothing to draw"),
        (["a"], [[np.nan, 0]], "not finite"),
    ],
)
def test_a_map_that_cannot_be_drawn(labels, points, what):
    with pytest.raises(UsageError, match=what):
        plot_word_map(labels, points)


def test_images_side_by_side(random, tmp_path):
    images = random.integers(0, 256, (7, 5, 3, 1), np.uint8)
    figure = plot_images(images, [f"{n} → $ {n}" for n in range(7)], columns=4)
    drawn = [axes for axes in figure.axes if axes.images]
    assert (len(figure.axes), len(drawn)) == (8, 7)
    for axes, image in zip(drawn, images, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), image[..., 0])
        assert axes.images[0].get_clim() == (0, 255)
    save(figure, tmp_path / "images.png")
    colours = plot_images(random.random((2, 5, 3, 3)))
    assert colours.axes[0].images[0].get_array().shape == (5, 3, 3)


@pytest.mark.parametrize(
    ("shape", "titles", "what"),
    [
        ((0, 5, 3, 1), None, "1 or 3 channels"),
        ((2, 5, 3, 2), None, "1 or 3 channels"),
        ((2, 5, 3), None, "1 or 3 channels"),
        ((2, 5, 3, 1), ["a"], "expected 2 titles for 2 images, got 1"),
    ],
)
def test_images_that_cannot_be_drawn(shape, titles, what):
    with pytest.raises(UsageError, match=what):
        plot_images(np.zeros(shape), titles)


ANY_TEXT = ["x" * 20_000, "$\\frac{$", "_hidden", "a\x1b]0;b\x07\n", "", "[" * 500]


@pytest.mark.parametrize("text", some(ANY_TEXT, 2))
def test_any_text_can_stand_in_a_figure(text: str) -> None:
    """Labels, words and names of runs come from files; none may fill the memory or vanish."""
    record = {"step": 1, "loss": 2.0}
    figures = {
        "images": plot_images(np.zeros((2, 4, 4, 1)), [text, "b"]),
        "attention": plot_attention(np.eye(2), [text, "b"], ["c", text]),
        "map": plot_word_map([text, "b", "c"], np.eye(3)[:, :2], [0, 1, 1], [text, "d"]),
        "curves": plot_curves([[record], [record]], [text, "b"]),
    }
    for figure in figures.values():
        assert max(figure.get_size_inches()) < 30
        figure.draw_without_rendering()
    for name in ("map", "curves"):
        first, _ = figures[name].axes[0].get_legend().get_texts()
        assert text.isprintable() == first.get_text().strip().startswith(text[:40].strip())


def test_a_figure_that_no_memory_holds_is_refused() -> None:
    with pytest.raises(UsageError, match=r"at most 134,217,728 pixels, got 1,000 × 1,000 inches; draw less"):
        new_figure(1000, 1000)


@pytest.mark.parametrize("found", [False, True])
def test_characters_get_a_font_that_has_them_or_its_name_is_said(
    found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warnings are errors here, Matplotlib's about missing glyphs included."""
    from matplotlib.font_manager import findfont, fontManager

    from seqkit.plotting import fonts

    others = [entry.fname for entry in fontManager.ttflist if entry.name.startswith("Last Resort")]
    if found and not others:
        pytest.skip("this Matplotlib has no font of all characters")
    candidates = [(findfont("DejaVu Sans Mono"), "DejaVu Sans Mono")]
    candidates += [(name, "Last Resort High-Efficiency") for name in others[:found]]
    monkeypatch.setattr(fonts, "_candidates", lambda: candidates)
    notes: list[str] = []
    figure = plot_word_map(["天气", "かな", "ไทย", "word"], np.eye(4, 2))
    save(figure, tmp_path / "map.png", on_message=notes.append)
    families = figure.axes[0].texts[0].get_fontfamily()
    if found:
        assert notes == []
        assert families[1:] == ["Last Resort High-Efficiency"]
        return
    assert len(notes) == 1
    assert notes[0].startswith("no installed font has the characters ทยไかな天气; install Noto Sans CJK and ")
    with pytest.warns(UserWarning, match="no installed font"):
        save(figure, tmp_path / "map.svg")


def test_the_figure_of_a_search_shows_each_trial_once() -> None:
    rows = [
        {"number": 0, "state": "complete", "score": 2.0, "params": {"lr": 0.01, "model": "lstm"}},
        {"number": 1, "state": "pruned", "score": 2.4, "params": {"lr": 0.3, "model": "gru"}},
        {"number": 2, "state": "complete", "score": 1.5, "params": {"lr": 0.02, "model": "gru"}},
        {"number": 3, "state": "diverged", "score": None, "params": {"lr": 0.9, "model": "lstm"}},
        {"number": 4, "state": "complete", "score": 900.0, "params": {"lr": 0.8, "model": "lstm"}},
    ]
    figure = plot_search(rows, importance={"model": 0.8, "lr": 0.2}, logarithmic=["lr"])
    history, bars, model, lr = [axes for axes in figure.axes if axes.get_visible()]
    drawn = {each.get_label(): each.get_offsets().tolist() for each in history.collections}
    low, high = history.get_ylim()
    assert drawn == {
        "complete": [[0, 2.0], [2, 1.5], [4, high]], "pruned": [[1, 2.4]], "diverged": [[3, high]],
    }  # fmt: skip
    assert low < 1.5 < 2.4 < high < 900
    [best] = history.lines
    assert best.get_xydata().tolist() == [[0, 2.0], [2, 1.5], [4, 1.5], [4, 1.5]]
    assert [each.get_width() for each in bars.patches] == [0.2, 0.8]
    assert (model.get_xlabel(), lr.get_xlabel(), lr.get_xscale()) == ("model", "lr", "log")
    assert sum(len(each.get_offsets()) for each in lr.collections) == 4
    upwards = plot_search(rows[:3], maximize=True)
    assert upwards.axes[0].lines[0].get_ydata().tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(UsageError, match="no trial has a score yet"):
        plot_search(rows[3:4])
