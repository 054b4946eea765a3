//! Random lives of a send queue, held against what it promises.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::{
    options::{DropPolicy, SendMode},
    packet::decode,
};

#[derive(Clone, Debug)]
enum Step {
    Push { lane: usize, packets: usize, waits: bool },
    Take,
    Finish { flight: usize, sent: bool },
    Report { waiting: usize },
    Advance { ms: u64 },
    Hold { lane: usize },
    Resume { lane: usize },
    End { lane: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let lane = 0_usize..LANES;
    let step = prop_oneof![
        8 => (lane.clone(), 1_usize..20, any::<bool>())
            .prop_map(|(lane, packets, waits)| Step::Push { lane, packets, waits }),
        6 => Just(Step::Take),
        10 => (0_usize..LANES, prop::bool::weighted(0.9))
            .prop_map(|(flight, sent)| Step::Finish { flight, sent }),
        3 => prop::sample::select(vec![0, 50_000, 1 << 20]).prop_map(|waiting| Step::Report { waiting }),
        4 => (0_u64..50).prop_map(|ms| Step::Advance { ms }),
        1 => lane.clone().prop_map(|lane| Step::Hold { lane }),
        1 => lane.clone().prop_map(|lane| Step::Resume { lane }),
        1 => lane.prop_map(|lane| Step::End { lane }),
    ];
    prop::collection::vec(step, 1..300)
}

/// The queue, and what was seen of it.
struct World {
    queue: SendQueue,
    lanes: Vec<LaneId>,
    now: Instant,
    flights: Vec<LaneId>,
    /// The number of the next frame of each lane.
    next_frame: Vec<u16>,
    /// Packets of each frame that left, by lane and frame; and how many it has.
    left: BTreeMap<(usize, u16), (usize, usize)>,
    newest: BTreeMap<usize, u16>,
    /// Packets of each lane that left, and frames that began to.
    numbers: [(u16, u16); LANES],
}

impl World {
    fn new(options: &[DataTrackOptions]) -> Self {
        let mut queue = SendQueue::default();
        let lanes = options.iter().map(|options| queue.open(options)).collect();
        Self {
            queue,
            lanes,
            now: Instant::now(),
            flights: Vec::new(),
            next_frame: vec![0; LANES],
            left: BTreeMap::new(),
            newest: BTreeMap::new(),
            numbers: [(0, 0); LANES],
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Push { lane, packets, waits } => self.push(lane, packets, waits),
            Step::Take => {
                let handover = self.queue.next(self.now);
                self.note(handover);
            }
            Step::Finish { flight, sent } if !self.flights.is_empty() => {
                let lane = self.flights.remove(flight % self.flights.len());
                self.queue.finish(lane, sent);
                let handover = self.queue.continue_with(lane, self.now);
                self.note(handover);
            }
            Step::Finish { .. } => {}
            Step::Report { waiting } => self.queue.report(waiting, self.now),
            Step::Advance { ms } => self.now += Duration::from_millis(ms),
            Step::Hold { lane } => self.queue.hold(self.lanes[lane]),
            Step::Resume { lane } => self.queue.resume(self.lanes[lane]),
            Step::End { lane } => self.queue.end(self.lanes[lane]),
        }
    }

    /// A frame whose packets tell their lane, frame and place.
    fn push(&mut self, lane: usize, packets: usize, waits: bool) {
        let frame = self.next_frame[lane];
        let mut data = BytesMut::new();
        for index in 0..packets {
            let mut packet = vec![0; if index + 1 == packets { 100 } else { MTU }];
            packet[3] = 1;
            let [high, low] = frame.to_be_bytes();
            packet[HEADER..HEADER + 5].copy_from_slice(&[
                lane as u8,
                high,
                low,
                index as u8,
                packets as u8,
            ]);
            data.extend_from_slice(&packet);
        }
        let batch = Unnumbered::new(data, MTU);
        let admission = if waits { Admission::WaitForRoom } else { Admission::ByPolicy };
        if let Ok(handover) = self.queue.push(self.lanes[lane], batch, admission, self.now) {
            self.next_frame[lane] += 1;
            self.note(handover);
        }
    }

    /// Packets of a frame leave in order and without a gap, frames of a lane in order; numbers have no gap, whatever was dropped.
    fn note(&mut self, handover: Option<Handover>) {
        let Some(handover) = handover else { return };
        assert!(!self.flights.contains(&handover.lane), "one handover a lane");
        self.flights.push(handover.lane);
        for packet in handover.packets.iter() {
            let (header, marks) = (decode(packet).unwrap().header, &packet[HEADER..]);
            let (lane, frame) = (usize::from(marks[0]), u16::from_be_bytes([marks[1], marks[2]]));
            assert_eq!(self.lanes[lane], handover.lane);
            let left = self.left.entry((lane, frame)).or_insert((0, usize::from(marks[4])));
            assert_eq!(left.0, usize::from(marks[3]), "in order");
            left.0 += 1;
            let numbers = &mut self.numbers[lane];
            numbers.1 += u16::from(marks[3] == 0);
            assert_eq!((header.sequence, header.frame_number), (numbers.0, numbers.1 - 1));
            numbers.0 += 1;
            let newest = self.newest.entry(lane).or_insert(frame);
            assert!(*newest <= frame, "frames in order");
            *newest = frame;
        }
    }

