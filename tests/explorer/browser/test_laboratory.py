"""The view Laboratory in a browser."""

from tests.explorer.browser.conftest import Open, is_wider_than_screen


def test_an_experiment_is_shown_and_run(open_page: Open) -> None:
    page = open_page("laboratory")
    page.locator("#experiments button", has_text="batches and epochs").click()
    page.locator("h2", has_text="batches and epochs").wait_for()
    assert page.url.endswith("#batches-and-epochs")
    page.locator("#experiment button.primary").click()
    page.locator("img.drawn").wait_for()
    assert page.locator("#experiment .verdict").count() >= 2
    assert page.locator("#experiments button[aria-current] .verdict").inner_text() in ("✓", "✗", "?")
    page.locator("summary").click()
    assert page.locator("details tbody tr").count() > 0


def test_phone(open_page: Open) -> None:
    page = open_page("laboratory", width=390, height=844, dark=True)
    assert not is_wider_than_screen(page)
