//! Reading a stream: who gets which frame, how it ends, and what cancelling costs (nothing).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod kit;

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc},
};

use datatracks::*;
use kit::frames::{assert_whole, payload};
use kit::subscriber::*;
use kit::task::{Task, poll_once};

type Next = Task<Result<Option<DataTrackFrame>, WaitError>>;

fn reading() -> (Subscriber, Arc<DataTrackStream>, Packets) {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    (subscriber, stream, Packets::default())
}

fn next(stream: &Arc<DataTrackStream>) -> Next {
    let stream = Arc::clone(stream);
    Task::begin(async move { stream.next(None).await })
}

fn number(frame: Result<Option<DataTrackFrame>, WaitError>) -> u64 {
    frame.unwrap().unwrap().user_timestamp.unwrap()
}

#[test]
fn a_frame_wakes_its_reader_once() {
    let (subscriber, stream, mut packets) = reading();
    let mut waiting = next(&stream);
    subscriber.feed(packets.frame(b"one"));
    assert_eq!(waiting.wakes(), 1);
    subscriber.feed(packets.frame(b"two"));
    assert_eq!(waiting.wakes(), 1, "it is awake already");
    assert_eq!(number(waiting.poll().unwrap()), 0);
    assert_eq!(read_numbers(&stream), [1]);
}

#[test]
fn a_held_frame_wakes_its_reader_when_its_window_is_over() {
    let (subscriber, stream, mut packets) = reading();
    packets.number = 9;
    let waiting = next(&stream);
    subscriber.feed(packets.frame(b"nine"));
    subscriber.clock.advance(20 * MS - TICK);
    assert_eq!(waiting.wakes(), 0, "one tick early");
    subscriber.clock.advance(TICK);
    assert_eq!(number(waiting.finish()), 9);
}

#[test]
fn of_several_calls_at_once_each_gets_another_frame() {
    let (subscriber, stream, mut packets) = reading();
    let mut waiting: Vec<_> = (0..4).map(|_| next(&stream)).collect();
    for _ in 0..3 {
        subscriber.feed(packets.frame(b"x"));
    }
    let mut got: Vec<_> = waiting.iter_mut().filter_map(|next| next.poll().map(number)).collect();
    got.sort_unstable();
    assert_eq!(got, [0, 1, 2]);
    subscriber.feed(packets.frame(b"x"));
    assert_eq!(number(waiting.pop().unwrap().finish()), 3);
}

#[test]
fn a_call_that_has_caught_up_lets_turns_pass_before_it_asks_to_be_woken() {
    let (subscriber, stream, mut packets) = reading();
    subscriber.feed(packets.frame(b"x"));
    assert_eq!(poll_once(stream.next(None)).map(number), Some(0));
    let calm = next(&stream);
    assert_eq!(calm.wakes(), 0, "one frame is no crowd");
    subscriber.feed(packets.frame(b"x"));
    assert_eq!(number(calm.finish()), 1);
    (0..2).for_each(|_| subscriber.feed(packets.frame(b"x")));
    (2..4)
        .for_each(|expected| assert_eq!(poll_once(stream.next(None)).map(number), Some(expected)));
    let waiting = next(&stream);
    let turns = waiting.wakes();
    assert!(turns > 0, "no turn passed");
    subscriber.feed(packets.frame(b"x"));
    assert_eq!(waiting.wakes(), turns + 1, "nobody woke it");
    assert_eq!(number(waiting.finish()), 4);
}

#[test]
fn an_abandoned_call_takes_no_frame_and_no_wakeup() {
    let (subscriber, stream, mut packets) = reading();
    let (abandoned, waiting) = (next(&stream), next(&stream));
    subscriber.feed(packets.frame(b"x"));
    drop(abandoned);
    assert_eq!(number(waiting.finish()), 0);
    let token = Arc::new(CancelToken::new());
    let (reader, cancel) = (Arc::clone(&stream), Some(Arc::clone(&token)));
    let mut cancelled = Task::begin(async move { reader.next(cancel).await });
    token.cancel();
    assert_eq!(cancelled.poll(), Some(Err(WaitError::Cancelled)));
    subscriber.feed(packets.frame(b"y"));
    assert_eq!(read_numbers(&stream), [1]);
}