    fn check(&self) {
        let mut cost = 0;
        for (index, id) in self.lanes.iter().enumerate() {
            let room = &self.queue.lanes.get(*id).unwrap().room;
            cost += room.cost();
            let stats = room.stats();
            let dropped = stats.frames_dropped_full
                + stats.frames_dropped_expired
                + stats.frames_dropped_unpublished
                + stats.frames_dropped_not_sent;
            assert_eq!(stats.frames_accepted, u64::from(self.next_frame[index]));
            assert_eq!(
                stats.frames_accepted,
                stats.frames_sent + stats.frames_waiting + dropped,
                "{stats:?}"
            );
            assert_eq!(stats.frames_waiting == 0, stats.bytes_waiting == 0);
        }
        assert_eq!(self.queue.lanes.cost(), cost, "the sum is right");
    }

    /// Lets everything leave that can.
    fn run_dry(&mut self) {
        for _ in 0..20_000 {
            self.queue.report(0, self.now);
            let handover = self.queue.next(self.now);
            self.note(handover);
            while let Some(lane) = self.flights.pop() {
                self.queue.finish(lane, true);
            }
            if self.lanes.iter().all(|lane| self.queue.waiting(*lane) == 0) {
                return;
            }
            self.now += Duration::from_millis(1);
        }
        panic!("something waits for ever: {:?}", self.queue);
    }
}

fn options() -> [DataTrackOptions; LANES] {
    let plain = DataTrackOptions::new("a");
    [
        DataTrackOptions { max_waiting_bytes: 100_000, ..plain.clone() },
        DataTrackOptions { max_waiting_bytes: 0, send_mode: SendMode::Burst, ..plain.clone() },
        DataTrackOptions {
            drop_policy: DropPolicy::Refuse,
            max_waiting_bytes: 200_000,
            ..plain.clone()
        },
        DataTrackOptions { max_age_ms: 30, ..plain },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn frames_add_up_stay_whole_and_in_order(steps in steps()) {
        let mut world = World::new(&options());
        for step in steps {
            world.step(step);
            world.check();
        }
        for lane in world.lanes.clone() {
            world.queue.resume(lane);
        }
        world.run_dry();
        world.check();
        prop_assert!(world.queue.is_idle());
        prop_assert_eq!(world.queue.lanes.cost(), 0);
    }
}

#[test]
fn a_lane_that_is_given_up_is_used_again_and_old_callbacks_do_not_reach_it() {
    let mut queue = SendQueue::default();
    let now = Instant::now();
    let options = DataTrackOptions::new("a");
    let packet = || packets(100);
    let first = queue.open(&options);
    let handover = queue.push(first, packet(), Admission::ByPolicy, now).unwrap().unwrap();
    queue.close(first);
    assert_eq!(queue.lanes.cost(), 0);
    let second = queue.open(&options);
    assert_eq!(second.index, first.index);
    queue.push(second, packet(), Admission::ByPolicy, now).unwrap().unwrap();
    queue.finish(handover.lane, true);
    queue.end(first);
    assert_eq!(queue.stats(second).frames_waiting, 1);
    assert!(!queue.is_ended(second));
    assert_eq!(queue.push(first, packet(), Admission::ByPolicy, now).unwrap_err(), NotTaken::Ended);
    queue.finish(second, true);
    assert_eq!((queue.stats(second).frames_sent, queue.lanes.cost()), (1, 0));
}

/// Two tracks on a link of 200 KB/s. The host reports after each packet; timers come late.
struct Link {
    queue: SendQueue,
    now: Instant,
    waiting: f64,
    sent: BTreeMap<LaneId, usize>,
}

impl Link {
    fn push(&mut self, lane: LaneId, length: usize) {
        let batch = packets(length);
        let handover = self.queue.push(lane, batch, Admission::ByPolicy, self.now).unwrap();
        self.send(handover, |queue, lane, now| queue.continue_with(lane, now));
    }

    fn send_all(&mut self) {
        let handover = self.queue.next(self.now);
        self.send(handover, |queue, _, now| queue.next(now));
    }

    fn send(
        &mut self,
        mut next: Option<Handover>,
        more: impl Fn(&mut SendQueue, LaneId, Instant) -> Option<Handover>,
    ) {
        while let Some(Handover { lane, packets }) = next {
            *self.sent.entry(lane).or_default() += packets.byte_len();
            self.waiting += packets.byte_len() as f64;
            self.queue.report(self.waiting as usize, self.now);
            self.send_all();
            self.queue.finish(lane, true);
            next = more(&mut self.queue, lane, self.now);
        }
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        self.waiting = (self.waiting - 200_000.0 * by.as_secs_f64()).max(0.0);
    }
}

#[test]
fn who_pushes_all_the_time_takes_no_turns_of_others() {
    let mut link = Link {
        queue: SendQueue::default(),
        now: Instant::now(),
        waiting: 0.0,
        sent: BTreeMap::new(),
    };
    link.queue.report(0, link.now);
    let options = DataTrackOptions { send_mode: SendMode::Burst, ..DataTrackOptions::new("a") };
    let [hasty, calm] = [(); 2].map(|()| link.queue.open(&options));
    for number in 0..20_000 {
        if number % 200 == 0 {
            link.push(calm, 6 * MTU);
        }
        link.push(hasty, 2_000);
        link.advance(Duration::from_micros(500));
        if number % 40 == 39 {
            link.send_all();
        }
    }
    let [hasty, calm] = [hasty, calm].map(|lane| link.sent[&lane] as f64);
    assert!((0.8..1.25).contains(&(hasty / calm)), "{hasty} bytes beside {calm}");
}

#[test]
fn a_turn_that_was_left_to_others_is_looked_after_at_once() {
    let (mut queue, now) = (SendQueue::default(), Instant::now());
    queue.report(0, now);
    let [first, second] = [(); 2].map(|()| queue.open(&DataTrackOptions::new("a")));
    let packet = || packets(MTU);
    let mut push = |lane| queue.push(lane, packet(), Admission::ByPolicy, now).unwrap();
    let handover = push(first).unwrap();
    assert!(push(first).is_none(), "its callback goes on");
    queue.hold(second);
    let mut push = |lane| queue.push(lane, packet(), Admission::ByPolicy, now).unwrap();
    assert!(push(second).is_none());
    queue.resume(second);
    queue.finish(handover.lane, true);
    assert!(queue.continue_with(first, now).is_none(), "it is the other's turn");
    assert_eq!(queue.next_deadline(now), Some(now));
    assert_eq!(queue.next(now).unwrap().lane, second);
    assert_eq!(queue.next_deadline(now), Some(now + HELP_AFTER), "it was looked after");
}

/// A frame in packets of zeros.
fn packets(bytes: usize) -> Unnumbered {
    Unnumbered::new(BytesMut::zeroed(bytes), MTU)
}

const LANES: usize = 4;
const HEADER: usize = 12;

#[test]
fn progress_is_kept_for_those_who_wait_only() {
    let (mut queue, now) = (SendQueue::default(), Instant::now());
    let lane = queue.open(&DataTrackOptions::new(""));
    for watched in [true, false] {
        queue.watch(true);
        assert!(queue.push(lane, packets(10), Admission::ByPolicy, now).unwrap().is_some());
        assert!(queue.finish(lane, true));
        queue.watch(watched);
        assert_eq!(queue.progress().is_empty(), !watched);
    }
}

#[test]
fn a_lane_that_has_ended_is_not_opened_again() {
    let (mut queue, now) = (SendQueue::default(), Instant::now());
    let lane = queue.open(&DataTrackOptions::new("ended"));
    queue.end(lane);
    queue.hold(lane);
    queue.resume(lane);
    let pushed = queue.push(lane, packets(1), Admission::ByPolicy, now);
    assert!(matches!(pushed, Err(NotTaken::Ended)));
}

#[test]
fn who_finds_no_room_for_a_frame_of_the_largest_size_waits_for_all() {
    let (mut queue, now) = (SendQueue::default(), Instant::now());
    let options = DataTrackOptions { max_waiting_bytes: 1 << 30, ..DataTrackOptions::new("") };
    let [mine, others, empty] = [(); 3].map(|()| queue.open(&options));
    queue.report(1 << 20, now);
    let push = |queue: &mut SendQueue, lane, bytes: usize| {
        queue
            .push(lane, packets(bytes), Admission::WaitForRoom, now)
            .map(|handover| handover.is_some())
    };
    assert_eq!(push(&mut queue, mine, 1), Ok(false));
    assert!(!queue.is_crowded(mine) && queue.is_crowded(empty));
    let largest = MAX_PACKETS * MTU + FRAME_COST;
    let left = |queue: &SendQueue| queue.lanes.spare() - largest - KEPT_FOR_LITTLE;
    while left(&queue) > 2_000_000 {
        push(&mut queue, others, 1_000_000).unwrap();
    }
    let rest = left(&queue) - FRAME_COST;
    push(&mut queue, others, rest).unwrap();
    assert_eq!((left(&queue), queue.is_crowded(mine)), (0, false));
    queue.end(others);
    queue.end(mine);
    let mine = queue.open(&options);
    assert_eq!(push(&mut queue, mine, 2), Ok(false));
    let others = queue.open(&options);
    while left(&queue) > 2_000_000 {
        push(&mut queue, others, 1_000_000).unwrap();
    }
    let rest = left(&queue) - FRAME_COST + 1;
    push(&mut queue, others, rest).unwrap();
    assert_eq!(push(&mut queue, mine, MAX_PACKETS * MTU), Err(NotTaken::Full));
    assert!(queue.is_crowded(mine));
}
