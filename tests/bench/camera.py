"""From opening the scan page to the code read, in real Chromium before a camera's film."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

from labels.pdf import outer_label_pdf
from pharmacy.persistence.migrating import upgrade
from tests.journeys.serving import ServedChance, serving
from tests.journeys.visitor import PHONE, Visitor, launch
from tests.labels.samples import BAG
from tests.support.builders import PASSWORD, Trial, blinded_app, make_trial
from tests.support.fake_camera import Camera, film, label
from tests.support.world import Clock

ROUNDS = 20
BUDGET_SECONDS = 1.0

# When the code stands in the field, since the page was asked for; the form is held back.
_READ = """document.addEventListener('submit', (event) => {
  event.preventDefault();
  window.readAt = performance.now();
}, true);"""
_WHEN = """new Promise((read) => {
  const look = () => (window.readAt ? read(window.readAt) : setTimeout(look, 20));
  look();
})"""
# The same camera on a page of ours without anything else: asked for, and its first frame shown.
_BARE = """async () => {
  const began = performance.now();
  const stream = await navigator.mediaDevices.getUserMedia(
    { video: { width: { ideal: 1280 }, height: { ideal: 720 } } });
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = stream;
  await video.play();
  await new Promise((shown) => video.requestVideoFrameCallback(shown));
  for (const track of stream.getTracks()) track.stop();
  return performance.now() - began;
}"""


def camera_reads(folder: Path, rounds: int = ROUNDS) -> None:
    """Print median and worst of `rounds`, against the bare camera and the budget."""
    folder.mkdir()
    url = f"sqlite:///{folder}/camera.db"
    upgrade(url)
    trial = make_trial(url, Clock(), ServedChance("bench"))
    camera = Camera(folder / "film.y4m")
    camera.shows(film(label(outer_label_pdf(replace(BAG, code=trial.code(trial.ready_bag()))))))
    with serving(blinded_app(trial, url, folder)) as address, sync_playwright() as playwright:
        browser = launch(playwright, camera.flags)
        page = Visitor(browser, address, PHONE, camera=True)
        page.sign_in("nurse.test", PASSWORD)
        page.context.add_init_script(_READ)
        pairs = [(_read(page, trial), page.page.evaluate(_BARE)) for _ in range(rounds)]
        browser.close()
    reads = [read / 1000 for read, _ in pairs]
    bare = median(floor / 1000 for _, floor in pairs)
    print(
        f"scan page opened to code read: {median(reads) * 1000:.0f} ms, worst of {rounds} "
        f"{max(reads) * 1000:.0f} ms; {median(a / b for a, b in pairs):.1f} times the bare camera "
        f"({bare * 1000:.0f} ms), {median(reads) / BUDGET_SECONDS:.2f} of the budget of "
        f"{BUDGET_SECONDS:.0f} s, worst {max(reads) / BUDGET_SECONDS:.2f}"
    )


def _read(page: Visitor, trial: Trial) -> float:
    """Milliseconds since the page was asked for."""
    page.open(f"/study/{trial.study_id}/scan")
    return float(page.page.evaluate(_WHEN))
