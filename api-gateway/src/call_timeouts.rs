//! The timeouts of the calls to Keystone and Glance that a request waits for.

use std::time::Duration;

use openstack::HttpSettings;

/// One call takes a quarter of a request's time at most, so that a Glance that hangs is told from a request that is
/// slow all in all.
pub(crate) fn within(request_deadline: Duration) -> HttpSettings {
    let longest_call = request_deadline / 4;
    HttpSettings {
        connect_timeout: longest_call / 2,
        response_timeout: longest_call,
        ..HttpSettings::default()
    }
}
