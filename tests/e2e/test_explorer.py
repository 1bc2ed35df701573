"""The log explorer, as people use it."""

import csv
import re
import statistics
import time
import uuid
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect

from native import runtime
from stack.traffic import drive
from tests.e2e.conftest import look_at
from tests.e2e.test_tracking import PHONE, create, scan
from tests.integration.faults.kinds import all_of_it

ROW = ".line-row"


@pytest.fixture(scope="module", autouse=True)
def traffic(stack):
    """Something to look at, of all services."""
    drive(stack.settings, requests=60)


@pytest.fixture
def explorer(sign_in) -> Page:
    page = sign_in("admin", "/logs")
    page.locator(ROW).first.wait_for()
    return page


def search(page: Page, query: str) -> None:
    page.get_by_role("combobox", name="Query").fill(query)
    page.keyboard.press("Enter")


def facet(page: Page, title: str, value: str) -> Locator:
    """The checkbox of a facet's value."""
    group = page.locator("details.facet", has=page.get_by_text(title, exact=True))
    return group.get_by_label(re.compile(f"^{value}"))


def total(page: Page) -> int:
    return int(page.get_by_role("status").filter(has_text="lines").inner_text().split()[0].replace(",", ""))


def test_it_is_for_staff(sign_in):
    page = sign_in("demo")
    expect(page.get_by_role("link", name="Parcels")).to_be_visible()
    expect(page.get_by_role("link", name="Logs")).to_have_count(0)
    page.goto("/logs")
    expect(page.get_by_text("Only staff")).to_be_visible()


def test_a_query_is_typed_with_completion_and_narrowed_by_facets(explorer):
    look_at(explorer, "explorer")
    everything = total(explorer)
    query = explorer.get_by_role("combobox", name="Query")
    query.press_sequentially("servi")
    explorer.keyboard.press("ArrowDown")
    explorer.keyboard.press("Enter")
    expect(query).to_have_value("service:")
    explorer.get_by_role("option", name=re.compile("^django")).click()
    explorer.keyboard.press("Enter")
    expect(explorer).to_have_url(re.compile(r"q=service%3Adjango"))
    expect(facet(explorer, "Service", "celery")).to_have_count(0)
    assert total(explorer) < everything
    facet(explorer, "Level", "ERROR").check()
    expect(explorer.locator(ROW).first).to_contain_text("ERROR")
    # The address is the view: another window shows the same.
    other = explorer.context.new_page()
    other.goto(explorer.url)
    expect(facet(other, "Level", "ERROR")).to_be_checked()
    expect(other.get_by_role("combobox", name="Query")).to_have_value("service:django")


def test_a_stretch_of_the_histogram_becomes_the_period(explorer):
    # The newest lines are the bar at the right end.
    drawn = """() => {
        const canvas = document.querySelector('.histogram canvas');
        const end = canvas.getContext('2d').getImageData(canvas.width * 0.9, 0, canvas.width * 0.1, canvas.height).data;
        let blue = 0;
        for (let at = 0; at < end.length; at += 4) if (end[at + 3] > 200 && end[at + 2] > end[at] + 60) blue += 1;
        return blue;
    }"""
    assert explorer.evaluate(drawn) > 100, "no bar is drawn"
    plot = explorer.locator(".u-over")
    box = plot.bounding_box()
    explorer.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    explorer.mouse.down()
    explorer.mouse.move(box["x"] + box["width"] - 2, box["y"] + 30, steps=4)
    explorer.mouse.up()
    expect(explorer).to_have_url(re.compile(r"from=20.*to=20"))
    expect(explorer.get_by_label("From", exact=True)).to_be_visible()


def test_what_costs_too_much_is_refused_in_words(explorer):
    search(explorer, "*created")
    expect(explorer.get_by_role("alert")).to_contain_text("begins with a wildcard")
    explorer.get_by_role("button", name="Allow leading wildcards").click()
    expect(explorer.locator(ROW).first).to_contain_text("created")
    search(explorer, "levle:ERROR")
    expect(explorer.get_by_role("alert")).to_contain_text("There is no field levle")


def test_a_line_with_its_traceback_and_its_neighbours(explorer):
    search(explorer, "_exists_:error.type AND service:django")
    explorer.locator(ROW).first.click()
    line = explorer.get_by_role("dialog")
    expect(line.get_by_role("heading", name="Traceback")).to_be_visible()
    line.get_by_role("button", name="Surrounding lines").click()
    expect(line.locator(".surrounding [aria-current]")).to_have_count(1)
    look_at(explorer)
    line.get_by_role("button", name="Only service django").click()
    expect(explorer.get_by_role("combobox", name="Query")).to_have_value(re.compile("AND service:django$"))
    search(explorer, "_exists_:error.type AND service:react")
    expect(explorer.locator(ROW).first).to_contain_text("react")
    explorer.locator(ROW).first.click()
    expect(line.get_by_role("heading", name="Traceback")).to_be_visible()
    look_at(explorer, "explorer-line")


