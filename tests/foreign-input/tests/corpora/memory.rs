//! What foreign bytes may cost: so much memory for each byte and no more, however they are arranged.
//!
//! Bytes allocated are counted, not time: they are the same on every machine, and whatever is copied again and again is in them.

use allocation_counter::AllocationInfo;
use foreign_input::{TARGETS, check};

use crate::written;

/// What the properties themselves hold at once for each byte of the input, some of them a dozen answers with it in them.
const HELD: u64 = 200;
/// What they allocate one after another for each byte.
const TAKEN: u64 = 2000;
/// What they take for an input of nothing.
const ALWAYS: u64 = 8 << 20;

/// Long enough that what grows with the square of it is told from what grows with it.
const SIZE: usize = 64 << 10;

/// What is repeated: what nests, what is written shorter or longer than it is, what makes members, lines and fields.
const PARTS: [&str; 9] = [
    "[", "{\"a\":", "\\u0000", "1", ",", "\n", "\u{fffd}", "<hr>", "a=b&",
];

#[test]
fn memory_is_bounded_by_the_length_of_the_input() {
    for (name, _) in TARGETS {
        for input in blown_up(&written(name)) {
            let taken = measured(name, &input);
            let length = u64::try_from(input.len()).expect("a length");
            let excerpt = String::from_utf8_lossy(&input[..input.len().min(200)]).into_owned();
            assert!(
                taken.bytes_max <= HELD * length + ALWAYS
                    && taken.bytes_total <= TAKEN * length + ALWAYS,
                "{name} takes {taken:?} for {length} bytes: {excerpt}"
            );
        }
    }
}

#[test]
fn what_is_allocated_is_seen() {
    let taken = allocation_counter::measure(|| drop(std::hint::black_box(vec![0_u8; 12_345])));
    assert_eq!((taken.bytes_max, taken.bytes_current), (12_345, 0));
}

fn measured(name: &str, input: &[u8]) -> AllocationInfo {
    // Once beforehand: what is made for ever, such as a table, is nobody's cost.
    check(name, b"");
    allocation_counter::measure(|| check(name, input))
}

/// Long inputs: the seeds again and again; and each with one of its bytes, or a bracket, or an escape, repeated in its middle, which is
/// as deep as it nests, as long as its texts are, or as many as its members are.
fn blown_up(seeds: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for seed in seeds {
        inputs.push(seed.iter().copied().cycle().take(SIZE).collect());
        let (before, after) = seed.split_at(seed.len() / 2);
        let letter = after.get(..1).unwrap_or_default();
        for part in [letter].into_iter().chain(PARTS.map(str::as_bytes)) {
            let filling = part.repeat(SIZE / part.len().max(1));
            inputs.push([before, &filling, after].concat());
        }
    }
    inputs
}
