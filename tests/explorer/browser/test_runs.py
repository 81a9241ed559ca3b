"""The view Runs in a browser."""

from typing import Any

import pytest

from tests.exhaustive import some
from tests.explorer.browser.conftest import Open, is_wider_than_screen


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


@pytest.mark.parametrize("dark", some([False, True], 2))
def test_phone(open_page: Open, dark: bool) -> None:
    page: Any = open_page("runs", width=390, height=844, dark=dark)
    assert not is_wider_than_screen(page)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(20, 23, 27)") is dark
