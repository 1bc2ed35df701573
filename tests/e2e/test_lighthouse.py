"""What Lighthouse says of the pages, in a browser in which staff are signed in."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ARGUMENTS, fill_in
from tests.e2e.test_tracking import create
from tests.paths import ROOT
from tests.polling import poll_until

LIGHTHOUSE = ROOT / "services/react/node_modules/lighthouse/cli/index.js"
CATEGORIES = ("performance", "accessibility", "best-practices")
AIM = 90
TRIES = 3

DESKTOP = "--preset=desktop"
PHONE = "--form-factor=mobile"  # a slow one, on a slow network

Report = dict  # Lighthouse's: https://github.com/GoogleChrome/lighthouse/blob/main/docs/understanding-results.md


@pytest.fixture(scope="module")
def lighthouse(stack, playwright, program, tmp_path_factory) -> Iterator[Callable[[str, str], Report]]:
    """Reports of a path, in which {reference} is a parcel's."""
    folder = tmp_path_factory.mktemp("browser")
    arguments = [*ARGUMENTS, "--remote-debugging-port=0"]
    with playwright.chromium.launch_persistent_context(
        folder, executable_path=program, args=arguments, base_url=stack.settings.nginx_url
    ) as context:
        page = context.new_page()
        page.goto("/parcels")
        fill_in(page, "admin", stack.settings.secrets["DEMO_PASSWORD"])
        reference = create(page)
        page.close()
        told = folder / "DevToolsActivePort"
        port = poll_until("the browser's port", lambda: told.exists() and told.read_text().split()[0])

        def report(path: str, device: str) -> Report:
            address = stack.settings.nginx_url + path.format(reference=reference)
            command = [Path(sys.executable).with_name("node"), LIGHTHOUSE, address, device, f"--port={port}"]
            command += ["--disable-storage-reset", f"--only-categories={','.join(CATEGORIES)}"]
            command += ["--output=json", "--quiet", "--no-enable-error-reporting"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        yield report


@pytest.mark.parametrize(
    ("path", "device"),
    [
        ("/parcels", DESKTOP),
        ("/dashboard", DESKTOP),
        ("/logs", DESKTOP),
        ("/parcels", PHONE),
        ("/logs", PHONE),
        ("/t/acme/{reference}", PHONE),
    ],
)
def test_a_page_scores_ninety_or_more(lighthouse, path, device):
    """Of three tries the best counts: other work on the machine only makes a page slower."""
    best = dict.fromkeys(CATEGORIES, 0)
    for _ in range(TRIES):
        report = lighthouse(path, device)
        best = {name: max(best[name], round(report["categories"][name]["score"] * 100)) for name in CATEGORIES}
        if min(best.values()) >= AIM:
            break
    print(path, device, best)
    assert min(best.values()) >= AIM, f"{path}: {best}. What cost most in the last try: {shortcomings(report)}"


def shortcomings(report: Report) -> dict[str, str]:
    """{audit: what it found} of those that count and did not pass, with the elements that they name."""
    counted = {
        audit["id"] for name in CATEGORIES for audit in report["categories"][name]["auditRefs"] if audit["weight"]
    }
    counted.add("layout-shifts")
    found = {}
    for name in counted:
        audit = report["audits"][name]
        if audit["score"] is not None and audit["score"] < AIM / 100:
            items = audit.get("details", {}).get("items", [])
            nodes = [item["node"].get("snippet") for item in items if "node" in item]
            found[name] = " ".join(filter(None, [audit.get("displayValue", ""), *nodes]))
    return found
