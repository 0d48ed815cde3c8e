//! The property `message` of `foreign-input` against whatever the fuzzer comes upon.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| foreign_input::check("message", bytes));
