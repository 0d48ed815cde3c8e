//! The client against servers that misbehave on purpose.
//!
//! Only what a real Keystone, Glance or nginx cannot be made to do at will stands here: early answers
//! on a connection that is closed at once, redirects, pages of HTML, a range that is not honoured,
//! broken bodies, a 401 for a good token. Everything else is tested on the real servers.

mod awkward_servers {
    pub(super) mod keystone;
    pub(super) mod server;
    mod tokens;
    mod transfers;
    mod trust;
}
