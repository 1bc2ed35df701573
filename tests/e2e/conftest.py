"""A browser before a running stack: real pages, as nginx serves them.

By default the stack is one of the tests' own. While one works on the pages, one that is up is quicker: E2E_STACK=up
takes the one that `make up` started. SCREENSHOTS=1 writes the pictures of docs/screenshots/ anew.
"""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from native.settings import Settings
from tests.integration.conftest import Stack
from tests.integration.conftest import stack as own_stack  # noqa: F401 - a fixture
from tests.paths import ROOT

SCREENSHOTS = ROOT / "docs" / "screenshots"
INSTALLED = ("chromium", "chromium-browser", "google-chrome")
# Nothing but the stack is to be asked for anything.
ARGUMENTS = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
expect.set_options(timeout=20_000)  # milliseconds: a busy machine's


@pytest.fixture(scope="session")
def stack(request) -> Stack:
    if os.environ.get("E2E_STACK") == "up":
        return Stack(Settings.load(), dict(os.environ))
    return request.getfixturevalue("own_stack")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def program() -> str | None:
    """The Chromium on PATH; None: the one that `playwright install chromium` has got."""
    return next(filter(None, map(shutil.which, INSTALLED)), None)


@pytest.fixture(scope="session")
def browser(playwright, program) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def window(browser, stack) -> Iterator[Callable[..., BrowserContext]]:
    """Opens a browser window of a person's own; takes Playwright's options. What its policy stops fails the test."""
    opened, stopped = [], []

    def window(**options) -> BrowserContext:
        context = browser.new_context(base_url=stack.settings.nginx_url, locale="en-GB", **options)
        context.on(
            "console",
            lambda message: stopped.append(message.text) if "Content Security Policy" in message.text else None,
        )
        opened.append(context)
        return context

    yield window
    for context in opened:
        context.close()
    assert stopped == []


@pytest.fixture
def sign_in(stack, window) -> Callable[..., Page]:
    """A page of a new window, signed in: `demo` speaks for the tenant acme, `admin` is staff besides."""

    def sign_in(username: str = "demo", path: str = "/parcels", **options) -> Page:
        page = window(**options).new_page()
        page.goto(path)
        fill_in(page, username, stack.settings.secrets["DEMO_PASSWORD"])
        return page

    return sign_in


def fill_in(page: Page, username: str, password: str) -> None:
    """Sign in on the page that is open."""
    page.get_by_label("User").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()


def look_at(page: Page, picture: str | None = None, full_page: bool = False) -> None:
    """Assert that axe finds nothing serious and that nothing is wider than the page; keep a picture if asked to."""
    serious = [
        f"{violation['id']}: {node['html']}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert serious == [], f"of {page.url}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} is wider than its window"
    if picture and os.environ.get("SCREENSHOTS"):
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{picture}.png", full_page=full_page)
