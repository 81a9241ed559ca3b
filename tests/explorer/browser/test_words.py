"""The view Words in a browser."""

from typing import Any

import pytest

from tests.exhaustive import some
from tests.explorer.browser.conftest import Open, is_wider_than_screen


@pytest.fixture
def page(open_page: Open) -> Any:
    """The view with the set words.safetensors."""
    page = open_page("words", refused=True)
    page.select_option("#set-a", "words.safetensors")
    page.locator('#map-a[data-shown="words.safetensors"]').wait_for()
    page.locator(".wordmap .labels span", has_text="the").first.wait_for()
    return page


def neighbours(page: Any, letter: str = "a") -> list[str]:
    return page.locator(f"#neighbours-{letter} li bdi").all_inner_texts()


def search(page: Any, word: str) -> None:
    page.fill("#query", word)
    page.keyboard.press("Enter")
    page.locator("#neighbours-a h3", has_text=word).wait_for()


def test_completion_by_keyboard_and_neighbours(page: Any) -> None:
    page.fill("#query", "wOrD1")
    page.locator("#completions li").first.wait_for()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    assert page.get_attribute("#query", "aria-activedescendant") == "completion-1"
    page.keyboard.press("Escape")
    assert page.locator("#completions").is_hidden()
    page.fill("#query", "wOrD1")
    page.locator("#completions li").first.wait_for()
    for key in ("ArrowUp", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.locator("#neighbours-a h3", has_text="word10").wait_for()
    assert page.locator("#completions").is_hidden()
    assert len(neighbours(page)) == 12
    nearest = neighbours(page)[0]
    page.locator("#neighbours-a li button").first.click()
    page.locator("#neighbours-a h3", has_text=nearest).wait_for()
    assert page.locator(".wordmap .labels i").count() == 13


def test_words_of_all_scripts_and_markup(page: Any) -> None:
    for word in ("日本語", "<b>bold</b>", "שלום", "a&b"):
        search(page, word)
    assert page.locator("#neighbours-a h3 b").count() == 0
    search(page, "שלום")
    assert page.locator("#neighbours-a h3 bdi").evaluate("e => getComputedStyle(e).direction") == "rtl"


def test_an_unknown_word_is_explained(page: Any) -> None:
    page.fill("#query", "hous")
    page.keyboard.press("Enter")
    page.locator("#error", has_text="no vector for 'hous'; did you mean 'house'?").wait_for()
    search(page, "house")
    assert page.locator("#error").is_hidden()


def test_a_click_on_the_map_shows_neighbours(page: Any) -> None:
    label = page.locator(".wordmap .labels span", has_text="the").first
    label.wait_for()
    box = label.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 1.35 * box["height"])
    page.locator("#neighbours-a li").first.wait_for()
    assert page.locator("#neighbours-a h3").inner_text() == "the"


def test_analogy_groups_and_two_sets(page: Any) -> None:
    for name, word in (("first", "cat"), ("second", "dog"), ("third", "house")):
        page.fill(f"#{name}", word)
    page.click("#analogy button")
    page.locator("#answers-a li").first.wait_for()
    page.select_option("#grouping", "k-means")
    page.locator(".map-legend li").nth(7).wait_for()
    page.select_option("#grouping", "lists")
    page.fill("#lists", "pets: cat dog\nrest： house nothing")
    page.click("#use-lists")
    page.locator("#unknown", has_text="nothing").wait_for()
    assert page.locator(".map-legend li").all_inner_texts() == ["pets", "rest"]
    page.check("#beside")
    page.locator("#answers-b li").first.wait_for()
    assert page.locator("#map-b .labels span").count() > 0
    search(page, "中文")
    page.locator("#neighbours-b li").first.wait_for()
    page.uncheck("#beside")
    assert page.locator("#card-b").is_hidden()


@pytest.mark.parametrize("dark", some([False, True], 2))
def test_phone(open_page: Open, dark: bool) -> None:
    page = open_page("words", width=390, height=844, dark=dark)
    search(page, "cat")
    assert not is_wider_than_screen(page)


def test_the_map_by_keys(page: Any) -> None:
    page.focus("#map-a")
    style = "() => document.querySelector('.wordmap .labels span').style.left"
    before = page.evaluate(style)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    page.wait_for_function(f"before => ({style})() !== before", arg=before)
    page.keyboard.press("0")
    page.wait_for_function(f"before => ({style})() === before", arg=before)
