"""Nothing is left behind by what was made and shut down."""

import gc
from pathlib import Path
from types import SimpleNamespace

import datatracks as dt
from host import Receiving, Sending


def test_ten_thousand_managers_that_come_and_go_leave_no_memory_and_no_thread():
    cycles(1_000)
    before = measured()
    cycles(10_000)
    after = measured()
    assert after["Threads"] <= before["Threads"] + 1, (before, after)
    assert after["VmRSS"] < before["VmRSS"] + 32 * 1024, (before, after)


def cycles(count):
    nowhere = SimpleNamespace()
    for _ in range(count):
        local = dt.LocalDataTrackManager(Sending(nowhere), None, "alice")
        remote = dt.RemoteDataTrackManager(Receiving(nowhere), None, "alice")
        assert (local.tracks(), remote.tracks()) == ([], [])
        local.shutdown()
        remote.shutdown()


def measured():
    """Threads, and kilobytes in memory."""
    gc.collect()
    lines = (line.partition(":") for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(value.split()[0]) for name, _, value in lines if name in ("Threads", "VmRSS")}
