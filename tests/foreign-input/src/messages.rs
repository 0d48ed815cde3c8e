//! The message that wakes workers.

use work_queue::CopyJob;

/// What is understood comes out of its own encoding unchanged; what is not is refused with a reason.
pub(crate) fn message(bytes: &[u8]) {
    match CopyJob::decode(bytes) {
        Ok(message) => {
            let again = CopyJob::decode(&message.encode()).expect("its own encoding");
            assert_eq!(again, message);
            assert!(!message.source_region.as_str().is_empty());
            assert!(!message.destination_region.as_str().is_empty());
        }
        Err(invalid) => crate::is_readable(&invalid.to_string()),
    }
}
