"""The page of `datatracks demo --web`, in Chromium: what it shows moves, and is what was published."""

import math
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from processes import DEADLINE, Process, located

ROOT = Path(__file__).resolve().parents[2]
# Frames a second, and frames from one crest to the next.
TRACKS = {"imu": (100, 300), "pose": (1000, 4000), "cloud": (5, 30)}
LOOKS = 20


@pytest.fixture
def visit(browser):
    visit = Visit(browser)
    yield visit
    visit.end()


class Visit:
    """The demo, and somebody who looks at its page."""

    def __init__(self, browser):
        dist = located("DATATRACKS_BROWSER") / "node_modules/livekit-client/dist"
        self.demo = Process("demo", [located("DATATRACKS_BIN"), "demo", "--web", "--livekit-client", dist], dict(os.environ))
        self.started, self.browser = [self.demo], browser
        self.address = self.demo.data.get(timeout=DEADLINE)

    def look(self):
        environment = {**os.environ, "DATATRACKS_BROWSER_ENDPOINT": self.browser.endpoint()}
        page = Process("page", ["node", Path(__file__).with_name("browser") / "look.mjs", self.address], environment)
        self.started.append(page)
        return page

    def end(self):
        for process in self.started:
            process.kill()


def test_the_numbers_of_the_page_move_and_are_those_that_were_published(visit):
    page = visit.look()
    wait_for_rates(page)
    seen = {name: set() for name in TRACKS}
    for _ in range(LOOKS):
        for card in page.line():
            seen[card["track"]].add(float(card["value"]))
            assert 0 <= float(card["latency"]) < DEADLINE * 1000
    for name, values in seen.items():
        assert len(values) > 2, f"{name} does not move: {values}"
        assert values <= published(name), f"nobody published {values - published(name)} on {name}"
    assert page.status() == 0
    asked = {line.split()[2] for line in page.said if line.startswith("asks for")}
    assert f"{visit.address}livekit-client.js" in asked
    assert all(url.startswith((visit.address, "data:")) for url in asked), asked


def test_any_number_of_points_is_drawn_and_a_picture_that_fails_is_not_the_last():
    run = subprocess.run(["node", Path(__file__).with_name("browser") / "drawing.mjs"], capture_output=True, text=True, timeout=DEADLINE)
    assert run.returncode == 0, run.stderr


def test_ctrl_c_ends_the_demo_well(visit):
    visit.demo.process.send_signal(signal.SIGINT)
    assert visit.demo.status() == 0


def test_without_livekit_client_the_demo_says_what_brings_it(tmp_path):
    demo = Process("demo", [located("DATATRACKS_BIN"), "demo", "--web", "--livekit-client", tmp_path], dict(os.environ))
    demo.until_remark("cargo tasks setup")
    assert demo.status() == 2


def wait_for_rates(page):
    """Until every track is there, about as fast as it is published: a busy machine makes fewer frames."""
    deadline = time.monotonic() + DEADLINE
    while (line := page.line_until(deadline)) is not None:
        rates = {card["track"]: float(card.get("rate", 0)) for card in line}
        if all(wanted / 3 <= rates.get(name, 0) <= wanted * 1.3 for name, (wanted, _) in TRACKS.items()):
            return
    pytest.fail(f"the rates do not come up to {TRACKS}")


def published(name):
    """Every value that the demo can have published on this track."""
    _, length = TRACKS[name]
    angles = (2 * math.pi * number / length for number in range(length))
    return {round(math.sin(angle) + math.sin(5 * angle) / 4, PLACES) + 0.0 for angle in angles}


PLACES = 9
