"""The servers that rooms are made in: a real livekit-server, and the SFU that is embedded in ours."""

import os
import signal
import subprocess
import time

from network import HERE
from processes import DEADLINE, free_ports, is_listening, last_lines, located

KEY, SECRET = "testkey", "0123456789abcdef0123456789abcdef"

CONFIGURATION = """
port: {http}
bind_addresses: ["{address}"]
keys: {{{key}: {secret}}}
enable_data_tracks: true
rtc:
  tcp_port: {tcp}
  udp_port: {udp}
  use_external_ip: false
  node_ip: {address}
  enable_loopback_candidate: true
  interfaces: {{includes: ["{device}"]}}
"""


class Server:
    """On a free port of loopback, or of another place; after a restart on the same one."""

    def __init__(self, folder, place=HERE):
        self.log, self.place = folder / "server.log", place
        self.command = self.prepare(folder)
        self.start()

    @property
    def url(self):
        return f"ws://{self.place.address}:{self.http}"

    def start(self):
        environment = os.environ | {"LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": SECRET}
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(self.place.command(self.command), stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + DEADLINE
        while not self.is_listening():
            assert time.monotonic() < deadline and self.process.poll() is None, f"{self.name} does not listen:\n{self.tail()}"
            time.sleep(0.02)

    def is_listening(self):
        with self.place.entered():
            return is_listening((self.place.address, self.http))

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()  # a polite end would wait for rooms to empty
        self.process.wait()

    def tail(self):
        return last_lines(self.log)


class Livekit(Server):
    name = "livekit-server"

    def prepare(self, folder):
        self.http, tcp, udp = free_ports(3)
        configuration = folder / "config.yaml"
        place = {"address": self.place.address, "device": self.place.device}
        configuration.write_text(CONFIGURATION.format(http=self.http, tcp=tcp, udp=udp, key=KEY, secret=SECRET, **place))
        return [located("DATATRACKS_LIVEKIT_SERVER"), "--config", configuration]


class WithoutDataTracks(Livekit):
    def prepare(self, folder):
        command = super().prepare(folder)
        configuration = folder / "config.yaml"
        configuration.write_text(configuration.read_text().replace("enable_data_tracks: true", "enable_data_tracks: false"))
        return command


class Embedded(Server):
    name = "embedded SFU"

    def prepare(self, folder):
        (self.http,) = free_ports(1)
        return [located("DATATRACKS_BIN"), "-v", "sfu", "--listen", f"{self.place.address}:{self.http}"]
