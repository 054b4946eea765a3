"""What the host throws stays with the host (P5): counted, and nothing else ends because of it, nor waits for it (P11, P12)."""

import asyncio
import sys
import threading

import datatracks as dt
import pytest
from host import PACKET, SIGNAL
from peer import connected, frame, options, subscribed, until


async def test_events_that_throw_are_counted_and_end_nothing(join):
    alice, bob = join("alice"), join("bob")
    alice.throws = bob.throws = True
    track, stream = await connected(alice, bob)
    track.try_push(frame(b"all the same"))
    assert (await stream.next()).payload == b"all the same"
    track.unpublish()
    assert await stream.next() is None
    bob.expect("unpublished")
    alice.expect("local unpublished")
    assert alice.local.stats().delegate_errors == 2
    await until(lambda: bob.remote.stats().delegate_errors >= 3)  # published, subscription, unpublished


async def test_packets_that_cannot_be_sent_are_counted_for_their_track_only(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    alice.broken = {PACKET}
    track.try_push(frame(b"lost"))
    stats = track.stats()
    assert (stats.frames_accepted, stats.frames_dropped_not_sent, stats.frames_sent) == (1, 1, 0)
    assert alice.local.stats().delegate_errors == 1
    alice.broken = set()
    track.try_push(frame(b"after that"))
    assert (await stream.next()).payload == b"after that"


async def test_a_request_that_cannot_be_sent_fails_its_call_at_once(join):
    alice, bob = join("alice"), join("bob")
    await alice.local.publish_track(options("there"))
    track = await bob.remote.wait_for_track("there", None, 10_000)
    alice.broken = bob.broken = {SIGNAL}
    started = asyncio.get_running_loop().time()
    with pytest.raises(dt.PublishError.SignalNotSent):
        await alice.local.publish_track(options("unsendable"))
    with pytest.raises(dt.SubscribeError.SignalNotSent):
        await track.subscribe()
    assert asyncio.get_running_loop().time() - started < 5
    assert alice.local.stats().signals_not_sent == 1
    assert bob.remote.stats().signals_not_sent == 1

    alice.broken = bob.broken = set()
    ours = await alice.local.publish_track(options("unsendable"))
    stream = await track.subscribe()
    assert ours.is_published() and stream.end_reason() is None


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
async def test_an_interrupted_callback_has_not_done_its_work(join, monkeypatch, interruption):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: told.append(unraisable.exc_type))
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    send = alice.send

    def interrupted(kind, data):
        raise interruption

    alice.send = interrupted
    track.try_push(frame(b"lost"))
    stats = track.stats()
    assert (stats.frames_accepted, stats.frames_dropped_not_sent, stats.frames_sent) == (1, 1, 0)
    with pytest.raises(dt.PublishError.SignalNotSent):
        await alice.local.publish_track(options("unsendable"))
    assert alice.local.stats().delegate_errors == 2
    assert told == [interruption] * 2  # nobody asked for it to be kept
    alice.send = send
    track.try_push(frame(b"after that"))
    assert (await stream.next()).payload == b"after that"


async def test_any_method_may_be_called_from_any_callback(join):
    alice, bob = join("alice"), join("bob")
    calls = []

    def reenter(peer):
        inner = peer.event

        def event(*what):
            calls.append(what[0])
            peer.local.stats(), peer.local.tracks(), peer.local.publish_responses_for_sync_state()
            peer.remote.stats(), peer.remote.tracks()
            for track in peer.local.tracks():
                track.try_push(frame(b"from a callback"))
            inner(*what)

        peer.event = event

    reenter(alice)
    reenter(bob)
    track = await alice.local.publish_track(options("samples"))
    stream = await subscribed(bob, "samples")
    track.try_push(frame(b"from outside"))
    while (await stream.next()).payload != b"from outside":
        pass
    # The frame may be faster than the thread that brings alice's event.
    await until(lambda: {"local published", "published", "subscription"} <= set(calls))


async def test_a_delegate_that_blocks_on_packets_delays_no_other_track(join):
    alice, bob = join("alice"), join("bob")
    slow, _ = await connected(alice, bob, "slow")
    quick, stream = await connected(alice, bob, "quick")
    entered, released = asyncio.Event(), threading.Event()
    loop, send = asyncio.get_running_loop(), alice.send

    def blocking(kind, data):
        if kind == PACKET and b"block" in data:
            loop.call_soon_threadsafe(entered.set)
            released.wait(20)
        send(kind, data)

    alice.send = blocking
    pushing = asyncio.create_task(asyncio.to_thread(slow.try_push, frame(b"block")))
    await entered.wait()
    quick.try_push(frame(b"past it"))
    assert (await stream.next()).payload == b"past it"
    published = await asyncio.wait_for(alice.local.publish_track(options("another")), 5)
    assert published.is_published() and not pushing.done()
    released.set()
    await pushing


async def test_noise_on_the_channel_is_counted_and_harms_nobody(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    for noise in (b"", b"\xff" * 40, b"\x18", bytes(12), bytes(70_000)):
        bob.remote.handle_packet_received(noise)
    track.try_push(frame(b"signal"))
    assert (await stream.next()).payload == b"signal"
    assert bob.remote.stats().packets_malformed >= 3
