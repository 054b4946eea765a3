"""The examples end, and say why, when the SFU refuses them or is gone."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import datatracks
import pytest
from conftest import ROOT, Plain

DEADLINE = 5  # seconds for an example to see that it is over
EXAMPLES = ["sensor.py", "subscriber.py"]


@pytest.fixture
def start():
    """Starts examples; none of them outlives its test."""
    started = []

    def start(example, address, room, *arguments):
        command = [sys.executable, ROOT / "python-package/examples" / example, str(address[1]), room, *arguments]
        environment = {**os.environ, "PYTHONPATH": str(Path(datatracks.__file__).parent)}
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_that_is_refused_says_why(start, sfu, example):
    words = words_of_failure(start(example, sfu.address, ""))
    assert words == "the connection has ended: the SFU refuses us: the room's name is empty or longer than 256 bytes"


def test_examples_end_with_the_sfu(start):
    sfu = Plain("sfu", "--plain", "127.0.0.1:0")
    try:
        examples = start("subscriber.py", sfu.address, "doomed"), start("sensor.py", sfu.address, "doomed", "100000")
        assert examples[0].stdout.readline() == "reading position of sensor\n"
        assert examples[0].stdout.readline()  # frames come
    finally:
        sfu.stop()
    for example in examples:
        assert words_of_failure(example).startswith("the connection has ended: ")


def test_an_example_ends_when_the_connection_breaks_inside_a_message(start):
    with socket.create_server(("127.0.0.1", 0)) as server:
        waiting = start("sensor.py", server.getsockname(), "room")
        connection, _ = server.accept()
        connection.recv(5)
        connection.sendall(b"\x01\x00")
        connection.shutdown(socket.SHUT_WR)
        assert words_of_failure(waiting) == "the connection has ended: the SFU has closed it"
        connection.close()


def test_ctrl_c_ends_an_example_that_waits_to_be_let_in(start):
    # A shell has what it starts with & ignore it, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with socket.create_server(("127.0.0.1", 0)) as server:
        waiting = start("sensor.py", server.getsockname(), "room")
        connection, _ = server.accept()
        assert connection.recv(5)  # its hello: it waits from now on
        waiting.send_signal(signal.SIGINT)
        waiting.communicate(timeout=DEADLINE)
        assert waiting.returncode != 0
        connection.close()


def words_of_failure(process):
    """The last line that it says on the way out; it must go by itself, and not well."""
    _, words = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1, words
    return words.splitlines()[-1]
