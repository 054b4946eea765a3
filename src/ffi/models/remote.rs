//! The subscribing side: packets, readers and subscriptions against their ends.

use std::{sync::Arc, time::Duration};

use shuttle::thread;

use super::{
    explore,
    kit::{Host, environment, handles, remote, update, wait, wait_briefly},
};
use crate::{
    error::{SubscribeError, WaitError},
    ffi::{CancelToken, DataTrackStream, Environment, RemoteDataTrackManager},
    options::DataTrackSubscribeOptions,
    packet::{Extensions, Header, Marker},
};

struct Reading {
    environment: Arc<Environment>,
    manager: Arc<RemoteDataTrackManager>,
    stream: Arc<DataTrackStream>,
}

impl Reading {
    fn begin() -> Self {
        let (environment, host) = (environment(), Arc::new(Host::default()));
        let manager = remote(&environment, &host);
        manager.handle_signal_response(update(&["t"])).unwrap();
        let track = Arc::clone(&manager.tracks()[0]);
        let subscribing = {
            let track = Arc::clone(&track);
            let options = DataTrackSubscribeOptions { reorder_window_ms: 5, ..Default::default() };
            thread::spawn(move || wait(track.subscribe_with_options(options, None)))
        };
        while host.requests.lock().unwrap().is_empty() {
            thread::yield_now();
        }
        manager.handle_signal_response(handles()).unwrap();
        let stream = subscribing.join().unwrap().unwrap();
        Self { environment, manager, stream }
    }

    fn feed(&self, numbers: &'static [u16]) -> thread::JoinHandle<()> {
        let manager = Arc::clone(&self.manager);
        thread::spawn(move || {
            numbers.iter().for_each(|number| manager.handle_packet_received(&packet(*number)))
        })
    }

    /// Reads to the end.
    fn read(&self) -> thread::JoinHandle<Vec<u8>> {
        let stream = Arc::clone(&self.stream);
        thread::spawn(move || {
            let next = || wait(stream.next(None)).unwrap();
            std::iter::from_fn(next).map(|frame| frame.payload.as_ref()[0]).collect()
        })
    }

    fn assert_no_faults(&self) {
        let stats = self.manager.stats();
        assert_eq!((stats.delegate_errors, stats.panics), (0, 0), "{stats:?}");
        let stats = self.stream.stats();
        assert_eq!(stats.frames_waiting, 0, "{stats:?}");
    }
}

/// Frames of one packet; they carry their number.
fn packet(number: u16) -> Vec<u8> {
    let header = Header {
        marker: Marker::Single,
        handle: 1.try_into().unwrap(),
        sequence: number,
        frame_number: number,
        timestamp: 0,
        extensions: Extensions::default(),
    };
    let mut packet = Vec::new();
    header.encode(&mut packet);
    packet.push(number as u8);
    packet
}

fn frames_reach_the_reader_before_the_end() {
    let reading = Reading::begin();
    let reader = reading.read();
    let feeders = [reading.feed(&[0, 2, 2]), reading.feed(&[1, 3])];
    feeders.into_iter().for_each(|feeder| feeder.join().unwrap());
    reading.environment.advance(Duration::from_millis(5));
    reading.manager.handle_signal_response(update(&[])).unwrap();
    let read = reader.join().unwrap();
    assert!(read.is_sorted(), "{read:?}");
    let late = reading.stream.stats().frames_late as usize;
    assert_eq!(read.len() + late, 4, "{read:?}");
    reading.assert_no_faults();
}

/// A frame that is held for an earlier one comes by its deadline alone.
fn a_deadline_brings_what_a_packet_does_not() {
    let reading = Reading::begin();
    let feeder = reading.feed(&[0, 2]);
    let clock = Arc::clone(&reading.environment);
    let time = thread::spawn(move || clock.advance(Duration::from_millis(1)));
    let stream = Arc::clone(&reading.stream);
    let reader = thread::spawn(move || {
        (0..2)
            .map(|_| wait(stream.next(None)).unwrap().unwrap().payload.as_ref()[0])
            .collect::<Vec<_>>()
    });
    feeder.join().unwrap();
    time.join().unwrap();
    reading.environment.advance(Duration::from_millis(5));
    assert_eq!(reader.join().unwrap(), [0, 2]);
    reading.assert_no_faults();
}

fn readers_and_feeders_until(end: fn(&Reading)) {
    let reading = Reading::begin();
    let readers = [reading.read(), reading.read()];
    let feeder = reading.feed(&[0, 1]);
    end(&reading);
    let mut read: Vec<_> = readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect();
    feeder.join().unwrap();
    read.sort_unstable();
    let each = [&[] as &[u8], &[0], &[1], &[0, 1]];
    assert!(each.contains(&read.as_slice()), "each once: {read:?}");
    assert!(reading.stream.end_reason().is_some());
    reading.assert_no_faults();
    assert_eq!(reading.stream.stats().frames_delivered, read.len() as u64);
}

