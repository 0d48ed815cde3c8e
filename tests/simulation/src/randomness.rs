//! Makes the process's randomness a function of the seed.
//!
//! The product draws ids, tokens and jitter from the operating system's randomness, as it should. Were they
//! different each time, no run could be repeated; so this program brings a `getrandom` of its own, which
//! the standard library and every crate find in place of libc's. A thread that called [`seed`] gets a
//! sequence that depends on nothing else; every other thread gets real randomness.
//!
//! What is drawn once a thread (the keys of hash maps, the state of `rand::rng`) is why each simulation
//! runs on a thread of its own.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

thread_local! {
    static SEQUENCE: RefCell<Option<Xoshiro256PlusPlus>> = const { RefCell::new(None) };
}

/// From now on, what this thread draws from the operating system follows from `seed`.
pub(crate) fn seed(seed: u64) {
    SEQUENCE.with_borrow_mut(|sequence| *sequence = Some(Xoshiro256PlusPlus::seed_from_u64(seed)));
}

fn fill(bytes: &mut [u8]) -> bool {
    let seeded = SEQUENCE.try_with(|sequence| match &mut *sequence.borrow_mut() {
        Some(sequence) => {
            sequence.fill_bytes(bytes);
            true
        }
        None => false,
    });
    matches!(seeded, Ok(true))
        || File::open("/dev/urandom").is_ok_and(|mut file| file.read_exact(bytes).is_ok())
}

/// As getrandom(2).
#[allow(
    unsafe_code,
    reason = "a symbol of libc's is replaced, and its caller's buffer is written to"
)]
#[unsafe(no_mangle)]
extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: u32) -> isize {
    // SAFETY: getrandom(2) is called with a buffer that has room for `length` bytes, initialised or not;
    // bytes are only written to it.
    let bytes = unsafe {
        std::ptr::write_bytes(buffer, 0, length);
        std::slice::from_raw_parts_mut(buffer, length)
    };
    match fill(bytes) {
        true => isize::try_from(length).unwrap_or(isize::MAX),
        false => -1,
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use uuid::Uuid;

    /// What the product's crates draw, each in its own way.
    fn drawn(seed: u64) -> (u64, Uuid, u64) {
        let drawing = std::thread::spawn(move || {
            super::seed(seed);
            let key = RandomState::new().hash_one("key");
            (rand::random(), Uuid::new_v4(), key)
        });
        drawing.join().expect("no panic")
    }

    #[test]
    fn the_seed_decides_every_draw() {
        let (first, second) = (drawn(1), drawn(2));
        assert_eq!(first, drawn(1));
        assert!(first.0 != second.0 && first.1 != second.1 && first.2 != second.2);
    }

    #[test]
    fn a_thread_without_a_seed_draws_as_ever() {
        assert_ne!(Uuid::new_v4(), Uuid::new_v4());
    }
}
