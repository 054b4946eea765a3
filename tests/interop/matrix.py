"""The cells of the interop matrix, and the table of what became of them."""

import json
import os
import subprocess
from datetime import date
from importlib import metadata
from pathlib import Path

MTU, TAG = 16_000, 16
# Most bytes of a frame that is one packet, by what stands in its header.
BOUNDARIES = [
    MTU - 12,
    MTU - 24,  # timestamp
    MTU - 32 - TAG,  # sealed
    MTU - 40 - TAG,  # sealed, timestamp
]
ALL_SIZES = sorted([1, 1000, 40_000, 1 << 20, *BOUNDARIES, *(size + 1 for size in BOUNDARIES)])
A_FEW_SIZES = {"livekit-server": [1, MTU - 40 - TAG, MTU - 11, 40_000], "embedded SFU": [1, 1000, 40_000, 1 << 18]}
# The file that takes the table of all cells; without it only a few run.
DOCUMENT = os.environ.get("DATATRACKS_INTEROP_TABLE")

# Hosts on our packages: Kotlin has a WebRTC stack of its own, the other two join through `datatracks bridge`.
HOSTS = ["Kotlin", "Swift", "ours in Python"]
if os.environ.get("DATATRACKS_SWIFT_HOST") == "":  # `cargo tasks` says so where there can be no Swift
    HOSTS.remove("Swift")
OURS, OTHERS = ["ours", *HOSTS], ["Python"]
if os.environ.get("DATATRACKS_BROWSER") != "":  # `cargo tasks` says so where there can be no browser
    OTHERS.append("JS")
PAIRS = [("ours", "ours"), *(pair for one in OURS for other in OTHERS for pair in ((one, other), (other, one)))]

PASSPHRASE, ANOTHER = {"passphrase": "correct horse"}, {"passphrase": "battery staple"}
KEY = {"key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
# What publisher and reader know.
SECRETS = {
    "plain": ({}, {}),
    "same passphrase": (PASSPHRASE, PASSPHRASE),
    "different passphrases": (PASSPHRASE, ANOTHER),
    "external key": (KEY, KEY),
}


class Table:
    """What became of each cell: how often its frame had to be sent until it arrived, or that it was refused."""

    def __init__(self, server):
        self.server, self.cells = server, {}
        self.sizes = ALL_SIZES if DOCUMENT else A_FEW_SIZES[server]

    def note(self, pair, secrets, size, track, outcome):
        self.cells.setdefault((*pair, secrets), {}).setdefault(size, {})[track] = outcome

    def lines(self):
        if not self.cells:
            return
        yield markdown("publisher → reader", "keys", *(f"{size:,}".replace(",", " ") for size in self.sizes))
        yield markdown("---", "---", *("---:" for _ in self.sizes))
        for pair in PAIRS:
            for secrets in SECRETS:
                if row := self.cells.get((*pair, secrets)):
                    yield markdown(" → ".join(pair), secrets, *(both(row.get(size, {})) for size in self.sizes))

    def is_whole(self):
        """Every cell came to its end, with and without a timestamp."""
        rows = [self.cells.get((*pair, secrets), {}) for pair in PAIRS for secrets in SECRETS]
        return all(len(row.get(size, {})) == 2 for row in rows for size in self.sizes)

    def write(self):
        """Into the document, between its marks."""
        path = Path(DOCUMENT)
        before, _, rest = path.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        assert after, f"{path} has lost its marks"
        told = f"{date.today()}: {', '.join(f'{name} {version}' for name, version in versions())}.\n\n"
        path.write_text(f"{before}{BEGIN}\n{told}" + "".join(f"{line}\n" for line in self.lines()) + f"{END}{after}")


def both(cell):
    """One word when it went alike with and without a timestamp."""
    return " / ".join(dict.fromkeys(cell.values())) or "did not run"


def markdown(*cells):
    return f"| {' | '.join(cells)} |"


def versions():
    yield "livekit-server", said_last(os.environ["DATATRACKS_LIVEKIT_SERVER"])
    yield "Python SDK", metadata.version("livekit")
    if "JS" in OTHERS:
        package = Path(os.environ["DATATRACKS_BROWSER"]) / "node_modules/livekit-client/package.json"
        yield "livekit-client", json.loads(package.read_text())["version"]
        yield "Chromium", said_last("chromium", word=1)
    yield "ours", said_last(os.environ["DATATRACKS_BIN"])


def said_last(program, word=-1):
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[word]


BEGIN, END = "<!-- the table: cargo tasks interop -->", "<!-- end of the table -->"