fn a_read_that_is_cancelled_or_abandoned_takes_no_frame() {
    let reading = Reading::begin();
    let token = Arc::new(CancelToken::new());
    let impatient = {
        let (stream, token) = (Arc::clone(&reading.stream), Arc::clone(&token));
        thread::spawn(move || wait(stream.next(Some(token))))
    };
    let abandoned = {
        let stream = Arc::clone(&reading.stream);
        thread::spawn(move || wait_briefly(stream.next(None)))
    };
    let feeder = reading.feed(&[0, 1]);
    let patient = {
        let stream = Arc::clone(&reading.stream);
        thread::spawn(move || {
            wait(stream.next(None)).unwrap().map(|frame| frame.payload.as_ref()[0])
        })
    };
    token.cancel();
    feeder.join().unwrap();
    let impatient = impatient.join().unwrap();
    assert!(!matches!(impatient, Ok(None)));
    let taken = usize::from(impatient.is_ok()) + usize::from(abandoned.join().unwrap().is_some());
    if taken == 2 {
        // Both were quick: the patient one waits for another frame.
        reading.manager.handle_packet_received(&packet(2));
    }
    assert!(patient.join().unwrap().is_some());
    let rest = std::iter::from_fn(|| wait_briefly(reading.stream.next(None))).count();
    assert_eq!(taken + 1 + rest, if taken == 2 { 3 } else { 2 });
    reading.assert_no_faults();
}

fn a_subscribe_is_answered_cancelled_and_shut_down() {
    let (environment, host) = (environment(), Arc::new(Host::default()));
    let manager = remote(&environment, &host);
    manager.handle_signal_response(update(&["t"])).unwrap();
    let token = Arc::new(CancelToken::new());
    let subscriber = {
        let (track, token) = (Arc::clone(&manager.tracks()[0]), Arc::clone(&token));
        thread::spawn(move || {
            let answer = wait(track.subscribe(Some(token)));
            answer.map(|stream| wait(stream.next(None)))
        })
    };
    let answerer = {
        let manager = Arc::clone(&manager);
        thread::spawn(move || drop(manager.handle_signal_response(handles())))
    };
    let canceller = thread::spawn(move || token.cancel());
    manager.shutdown();
    match subscriber.join().unwrap() {
        Ok(end) => assert_eq!(end, Ok(None)),
        Err(error) => assert!(
            matches!(
                error,
                SubscribeError::Cancelled | SubscribeError::Closed | SubscribeError::Unpublished
            ),
            "{error:?}"
        ),
    }
    answerer.join().unwrap();
    canceller.join().unwrap();
    environment.advance(Duration::ZERO);
    assert_eq!(Arc::strong_count(&host), 1, "the delegate was let go");
    assert_eq!((manager.stats().delegate_errors, manager.stats().panics), (0, 0));
}

/// Streams that are dropped give their subscription back, on the deadline thread.
fn a_subscribe_is_answered_and_its_stream_dropped() {
    let (environment, host) = (environment(), Arc::new(Host::default()));
    let manager = remote(&environment, &host);
    manager.handle_signal_response(update(&["t"])).unwrap();
    let subscriber = {
        let track = Arc::clone(&manager.tracks()[0]);
        thread::spawn(move || drop(wait_briefly(track.subscribe(None))))
    };
    let time = {
        let environment = Arc::clone(&environment);
        thread::spawn(move || environment.advance(Duration::ZERO))
    };
    while host.requests.lock().unwrap().is_empty() {
        thread::yield_now();
    }
    manager.handle_signal_response(handles()).unwrap();
    subscriber.join().unwrap();
    time.join().unwrap();
    environment.advance(Duration::ZERO);
    assert_eq!(manager.stats().subscriptions_active, 0);
    assert_eq!(manager.tracks()[0].stats().streams, 0);
    assert_eq!(host.requests.lock().unwrap().len(), 2, "what was asked for is given back");
}

fn whoever_waits_for_a_track_hears_of_it() {
    let (environment, host) = (environment(), Arc::new(Host::default()));
    let manager = remote(&environment, &host);
    let waiters: Vec<_> = (0..2)
        .map(|_| {
            let manager = Arc::clone(&manager);
            thread::spawn(move || wait(manager.wait_for_track("t".into(), None, 0, None)).map(drop))
        })
        .collect();
    let teller = {
        let manager = Arc::clone(&manager);
        thread::spawn(move || drop(manager.handle_signal_response(update(&["t"]))))
    };
    let ended = wait_briefly(manager.wait_for_track("t".into(), None, 0, None));
    teller.join().unwrap();
    assert!(!matches!(ended, Some(Err(_))));
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap(), Ok::<_, WaitError>(()));
    }
    manager.shutdown();
    assert_eq!(host.count("published"), host.count("unpublished"));
}

#[test]
fn receive_next_end() {
    explore("receive_next_end", frames_reach_the_reader_before_the_end);
}

#[test]
fn receive_deadline_next() {
    explore("receive_deadline_next", a_deadline_brings_what_a_packet_does_not);
}

#[test]
fn receive_next_close() {
    explore("receive_next_close", || {
        readers_and_feeders_until(|reading| reading.stream.shutdown())
    });
}

#[test]
fn receive_next_shutdown() {
    explore("receive_next_shutdown", || {
        readers_and_feeders_until(|reading| reading.manager.shutdown())
    });
}

#[test]
fn receive_next_cancel() {
    explore("receive_next_cancel", a_read_that_is_cancelled_or_abandoned_takes_no_frame);
}

#[test]
fn subscribe_answer_cancel_shutdown() {
    explore("subscribe_answer_cancel_shutdown", a_subscribe_is_answered_cancelled_and_shut_down);
}

#[test]
fn subscribe_answer_drop() {
    explore("subscribe_answer_drop", a_subscribe_is_answered_and_its_stream_dropped);
}

#[test]
fn find_update() {
    explore("find_update", whoever_waits_for_a_track_hears_of_it);
}
