"""The servers that rooms are made in: a real livekit-server, and the SFU that is embedded in ours."""

import os
import signal
import subprocess
import time

from processes import DEADLINE, free_ports, is_listening, last_lines, located

KEY, SECRET = "testkey", "0123456789abcdef0123456789abcdef"

CONFIGURATION = """
port: {http}
bind_addresses: ["127.0.0.1"]
keys: {{{key}: {secret}}}
enable_data_tracks: true
rtc:
  tcp_port: {tcp}
  udp_port: {udp}
  use_external_ip: false
  node_ip: 127.0.0.1
  enable_loopback_candidate: true
  interfaces: {{includes: ["lo"]}}
"""


class Server:
    """On a free port of loopback; after a restart on the same one."""

    def __init__(self, folder):
        self.log = folder / "server.log"
        self.command = self.prepare(folder)
        self.start()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.http}"

    def start(self):
        environment = os.environ | {"LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": SECRET}
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + DEADLINE
        while not is_listening(self.http):
            assert time.monotonic() < deadline and self.process.poll() is None, f"{self.name} does not listen:\n{self.tail()}"
            time.sleep(0.02)

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
        configuration.write_text(CONFIGURATION.format(http=self.http, tcp=tcp, udp=udp, key=KEY, secret=SECRET))
        return [located("DATATRACKS_LIVEKIT_SERVER"), "--config", configuration]


class Embedded(Server):
    name = "embedded SFU"

    def prepare(self, folder):
        (self.http,) = free_ports(1)
        return [located("DATATRACKS_BIN"), "-v", "sfu", "--listen", f"127.0.0.1:{self.http}"]
