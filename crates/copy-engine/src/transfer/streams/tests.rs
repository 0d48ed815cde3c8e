//! The adaptation on simulated lines.

use super::*;

const MIB: f64 = 1024.0 * 1024.0;

/// What lies between a source and an upload, in MiB and seconds.
#[derive(Clone, Copy)]
struct Line {
    /// What one stream brings.
    stream: f64,
    /// What all streams bring at most.
    all: f64,
    /// What the upload takes.
    upload: f64,
    /// How long a new stream takes to bring its first byte.
    latency: f64,
    /// More streams than this are refused.
    allowed: usize,
}

const LONG: Line = Line {
    stream: 10.0,
    all: 1000.0,
    upload: 119.0,
    latency: 0.3,
    allowed: usize::MAX,
};

/// The number of streams after each tick, and the bytes that came.
struct Run {
    adaptation: Adaptation,
    targets: Vec<usize>,
    bytes: f64,
    refusals: usize,
    /// Since when each stream delivers, in ticks.
    since: Vec<usize>,
    read_ahead: f64,
}

impl Run {
    fn new(bounds: StreamBounds) -> Self {
        Self {
            adaptation: Adaptation::new(bounds),
            targets: Vec::new(),
            bytes: 0.0,
            refusals: 0,
            since: Vec::new(),
            read_ahead: 0.0,
        }
    }

    fn default() -> Self {
        Self::new(StreamBounds::default())
    }

    /// Lets so many seconds pass.
    fn pass(&mut self, line: Line, seconds: usize) {
        const READ_AHEAD: f64 = 32.0;
        let tick = TICK.as_secs_f64();
        for _ in 0..seconds * 5 {
            let now = self.targets.len();
            let mut target = self.adaptation.target(usize::MAX);
            if target > line.allowed {
                self.adaptation.refused(Some(Duration::from_secs(30)));
                self.refusals += 1;
                target = line.allowed;
            }
            self.since.resize(target, now);
            let old_enough = |since: &usize| (now - since) as f64 * tick >= line.latency || now < 2;
            let streams = self.since.iter().filter(|since| old_enough(since)).count() as f64;
            let line_brings = (streams * line.stream).min(line.all) * tick;
            let upload_takes = line.upload * tick;
            let taken = upload_takes.min(self.read_ahead + line_brings);
            let brought = line_brings.min(READ_AHEAD - self.read_ahead + taken);
            self.read_ahead += brought - taken;
            self.bytes += brought;
            #[expect(clippy::cast_possible_truncation, reason = "a byte more or less")]
            let bytes = (brought * MIB) as u64;
            self.adaptation.observe(&Observation {
                elapsed: TICK,
                bytes,
                starved: TICK.mul_f64(1.0 - taken / upload_takes),
                is_full: brought < line_brings,
                is_capped: false,
                most: usize::MAX,
            });
            self.targets.push(self.adaptation.target(usize::MAX));
        }
    }

    fn target(&self) -> usize {
        *self.targets.last().expect("some time has passed")
    }
}

#[test]
fn over_a_long_line_it_grows_to_the_most_within_seconds() {
    let mut run = Run::default();
    run.pass(LONG, 4);
    assert_eq!(run.target(), 8);
    run.pass(LONG, 60);
    assert!(run.targets[20..].iter().all(|target| *target == 8));
    // Seven times what one stream brings, the beginning included.
    assert!(run.bytes >= 7.0 * 10.0 * 64.0, "{} MiB", run.bytes);
}

#[test]
fn a_line_that_gives_no_more_gets_no_more_streams() {
    let full = Line { all: 10.0, ..LONG };
    let mut run = Run::default();
    run.pass(full, 600);
    assert_eq!(run.target(), 1);
    let more = run.targets.iter().filter(|target| **target > 1).count();
    // Each try lasts three seconds, and the pauses between them double.
    assert!((15..=6 * 15).contains(&more), "{more} ticks with more");
}

#[test]
fn it_finds_the_number_that_fills_the_line() {
    let half = Line { all: 45.0, ..LONG };
    let mut run = Run::default();
    run.pass(half, 120);
    assert!((4..=6).contains(&run.target()), "{}", run.target());
    assert!(run.bytes >= 0.9 * 45.0 * 120.0, "{} MiB", run.bytes);
}

#[test]
fn an_upload_that_keeps_up_with_one_stream_gets_no_second() {
    let slow_upload = Line {
        upload: 9.0,
        ..LONG
    };
    let mut run = Run::default();
    run.pass(slow_upload, 60);
    assert!(run.targets.iter().all(|target| *target == 1));
    // Nor does a stream that is as fast as a processor.
    let near = Line {
        stream: 700.0,
        upload: 2000.0,
        ..LONG
    };
    let mut run = Run::default();
    run.pass(near, 60);
    assert!(run.targets.iter().all(|target| *target == 1));
}

#[test]
fn an_upload_that_becomes_the_bottleneck_takes_streams_away() {
    let mut run = Run::default();
    run.pass(LONG, 20);
    assert_eq!(run.target(), 8);
    let slow_upload = Line {
        upload: 25.0,
        ..LONG
    };
    run.pass(slow_upload, 60);
    assert!((2..=4).contains(&run.target()), "{}", run.target());
    let before = run.bytes;
    run.pass(slow_upload, 200);
    assert!(run.bytes - before >= 0.95 * 25.0 * 200.0);
    let changes = run.targets.windows(2).filter(|pair| pair[0] != pair[1]);
    assert!(changes.count() <= 40, "it settles: {:?}", run.targets);
}

#[test]
fn a_source_that_refuses_is_left_alone_for_as_long_as_it_says() {
    let strict = Line { allowed: 3, ..LONG };
    let mut run = Run::default();
    run.pass(strict, 30);
    assert_eq!(run.refusals, 1);
    assert!(run.targets[10..].iter().all(|target| *target <= 3));
    run.pass(strict, 270);
    // Retry-After is half a minute: not even ten in five minutes.
    assert!(run.refusals < 10, "{}", run.refusals);
    assert!((2..=3).contains(&run.target()));
}

#[test]
fn it_stays_within_its_bounds_and_what_is_possible() {
    let bounds = StreamBounds {
        min: 2,
        max: 3,
        ..StreamBounds::default()
    };
    let mut run = Run::new(bounds);
    run.pass(LONG, 30);
    assert!(run.targets.iter().all(|target| (2..=3).contains(target)));
    assert_eq!(run.adaptation.target(1), 1);
    let slow_upload = Line {
        upload: 1.0,
        ..LONG
    };
    run.pass(slow_upload, 100);
    assert_eq!(run.target(), 2);
}

#[test]
fn a_cap_of_our_own_leads_back_to_one_stream() {
    let mut run = Run::default();
    run.pass(LONG, 10);
    for _ in 0..50 {
        run.adaptation.observe(&Observation {
            elapsed: TICK,
            bytes: 200_000,
            starved: TICK / 2,
            is_full: false,
            is_capped: true,
            most: usize::MAX,
        });
    }
    assert_eq!(run.adaptation.target(8), 1);
}
