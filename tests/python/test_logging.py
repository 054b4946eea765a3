"""A log sink gets what happens, and never payloads, keys or tokens (P13)."""

import datatracks as dt
import pytest
from peer import connected, frame, until
from test_encryption import ring, sealed_by


class Sink(dt.LogSink):
    def __init__(self, throws=False):
        self.records, self.throws = [], throws

    def log(self, record):
        self.records.append(record)
        if self.throws:
            raise RuntimeError("no room for logs")


@pytest.fixture
def sink():
    """A sink that is let go of at the end: it is process-wide."""
    sink = Sink()
    dt.set_log_sink(sink, dt.LogLevel.TRACE)
    yield sink
    dt.set_log_sink(None, dt.LogLevel.ERROR)


async def test_the_sink_hears_of_tracks_and_of_nothing_secret(join, sink):
    keys = ring(b"the passphrase")
    track, stream = await connected(join("alice", **sealed_by(keys)), join("bob", **sealed_by(keys)))
    track.try_push(frame(b"the payload"))
    assert (await stream.next()).payload == b"the payload"
    track.unpublish()
    await until(lambda: any(record.level == dt.LogLevel.INFO for record in sink.records))
    told = " ".join(f"{record.target} {record.text}" for record in sink.records)
    assert "the payload" not in told and "the passphrase" not in told
    assert "samples" in told


async def test_only_what_matters_enough_is_told(join, sink):
    dt.set_log_sink(sink, dt.LogLevel.ERROR)
    before = len(sink.records)
    track, _ = await connected(join("alice"), join("bob"))
    track.unpublish()
    assert [record for record in sink.records[before:] if record.level != dt.LogLevel.ERROR] == []


async def test_a_sink_that_throws_harms_nobody(join, sink):
    sink.throws = True
    track, stream = await connected(join("alice"), join("bob"))
    track.try_push(frame(b"all the same"))
    assert (await stream.next()).payload == b"all the same"
    assert sink.records