def test_a_request_is_followed_through_the_services(sign_in):
    page = sign_in("admin", "/parcels")
    reference = create(page, f"Ada {uuid.uuid4().hex[:6]}")
    with page.expect_response(re.compile("/label/")) as asked:
        page.get_by_role("button", name=re.compile("label", re.IGNORECASE)).first.click()
    request_id = asked.value.headers["x-request-id"]
    page.goto(f"/logs/requests/{request_id}")
    deadline = time.monotonic() + 30
    while not {"nginx", "django", "celery", "react"} <= set(page.locator(".lane > span").all_inner_texts()):
        assert time.monotonic() < deadline, f"{reference}: {page.locator('.lane > span').all_inner_texts()}"
        page.get_by_role("button", name="Refresh").click()
        page.wait_for_timeout(300)
    look_at(page, "explorer-request")


@pytest.fixture
def tail(explorer) -> Page:
    """The live tail, of all lines."""
    live = explorer.get_by_role("button", name="Live")
    with explorer.expect_response(re.compile("/tail/")):  # from then on each line is a new one
        live.click()
    expect(live).to_have_attribute("aria-pressed", "true")
    return explorer


def wait_for_rows(page: Page, text: str, number: int = 1) -> float:
    """Seconds until so many rows of the list have the text."""
    rows = f"[...document.querySelectorAll('{ROW}')].filter(row => row.textContent.includes(text))"
    started = time.monotonic()
    page.wait_for_function(f"([text, number]) => {rows}.length >= number", arg=[text, number], polling=50)
    return time.monotonic() - started


def test_a_line_is_in_the_live_tail_within_two_seconds(tail):
    taken = []
    for _ in range(5):
        page = f"/nowhere-{uuid.uuid4().hex}"
        assert tail.request.get(page).status == 404
        taken.append(wait_for_rows(tail, page))
    print("seconds from a line to the live tail:", *(f"{seconds:.1f}" for seconds in taken))
    assert statistics.median(taken) <= 2


def test_an_error_of_a_page_is_found_within_three_seconds(tail, sign_in):
    page = sign_in(path="/try")
    error = "Rejected on purpose"
    shown, taken = tail.locator(ROW).filter(has_text=error).count(), []
    for number in range(3):
        page.get_by_role("button", name="Reject a promise").click()
        taken.append(wait_for_rows(tail, error, shown + number + 1))
    print("seconds from an error to the live tail:", *(f"{seconds:.1f}" for seconds in taken))
    assert statistics.median(taken) <= 3


def test_the_live_tail_does_not_show_itself(tail):
    def shown() -> int:
        return int(tail.get_by_role("status").filter(has_text="since").inner_text().split()[-2].replace(",", ""))

    tail.wait_for_timeout(5000)
    before = shown()
    tail.wait_for_timeout(3000)  # in which it asks ten times
    assert shown() - before < 20


@pytest.mark.parametrize("kind", ["CSV", "NDJSON"])
def test_an_export_has_the_lines_of_the_view(explorer, kind):
    search(explorer, "service:celery")
    expect(explorer).to_have_url(re.compile("celery"))
    with explorer.expect_download() as saved:
        explorer.get_by_role("button", name=kind, exact=True).click()
    expect(explorer.get_by_text(re.compile(r"lines exported"))).to_be_visible()
    lines = Path(saved.value.path()).read_text().splitlines()
    assert len(lines) > 10
    if kind == "CSV":
        assert {row["service"] for row in csv.DictReader(lines)} == {"celery"}


def test_health_says_how_long_a_line_is_on_its_way(explorer):
    explorer.get_by_role("link", name="Health").click()
    expect(explorer.get_by_role("row", name=re.compile("^celery .* ago"))).to_be_visible()
    for service in ("nginx", "django"):
        expect(explorer.get_by_role("listitem").filter(has_text=f"{service} →")).to_contain_text(
            re.compile(r"\d\.\d s"), timeout=30_000
        )
    look_at(explorer, "explorer-health", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(sign_in, scheme):
    page = sign_in("admin", "/logs?from=1d", viewport=PHONE, color_scheme=scheme)
    page.locator(ROW).first.wait_for()
    look_at(page, f"explorer-phone-{scheme}")
    page.locator(ROW).first.click()
    page.get_by_role("dialog").get_by_role("heading", name="Fields").wait_for()
    look_at(page)
    page.goto("/logs/health")
    page.get_by_role("region", name="Files").wait_for()
    look_at(page)


def test_while_elasticsearch_is_away_it_says_so_and_then_goes_on(explorer, stack):
    for process in all_of_it(psutil.Process(runtime.processes(stack.settings)["elasticsearch"]["pid"])):
        process.kill()
    search(explorer, "service:nginx")
    expect(explorer.get_by_role("alert")).to_contain_text("no answer")
    # The parcels go on.
    other = explorer.context.new_page()
    create(other)
    scan(other, "Leeds", "picked_up")
    expect(other.get_by_role("listitem").filter(has_text="Leeds")).to_be_visible()
    # Nobody touches the page.
    expect(explorer.locator(ROW).first).to_contain_text("nginx", timeout=180_000)
    expect(explorer.get_by_role("alert")).to_have_count(0)
