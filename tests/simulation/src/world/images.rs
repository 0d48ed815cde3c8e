//! The images of every world, and whose they are.

use bytes::Bytes;
use domain::{ImageId, TenantId};
use uuid::Uuid;

use crate::weather::Weather;

/// Images that can be copied.
pub(super) const IMAGES: usize = 3;

pub(super) fn source_image(number: usize) -> ImageId {
    ImageId::from_uuid(Uuid::from_u128(0xB000 + number as u128))
}

/// A few pieces of bytes that differ.
pub(super) fn bytes(number: usize, weather: &Weather) -> Bytes {
    let length = weather.chance.within(1..=40_000);
    let byte = |at: u64| {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        // The upper byte of a product by a large odd number: no short period.
        at.wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ u8::try_from(number).unwrap_or(0)
    };
    (0..length).map(byte).collect()
}

pub(super) fn source_tenant(number: usize) -> TenantId {
    TenantId::new(format!("{:032x}", 0xC000 + number))
}

pub(super) fn destination_tenant(number: usize) -> TenantId {
    TenantId::new(format!("{:032x}", 0xD000 + number))
}
