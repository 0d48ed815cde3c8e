//! TLS between services over real sockets, with the certificates of a test's own authority.

mod files;
mod ground;
mod handshakes;
