"""The tracking pages, as people use them."""

import re
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import look_at

PHONE = {"width": 360, "height": 740}


def create(page, recipient="Ada Lovelace"):
    """The new parcel's reference; its page is open then."""
    page.goto("/parcels")
    page.get_by_role("button", name="New parcel").click()
    page.get_by_label("Recipient").fill(recipient)
    page.get_by_label("Destination").fill("12 St James's Square, London")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url(re.compile(r"/parcels/PT-\w+$"))
    return page.url.rpartition("/")[2]


def scan(page, location, status):
    page.get_by_label("Location").fill(location)
    page.get_by_label("Status").select_option(status)
    page.get_by_role("button", name="Add scan").click()


def test_who_is_not_signed_in_signs_in_first(window, stack):
    page = window().new_page()
    page.goto("/dashboard")
    assert page.locator("form").bounding_box()["width"] < 600  # its style came with it
    look_at(page, "sign-in")
    page.get_by_label("User").fill("demo")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Wrong user name or password")
    page.get_by_label("Password").fill(stack.settings.secrets["DEMO_PASSWORD"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_scan_is_seen_in_another_persons_window_at_once(sign_in):
    page, other = sign_in(), sign_in()
    reference = create(page)
    other.goto(f"/parcels/{reference}")
    expect(other.get_by_text("Live", exact=True)).to_be_visible()
    expect(other.get_by_text("No scan yet.")).to_be_visible()
    scan(page, "Leeds", "picked_up")
    expect(other.get_by_role("listitem").filter(has_text="Leeds")).to_be_visible()
    scan(page, "Manchester", "in_transit")
    expect(other.get_by_role("heading", name=reference)).to_contain_text("In transit")
    look_at(other, "parcel")


def test_the_list_follows_what_happens(sign_in):
    page, listing = sign_in(), sign_in()
    recipient = f"Grace {uuid.uuid4().hex[:8]}"
    reference = create(page, recipient)
    listing.goto("/parcels")
    listing.get_by_label("Search").fill(recipient)
    row = listing.get_by_role("row").filter(has_text=reference)
    expect(row).to_contain_text("Created")
    expect(listing.get_by_text("1 parcel")).to_be_visible()
    expect(listing.get_by_text("Live", exact=True)).to_be_visible()
    scan(page, "Leeds", "exception")
    expect(row).to_contain_text("Exception")
    listing.get_by_label("Status").select_option("delivered")
    expect(listing.get_by_text("0 parcels")).to_be_visible()
    listing.reload()  # the filters are the address's
    expect(listing.get_by_label("Status")).to_have_value("delivered")
    expect(listing.get_by_label("Search")).to_have_value(recipient)


def test_what_the_api_refuses_is_told_at_its_field(sign_in):
    page = sign_in()
    page.get_by_role("button", name="New parcel").click()
    page.get_by_label("Recipient").fill("Ada")
    page.get_by_label("Destination").fill("London")
    page.get_by_label("Carrier").fill("no slug!")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_label("Carrier")).to_have_attribute("aria-invalid", "true")
    look_at(page)


def test_a_label_is_made_and_saved(sign_in):
    page = sign_in()
    reference = create(page)
    page.get_by_role("button", name="Make the label").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the label").click(timeout=30_000)
    assert download.value.suggested_filename == f"{reference}.zpl"
    assert reference in Path(download.value.path()).read_text()


def test_a_carrier_that_does_not_answer_is_told_with_the_requests_id(sign_in):
    page = sign_in()
    create(page)
    page.get_by_role("button", name="Ask the carrier").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"carrier gave no answer.*[0-9a-f]{32}"))


def test_an_export_shows_its_progress_and_is_saved(sign_in):
    page = sign_in()
    reference = create(page, "Edith Clarke")
    page.goto("/parcels?search=Edith+Clarke")
    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="Start").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the file").click(timeout=30_000)
    rows = Path(download.value.path()).read_text().splitlines()
    assert rows[0].startswith("reference,recipient")
    assert any(row.startswith(f"{reference},Edith Clarke") for row in rows)


def test_a_recipient_needs_no_sign_in(sign_in, window):
    page = sign_in()
    reference = create(page, "Charles Babbage")
    scan(page, "Leeds", "out_for_delivery")
    expect(page.get_by_role("heading", name=reference)).to_contain_text("Out for delivery")
    recipient = window().new_page()
    recipient.goto("/t")
    recipient.get_by_label("Sender").fill("acme")
    recipient.get_by_label("Reference").fill(reference.lower())
    recipient.get_by_role("button", name="Look it up").click()
    expect(recipient.get_by_role("heading", name=reference)).to_contain_text("Out for delivery")
    expect(recipient.get_by_text("Acme Corporation")).to_be_visible()
    assert "Babbage" not in recipient.content()
    look_at(recipient, "recipient")
    recipient.goto("/t/acme/PT-0000000000")
    expect(recipient.get_by_role("alert")).to_contain_text("Nothing is known of PT-0000000000")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone(sign_in, scheme):
    page = sign_in(viewport=PHONE, color_scheme=scheme)
    reference = create(page)
    scan(page, "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", "in_transit")
    expect(page.get_by_role("listitem")).to_be_visible()
    look_at(page)
    for path, sign in (("/parcels", "Recipient"), ("/dashboard", "By carrier"), (f"/t/acme/{reference}", "In transit")):
        page.goto(path)
        page.get_by_text(sign).first.wait_for()
        look_at(page, f"phone-{scheme}" if path == "/parcels" else None)


def test_the_dashboard_draws_its_figures(sign_in):
    page = sign_in(path="/dashboard")
    expect(page.get_by_role("img", name="Parcels created and delivered by day")).to_be_visible()
    page.locator(".chart canvas").wait_for()
    look_at(page, "dashboard", full_page=True)
    page.get_by_text("The figures").click()
    expect(page.get_by_role("group").get_by_role("row")).to_have_count(1 + 14)


def test_an_error_of_the_page_is_a_line_that_says_where_in_the_sources(sign_in, stack):
    page = sign_in(path="/try")
    page.get_by_role("button", name="Throw an error").click()
    query = {"bool": {"filter": [{"term": {"logger_name": "react.errors"}}, {"match": {"log_message": "purpose"}}]}}
    line = stack.wait_for_documents(query, 1, "the error of the page")[-1]
    assert line["log_level"] == "ERROR"
    assert "src/tracking/Try.tsx:" in line["message"]
    page.get_by_role("button", name="Fail to render").click()
    expect(page.get_by_role("heading", name="This page failed")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Try")).to_be_visible()


def test_the_pages_go_on_while_they_are_offline(sign_in):
    page = sign_in()
    reference = create(page)
    page.goto(f"/parcels/{reference}")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.context.set_offline(True)
    scan(page, "Leeds", "picked_up")
    expect(page.get_by_role("alert")).to_contain_text("offline")
    page.context.set_offline(False)
    page.get_by_role("button", name="Add scan").click()
    expect(page.get_by_role("listitem").filter(has_text="Leeds")).to_be_visible()


def test_scripts_of_the_first_page_are_small(window):
    """In bytes as they come, compressed: 250 KiB at most."""
    page = window().new_page()
    page.goto("/")
    page.get_by_label("User").wait_for()
    page.wait_for_load_state("networkidle")
    sizes = page.evaluate(
        "Object.fromEntries(performance.getEntriesByType('resource')"
        ".filter(e => e.name.endsWith('.js')).map(e => [new URL(e.name).pathname, e.encodedBodySize]))"
    )
    assert 0 < sum(sizes.values()) <= 250 * 1024, sizes