#[test]
fn a_batch_takes_what_is_there() {
    let (subscriber, stream, mut packets) = reading();
    let reader = Arc::clone(&stream);
    let waiting = Task::begin(async move { reader.next_batch(8, None).await });
    (0..3).for_each(|_| subscriber.feed(packets.frame(b"x")));
    assert_eq!(waiting.finish().unwrap().len(), 3);
    (0..5).for_each(|_| subscriber.feed(packets.frame(b"x")));
    let batch = |max| poll_once(stream.next_batch(max, None)).unwrap().unwrap().len();
    assert_eq!((batch(2), batch(0), batch(8)), (2, 1, 2), "at least one");
    assert_eq!(stream.stats().frames_delivered, 8);
    stream.shutdown();
    assert_eq!(batch(8), 0);
}

#[test]
fn a_batch_leaves_what_is_held_its_memory() {
    let (subscriber, stream, mut packets) = reading();
    (0..3).for_each(|_| subscriber.feed(packets.frame(b"x")));
    let late = packets.frame(b"late");
    subscriber.feed(packets.frame(b"held"));
    assert_eq!(poll_once(stream.next_batch(8, None)).unwrap().unwrap().len(), 3);
    assert_eq!(stream.stats().frames_waiting, 1);
    subscriber.feed(late);
    assert_eq!(read_numbers(&stream), [3, 4]);
    assert_eq!(stream.stats().frames_waiting, 0);
}

#[test]
fn frames_that_wait_are_read_after_the_end_of_the_track() {
    let (subscriber, stream, mut packets) = reading();
    subscriber.feed(packets.frame(b"zero"));
    packets.frame(b"lost");
    subscriber.feed(packets.frame(b"held"));
    subscriber.update(vec![left("bob")]);
    assert_eq!(stream.end_reason(), Some(StreamEndReason::Unpublished));
    assert_eq!(read_numbers(&stream)[..], [0, 2]);
    assert_eq!(poll_once(stream.next(None)), Some(Ok(None)));
    subscriber.feed(packets.frame(b"too late"));
    assert_eq!(poll_once(stream.next(None)), Some(Ok(None)));
    stream.shutdown();
    assert_eq!(stream.end_reason(), Some(StreamEndReason::Unpublished), "the first reason stays");
}

#[test]
fn frames_that_wait_are_dropped_by_shutdown_and_counted() {
    let (subscriber, stream, mut packets) = reading();
    let other = poll_once(subscriber.track("data").subscribe(None)).unwrap().unwrap();
    subscriber.feed(packets.frame(b"zero"));
    packets.frame(b"lost");
    subscriber.feed(packets.frame(b"held"));
    stream.shutdown();
    assert_eq!(poll_once(stream.next(None)), Some(Ok(None)));
    assert_eq!(stream.end_reason(), Some(StreamEndReason::Closed));
    let stats = stream.stats();
    assert_eq!((stats.frames_dropped_closed, stats.frames_waiting), (2, 0));
    assert_eq!(read_numbers(&other), [0], "other streams go on");
    subscriber.update(vec![left("bob")]);
    assert_eq!(read_numbers(&other), [2]);
}

#[test]
fn every_end_wakes_every_reader() {
    for end in [
        (|_, stream| stream.shutdown()) as fn(&Subscriber, &DataTrackStream),
        |subscriber, _| subscriber.update(vec![left("bob")]),
        |subscriber, _| subscriber.manager.shutdown(),
    ] {
        let (subscriber, stream, _) = reading();
        let waiting = [next(&stream), next(&stream)];
        end(&subscriber, &stream);
        for next in waiting {
            assert_eq!(next.finish(), Ok(None));
        }
    }
}

#[test]
fn a_stream_outlives_its_manager() {
    let (subscriber, stream, mut packets) = reading();
    subscriber.feed(packets.frame(b"x"));
    let track = subscriber.track("data");
    subscriber.manager.shutdown();
    drop(subscriber);
    assert_eq!(read_numbers(&stream), [0]);
    assert_eq!(poll_once(stream.next(None)), Some(Ok(None)));
    assert_eq!((track.info().name.as_str(), track.stats().frames_completed), ("data", 1));
}

#[test]
fn a_dropped_stream_buffers_no_more() {
    let (subscriber, stream, mut packets) = reading();
    let track = subscriber.track("data");
    let other = poll_once(track.subscribe(None)).unwrap().unwrap();
    assert_eq!(track.stats().streams, 2);
    drop(other);
    assert_eq!(track.stats().streams, 1);
    subscriber.feed(packets.frame(b"payload"));
    assert_eq!(read_numbers(&stream), [0]);
}

