"""Notebook 02 in JupyterLab and a headless Chromium: a click on a decision changes the file.

Optional: needs ``pip install '.[notebooks]' playwright`` and a Chromium (Debian: ``apt-get install chromium``); skipped
without. With NOTEBOOK_PICTURES=FOLDER it keeps the screenshots that docs/tutorial.md shows; NOTEBOOK_OUTPUT names another
run than the tests' own.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("jupyterlab")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CHECKOUT = Path(__file__).parents[1]
TOKEN = "of-this-test"  # of a server that listens on this machine alone, while the test runs
SAME = re.compile("^(Same person|All one person|The .* shown are one person)$")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.timeout(900),
]


@pytest.fixture
def folder(tmp_path):
    """Copies of the notebooks, as a reviewer has them."""
    for notebook in (CHECKOUT / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, tmp_path)
    return tmp_path


@pytest.fixture
def output(request):
    """The output folder of the run that is reviewed."""
    return os.environ.get("NOTEBOOK_OUTPUT") or str(request.getfixturevalue("submitted_run").output)


@pytest.fixture
def lab(folder, output):
    """The address of a JupyterLab over the copies."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    named = {"OUTPUT": output, "DECISIONS": str(folder / "decisions.jsonl"), "AUDIT": str(folder / "audit.jsonl")}
    environment = os.environ | {f"SIAMESE_ER_{name}": value for name, value in named.items()}
    environment |= {
        "SIAMESE_ER_REVIEWER": "mara", "PYTHONPATH": str(CHECKOUT), "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.ui.enabled=false --driver-memory 1g pyspark-shell",
        "JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_DATA_DIR": str(folder / "share"),
        "IPYTHONDIR": str(folder / "ipython"),
    }  # fmt: skip
    settings = ["--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1", f"--ServerApp.root_dir={folder}",
                f"--IdentityProvider.token={TOKEN}", "--LabApp.news_url=None"]  # fmt: skip
    with (folder / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *settings], env=environment, stdout=log, stderr=log
        )
        try:
            wait_for(lambda: answers(f"http://127.0.0.1:{port}/api?token={TOKEN}"), 120)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(60)


def answers(address):
    try:
        return urllib.request.urlopen(address, timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False


def wait_for(happened, seconds):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.3)


def opened(page, menu, entry):
    """Whether a click on the menu shows the entry: JupyterLab adds entries while it starts."""
    page.keyboard.press("Escape")
    menu.click()
    page.wait_for_timeout(1000)
    return page.get_by_role("menuitem", name=entry, exact=True).is_visible()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def picture(page, name):
    """A screenshot of the notebook's panel, where somebody asked for it."""
    if kept := os.environ.get("NOTEBOOK_PICTURES"):
        page.screenshot(path=f"{kept}/{name}.png")


def test_a_click_in_the_review_notebook_changes_the_decisions_file(lab, folder):
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1250, "height": 1500})
        page.goto(f"{lab}/lab/tree/02_review_matches.ipynb?token={TOKEN}")
        menu = page.get_by_role("menuitem", name="Run", exact=True)
        menu.wait_for(timeout=90_000)
        page.get_by_role("heading", name="02 Review match clusters").first.wait_for(timeout=90_000)
        wait_for(lambda: opened(page, menu, "Run All Cells"), 90)
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        question = page.get_by_role("heading", name="Question 1 of")
        question.wait_for(timeout=240_000)
        page.get_by_role("button", name=SAME).scroll_into_view_if_needed()
        page.wait_for_timeout(1500)
        picture(page, "review_masked")
        assert "Values are masked" in page.locator("table.er-records").inner_text()

        page.get_by_label("Purpose").select_option(index=1)
        page.get_by_role("button", name="Show values").click()
        wait_for(lambda: len(lines(folder / "audit.jsonl")) == 1, 60)
        page.get_by_text("Values are shown: this was logged.").wait_for()
        picture(page, "review_shown")

        page.get_by_label("Reason").select_option(index=1)
        page.get_by_role("button", name=SAME).click()
        page.get_by_role("heading", name="Question 2 of").wait_for(timeout=60_000)
        assert "Values are masked" in page.locator("table.er-records").inner_text()
        picture(page, "review_decided")
        browser.close()

    decision = lines(folder / "decisions.jsonl")[0]
    (unmasking,) = lines(folder / "audit.jsonl")
    assert (decision["decision"], decision["reviewer"]) == ("match", "mara")
    assert decision["task_id"] == unmasking["task_id"]
