//! Requests that are refused, to the byte.
