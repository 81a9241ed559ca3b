"""Factors of the base rate, worked out on paper."""

import json
import math

import pytest

from seqkit.errors import UsageError
from seqkit.optim import SCHEDULES, make_schedule

SETTINGS = {"linear": {"total_steps": 10}, "cosine": {"total_steps": 10}, "step": {"every": 2}}


def by_step(schedule, *steps):
    return [schedule.at(step, 0.0) for step in steps]


def by_epoch(schedule, *epochs):
    return [schedule.at(0, epoch) for epoch in epochs]


def test_constant():
    assert by_step(make_schedule("constant"), 0, 1, 10**6) == [1.0, 1.0, 1.0]


def test_step_by_epochs():
    schedule = make_schedule("step", every=2, gamma=0.5)
    assert by_epoch(schedule, 0, 1.99, 2, 3.5, 4, 6) == [1, 1, 1 / 2, 1 / 2, 1 / 4, 1 / 8]
    assert by_step(schedule, 0, 100) == [1, 1]


def test_step_by_steps():
    schedule = make_schedule("step", every=3, gamma=0.5, unit="step")
    assert by_step(schedule, 0, 2, 3, 5, 6) == [1, 1, 1 / 2, 1 / 2, 1 / 4]
    assert by_epoch(schedule, 0, 100) == [1, 1]


def test_zaremba():
    """The small model: 4 epochs at 1, halved at the start of each of the others."""
    schedule = make_schedule("zaremba", hold=4, divisor=2)
    assert by_epoch(schedule, 0, 3, 3.99, 4, 4.5, 5, 12) == [1, 1, 1, 1 / 2, 1 / 2, 1 / 4, 1 / 512]


def test_linear():
    schedule = make_schedule("linear", total_steps=8, warmup=3)
    expected = [1 / 4, 2 / 4, 3 / 4, 1, 4 / 5, 3 / 5, 2 / 5, 1 / 5, 0, 0]
    assert by_step(schedule, *range(10)) == pytest.approx(expected, rel=1e-15, abs=1e-15)


def test_linear_without_warm_up():
    assert by_step(make_schedule("linear", total_steps=4), *range(5)) == [1, 3 / 4, 1 / 2, 1 / 4, 0]


def test_cosine():
    linear = make_schedule("linear", total_steps=7, warmup=1, floor=0.2)
    assert [linear.at(step, 0.0) for step in (0, 1, 4, 7, 9)] == pytest.approx([0.5, 1.0, 0.6, 0.2, 0.2])
    schedule = make_schedule("cosine", total_steps=7, warmup=1, floor=0.2)
    assert schedule.at(0, 0.0) == 1 / 2
    at_third = 0.2 + 0.8 * (1 + 1 / 2) / 2  # cos(π/3) = 1/2
    at_two_thirds = 0.2 + 0.8 * (1 - 1 / 2) / 2
    assert by_step(schedule, 1, 3, 4, 5, 7, 99) == pytest.approx([1, at_third, 0.6, at_two_thirds, 0.2, 0.2])


def test_inverse_square_root():
    schedule = make_schedule("inverse-sqrt", warmup=4)
    assert by_step(schedule, 0, 1, 2, 3, 15, 63) == [1 / 4, 2 / 4, 3 / 4, 1, 1 / 2, 1 / 4]


def test_inverse_square_root_is_the_papers():
    """d^-½ · min(s^-½, s · warmup^-3/2), with the base rate (d · warmup)^-½."""
    d, warmup = 512, 4000
    schedule = make_schedule("inverse-sqrt", warmup=warmup)
    for s in (1, 100, 4000, 4001, 100_000):
        paper = d**-0.5 * min(s**-0.5, s * warmup**-1.5)
        assert (d * warmup) ** -0.5 * schedule.at(s - 1, 0.0) == pytest.approx(paper, rel=1e-12)


def factors(schedule, losses):
    values = []
    for loss in losses:
        schedule.observe(loss)
        values.append(schedule.at(0, 0.0))
    return values


def test_plateau_divides_after_each_validation_without_a_new_best():
    losses = [5.0, 4.0, 4.0, 4.5, 3.9, 3.95]
    assert factors(make_schedule("plateau"), losses) == [1, 1, 1 / 4, 1 / 16, 1 / 16, 1 / 64]


def test_plateau_with_patience():
    losses = [5.0, 6.0, 6.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    schedule = make_schedule("plateau", divisor=2.0, patience=1)
    assert factors(schedule, losses) == [1, 1, 1 / 2, 1 / 2, 1 / 2, 1 / 4, 1 / 4, 1 / 8]


def test_plateau_and_losses_that_are_not_finite():
    schedule = make_schedule("plateau", divisor=2.0)
    assert factors(schedule, [math.nan, math.inf, 3.0, math.nan]) == [1 / 2, 1 / 4, 1 / 4, 1 / 8]
    assert schedule.state()["best"] == 3.0


def test_plateau_continues_from_its_state():
    losses = [5.0, 6.0, 4.0, 4.5, 4.4, 4.3, 3.0]
    whole = make_schedule("plateau", patience=1)
    expected = factors(whole, losses)
    for cut in range(len(losses)):
        first, second = make_schedule("plateau", patience=1), make_schedule("plateau", patience=1)
        factors(first, losses[:cut])
        second.load_state(json.loads(json.dumps(first.state(), allow_nan=False)))
        assert factors(second, losses[cut:]) == expected[cut:]


def test_plateau_refuses_another_state():
    with pytest.raises(UsageError, match="expected the state best, waited, divisions, got last"):
        make_schedule("plateau").load_state({"last": 1})


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"plateau"}))
def test_pure_schedules_keep_nothing(name):
    schedule = make_schedule(name, **SETTINGS.get(name, {}))
    before = [schedule.at(step, step / 3) for step in range(12)]
    schedule.observe(1.0)
    schedule.observe(2.0)
    assert [schedule.at(step, step / 3) for step in range(12)] == before
    assert schedule.state() == {}
    schedule.load_state({})
    with pytest.raises(UsageError, match="expected no state, got best"):
        schedule.load_state({"best": 1.0})


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("cosin", {}, "no schedule 'cosin'; choose one of constant, cosine, inverse-sqrt, linear, plateau"),
        (
            "cosine",
            {"total": 3},
            "schedule 'cosine' has no setting total; it takes total_steps, warmup, floor",
        ),
        ("linear", {}, "schedule 'linear' needs total_steps"),
        (
            "linear",
            {"total_steps": 3, "warmup": 3},
            r"Linear: expected total_steps to be above warmup \(3\), got 3",
        ),
        ("linear", {"total_steps": 3, "warmup": -1}, "expected warmup to be at least 0, got -1"),
        ("cosine", {"total_steps": 3, "floor": 2}, r"Cosine: expected floor to be in \[0, 1\], got 2"),
        ("step", {"every": 0}, "expected every to be at least 1, got 0"),
        ("step", {"every": 1, "gamma": 0}, "expected gamma to be above 0, got 0"),
        ("step", {"every": 1, "unit": "day"}, "expected unit to be 'epoch' or 'step', got 'day'"),
        ("inverse-sqrt", {"warmup": 0}, "expected warmup to be at least 1, got 0"),
        ("zaremba", {"divisor": 0.5}, "expected divisor to be at least 1, got 0.5"),
        ("plateau", {"patience": -1}, "expected patience to be at least 0, got -1"),
    ],
)
def test_settings_out_of_range(name, settings, message):
    with pytest.raises(UsageError, match=message):
        make_schedule(name, **settings)
