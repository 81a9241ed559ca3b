"""The view Runs in a browser."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.exhaustive import some
from tests.explorer.browser.conftest import Open, is_wider_than_screen

expect = pytest.importorskip("playwright.sync_api").expect


def test_curves_table_and_settings(open_page: Open) -> None:
    page = open_page("runs")
    assert page.locator("nav a[aria-current]").inner_text() == "Runs"
    names = page.locator("#table tbody th bdi").all_inner_texts()
    assert names == ["gru", "kneser-ney"]
    assert page.locator("#curves .scatterlayer .trace").count() >= 2
    for _ in range(2):
        page.locator("#table th button", has_text="model").click()
    assert page.locator("#table tbody th bdi").all_inner_texts() == ["kneser-ney", "gru"]
    settings = page.locator("#settings tbody th").all_inner_texts()
    assert "model" in settings
    assert "corpus" not in settings
    page.get_by_label("only what differs").uncheck()
    assert "corpus" in page.locator("#settings tbody th").all_inner_texts()
    assert "model" in page.locator("#settings tr.differs th").all_inner_texts()
    assert "damaged" in page.locator("footer").inner_text()


def test_a_log_is_followed_while_it_grows(open_page: Open, runs: Path) -> None:
    log = runs / "gru" / "log.jsonl"
    before = log.read_bytes()
    record = next(each for each in map(json.loads, before.splitlines()[::-1]) if "loss" in each)
    page = open_page("runs")
    farthest = "() => Math.max(...document.getElementById('curves').data.flatMap(({ x }) => x))"
    assert page.evaluate(farthest) < 12_345
    try:
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**record, "step": 12_345}) + "\n")
        expect(page.locator("#table tbody tr", has_text="gru")).to_contain_text("12,345")
        page.wait_for_function(f"({farthest})() === 12345")
        assert "gru (step 12,345" in page.locator("#state").inner_text()
    finally:
        log.write_bytes(before)


@pytest.mark.parametrize("dark", some([False, True], 2))
def test_phone(open_page: Open, dark: bool) -> None:
    page: Any = open_page("runs", width=390, height=844, dark=dark)
    assert not is_wider_than_screen(page)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(20, 23, 27)") is dark