#[test]
fn readers_on_other_threads_miss_nothing() {
    let subscriber = Subscriber::new();
    let options = DataTrackSubscribeOptions { buffer_frames: 65_536, ..Default::default() };
    let stream = subscriber.reading(options);
    let (sender, frames) = mpsc::channel();
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (stream, sender) = (Arc::clone(&stream), sender.clone());
            std::thread::spawn(move || {
                while let Some(frame) = block_on(stream.next(None)).unwrap() {
                    sender.send(frame.user_timestamp.unwrap()).unwrap();
                }
            })
        })
        .collect();
    drop(sender);
    let mut packets = Packets::default();
    (0..10_000).for_each(|_| subscriber.feed(packets.frame(&[7; 100])));
    subscriber.update(vec![left("bob")]);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    let got: Vec<_> = frames.iter().collect();
    assert_eq!(got.len(), 10_000);
    assert_eq!(got.into_iter().collect::<BTreeSet<_>>().len(), 10_000);
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn what_completes_no_frame_wakes_nobody() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let reader = Arc::clone(&stream);
    let waiting = Task::begin(async move { reader.next(None).await });
    let packets = Packets::default().frame(&[0; 20_000]);
    subscriber.feed(&packets[..1]);
    assert_eq!(waiting.wakes(), 0);
    subscriber.feed(&packets[1..]);
    assert!(waiting.finish().unwrap().is_some());
}

/// Streams of two tracks that are fed, and one of a third.
fn three_streams(
    buffer_policy: BufferPolicy,
    frames: u32,
) -> (Subscriber, [Arc<DataTrackStream>; 3]) {
    let subscriber = Subscriber::new();
    let names = ["first", "second", "third"];
    let sids = ["DTR_1", "DTR_2", "DTR_3"];
    let tracks = (1..).zip(names).zip(sids).map(|((handle, name), sid)| track(handle, sid, name));
    subscriber.update(vec![participant("bob", tracks.collect())]);
    let options = || DataTrackSubscribeOptions { buffer_policy, ..options(frames) };
    let subscribing = names.map(|name| subscriber.subscribe(name, options()));
    subscriber.handles(&[(1, sids[0]), (2, sids[1]), (3, sids[2])]);
    (subscriber, subscribing.map(|subscribing| subscribing.finish().unwrap()))
}

#[test]
fn p12_readers_that_have_stopped_leave_memory_to_others() {
    let (subscriber, [first, second, slow]) = three_streams(BufferPolicy::DropNewest, 65_536);
    for handle in [1, 2] {
        let mut packets = Packets { handle, ..Packets::default() };
        for _ in 0..70 {
            subscriber.feed(packets.frame(&[0; 1_000_000]));
        }
        for _ in 0..11_000 {
            subscriber.feed(packets.frame(&[0]));
        }
    }
    assert!([&first, &second].iter().all(|stream| stream.stats().frames_dropped_full > 0));
    let mut packets = Packets { handle: 3, ..Packets::default() };
    for _ in 0..16 {
        subscriber.feed(packets.frame(&[0; 3_000]));
    }
    assert_eq!(read_numbers(&slow), Vec::from_iter(0..16));
}

#[test]
fn a_held_frame_wakes_its_reader_when_another_handle_comes() {
    let (subscriber, stream, mut packets) = reading();
    packets.number = 9;
    let waiting = next(&stream);
    subscriber.feed(packets.frame(b"nine"));
    assert_eq!(waiting.wakes(), 0);
    subscriber.handles(&[(8, "DTR_1")]);
    assert_eq!(number(waiting.finish()), 9);
}

#[test]
fn p10_frames_that_make_room_for_newer_ones_give_their_memory_back() {
    let (subscriber, [first, second, third]) = three_streams(BufferPolicy::DropOldest, 1);
    for handle in [1, 2] {
        let mut packets = Packets { handle, ..Packets::default() };
        for _ in 0..70 {
            subscriber.feed(packets.frame(&[0; 1_000_000]));
        }
    }
    assert!([&first, &second].iter().all(|stream| stream.stats().frames_dropped_full == 69));
    subscriber.feed(Packets { handle: 3, ..Packets::default() }.frame(&payload(0, 1_000_000)));
    assert_whole(&read_all(&third), 1_000_000);
}
