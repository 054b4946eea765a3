"""Every wait ends, once: done, refused, timed out, cancelled or closed (P6, P7)."""

import asyncio
import multiprocessing
from types import SimpleNamespace

import datatracks as dt
import pytest
from host import Receiving
from peer import connected, frame, options, subscribed, until

# Into a full channel single packets leave all the same, the first after 100 ms, lest a silent host stop them for good. This
# frame has so many that it waits for longer than any test.
LARGE = frame(bytes(1 << 20))


async def outcome(awaitable):
    """What a call gave or raised."""
    try:
        return await awaitable
    except Exception as error:
        return error


async def test_shutdown_completes_everything_that_waits(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    remote = bob.remote.tracks()[0]
    alice.control("lose_next")
    alice.local.handle_buffered_amount(1 << 30)
    track.try_push(LARGE)
    waiting = [
        asyncio.create_task(outcome(call))
        for call in (
            alice.local.publish_track(options("pending")),
            track.wait_for_unpublish(),
            track.flush(60_000),
            stream.next(),
            stream.next_batch(5),
            remote.wait_for_unpublish(),
            bob.remote.wait_for_track("never", None, 0),
        )
    ]
    await asyncio.sleep(0.1)
    assert not any(task.done() for task in waiting)
    bob.remote.shutdown()
    alice.local.shutdown()
    publish, ours, flush, following, batch, theirs, found = await asyncio.wait_for(asyncio.gather(*waiting), 5)
    assert isinstance(publish, dt.PublishError.Closed)
    assert ours == theirs == dt.UnpublishReason.SHUTDOWN
    assert flush is None or isinstance(flush, dt.WaitError.Closed)
    assert following is None and batch == []
    assert isinstance(found, dt.WaitError.Closed)
    assert stream.end_reason() == dt.StreamEndReason.SHUTDOWN
    assert not track.is_published() and not remote.is_published()
    alice.local.shutdown()
    bob.remote.shutdown()


async def test_a_token_cancels_every_call_that_has_it(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    alice.control("lose_next")
    token = dt.CancelToken()
    waiting = [
        asyncio.create_task(outcome(call))
        for call in (
            alice.local.publish_track(options("pending"), token),
            stream.next(token),
            track.wait_for_unpublish(token),
            bob.remote.wait_for_track("never", None, 0, token),
        )
    ]
    await asyncio.sleep(0.1)
    assert not token.is_cancelled() and not any(task.done() for task in waiting)
    token.cancel()
    token.cancel()
    publish, *others = await asyncio.wait_for(asyncio.gather(*waiting), 5)
    assert token.is_cancelled()
    assert isinstance(publish, dt.PublishError.Cancelled)
    assert all(isinstance(other, dt.WaitError.Cancelled) for other in others)
    with pytest.raises(dt.WaitError.Cancelled):
        await stream.next(token)
    track.try_push(frame(b"the stream lives on"))
    assert (await stream.next()).payload == b"the stream lives on"


async def test_a_cancelled_task_loses_no_frame(join):
    track, stream = await connected(join("alice"), join("bob"))
    for number in range(20):
        reading = asyncio.create_task(stream.next())
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        track.try_push(frame(b"%d" % number))
        assert (await stream.next()).payload == b"%d" % number


async def cancelled_after(turns, awaitable):
    """What a task gives that is cancelled when the event loop has come round so many times."""
    task = asyncio.create_task(awaitable)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    (given,) = await asyncio.gather(task, return_exceptions=True)
    return None if isinstance(given, asyncio.CancelledError) else given


async def test_a_task_that_is_cancelled_just_as_its_frame_is_there_loses_no_frame(join):
    track, stream = await connected(join("alice"), join("bob"))
    for turns in range(6):
        track.try_push(frame(b"%d" % turns))
        await until(lambda: stream.stats().frames_waiting == 1)
        read = await cancelled_after(turns, stream.next())
        assert (read or await asyncio.wait_for(stream.next(), 5)).payload == b"%d" % turns


async def test_a_task_that_is_cancelled_just_as_it_has_subscribed_leaves_no_stream(join):
    bob = join("bob")
    _, first = await connected(join("alice"), bob)  # with it there, the next is given at once
    remote = bob.remote.tracks()[0]
    for turns in range(6):
        if given := await cancelled_after(turns, remote.subscribe()):
            given.shutdown()
        await until(lambda: remote.stats().streams == 1)
    first.shutdown()
    assert remote.subscription_state() == dt.SubscriptionState.UNSUBSCRIBED


async def test_a_task_whose_calls_are_answered_at_once_lets_others_run(join):
    track, _ = await connected(join("alice"), join("bob"))
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    for _ in range(20):
        await track.send(frame(b""))
    counting.cancel()
    assert turns >= 10


async def test_a_cancelled_publish_is_undone_at_the_sfu(join):
    alice, bob = join("alice"), join("bob")
    alice.held_back = []
    publishing = asyncio.create_task(alice.local.publish_track(options("unwanted")))
    await until(lambda: alice.held_back)
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing
    held, alice.held_back = alice.held_back, None
    for data in held:
        alice.local.handle_signal_response(data)
    await until(lambda: not bob.remote.tracks())
    assert alice.local.tracks() == []
    again = await alice.local.publish_track(options("unwanted"))
    assert again.is_published()


async def test_a_closed_stream_answers_at_once_and_ends_the_subscription(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    reading = asyncio.create_task(stream.next())
    await asyncio.sleep(0.05)
    stream.shutdown()
    assert await reading is None
    assert stream.end_reason() == dt.StreamEndReason.CLOSED
    remote = bob.remote.tracks()[0]
    assert remote.subscription_state() == dt.SubscriptionState.UNSUBSCRIBED


async def test_resubscribing_at_once_works(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    remote = bob.remote.tracks()[0]
    for number in range(5):
        stream.shutdown()
        stream = await asyncio.wait_for(remote.subscribe(), 8)
        await until(lambda: remote.subscription_state() == dt.SubscriptionState.ACTIVE)
        for attempt in range(100):  # frames pushed before the SFU has switched over may go nowhere
            track.try_push(frame(b"%d" % number))
            if stream.stats().frames_waiting:
                break
            await asyncio.sleep(0.05)
        assert (await asyncio.wait_for(stream.next(), 5)).payload == b"%d" % number


async def test_the_end_of_a_track_ends_its_streams_and_tells_why(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    remote = bob.remote.tracks()[0]
    ours = asyncio.create_task(track.wait_for_unpublish())
    theirs = asyncio.create_task(remote.wait_for_unpublish())
    track.try_push(frame(b"the last one"))
    await until(lambda: stream.stats().frames_waiting == 1)
    track.unpublish()
    track.unpublish()
    assert await ours == await theirs == dt.UnpublishReason.REQUESTED
    assert (await stream.next()).payload == b"the last one"
    assert await stream.next() is None
    assert stream.end_reason() == dt.StreamEndReason.UNPUBLISHED
    assert await track.wait_for_unpublish() == dt.UnpublishReason.REQUESTED


async def test_waiting_for_a_track_finds_what_is_there_and_what_comes(join):
    alice, bob = join("alice"), join("bob")
    waiting = asyncio.create_task(bob.remote.wait_for_track("later", "alice", 10_000))
    elsewhere = asyncio.create_task(outcome(bob.remote.wait_for_track("later", "carol", 300)))
    await asyncio.sleep(0.05)
    await alice.local.publish_track(options("later"))
    track = await waiting
    assert (track.info().name, track.publisher_identity()) == ("later", "alice")
    assert await bob.remote.wait_for_track("later", None, 1) == track
    assert isinstance(await elsewhere, dt.WaitError.TimedOut)


async def test_a_stream_survives_its_track_handle(join):
    alice, bob = join("alice"), join("bob")
    track, _ = await connected(alice, bob)
    stream = await subscribed(bob, "samples")
    del track
    kept = alice.local.tracks()
    assert len(kept) == 1 and kept[0].is_published()
    kept[0].try_push(frame(b"still published"))
    assert (await stream.next()).payload == b"still published"


def test_managers_that_a_fork_makes_have_deadlines(join):
    join("alice")  # the thread of deadlines runs, and does not come along
    fork = multiprocessing.get_context("fork").Process(target=waits_in_vain)
    fork.start()
    fork.join(20)
    fork.kill()
    assert fork.exitcode == 0


def waits_in_vain():
    manager = dt.RemoteDataTrackManager(Receiving(SimpleNamespace()), None, "bob")
    with pytest.raises(dt.WaitError.TimedOut):
        asyncio.run(asyncio.wait_for(manager.wait_for_track("nowhere", None, 50), 10))
    manager.shutdown()
