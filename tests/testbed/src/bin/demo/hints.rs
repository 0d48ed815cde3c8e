//! How to go on by hand: commands to paste, with a real token.

use testbed::{Cloud, MadeImage, TestBed};

use crate::copy::{Copied, JOBS};

/// Commands against the running cloud. The token is alice's and ends with the cloud.
pub(crate) fn by_hand(
    bed: &TestBed,
    source: &Cloud,
    destination: &Cloud,
    image: &MadeImage,
    copied: &Copied,
) -> String {
    let token = &source.token;
    let front = &source.front_url;
    let state = bed.directory();
    let state = state.display();
    format!(
        "To go on by hand:

# every copy of this project
curl -s -H 'X-Auth-Token: {token}' {front}{JOBS}

# the copy that was just made
curl -s -H 'X-Auth-Token: {token}' {front}{JOBS}/{job}

# another one
curl -s -X POST -H 'X-Auth-Token: {token}' -H 'Content-Type: application/json' \\
  -d '{{\"image_id\": \"{id}\", \"tenant_id_dst\": \"{tenant}\"}}' {front}{JOBS}

# the copied image, as Glance in {region} has it
curl -s -H 'X-Auth-Token: {other_token}' {other_front}/v2/images/{copy}

# all of it in a browser, as alice with the password alice-password
# {gateway}/dashboard

# the parts, and an environment for the openstack client
cargo testbed status --state {state}
eval \"$(cargo testbed env --state {state} --user alice --region ot1)\"",
        gateway = source.gateway_url,
        job = copied.job_id,
        id = image.id,
        tenant = destination.project_id,
        region = destination.region,
        other_token = destination.token,
        other_front = destination.front_url,
        copy = copied.image_id,
    )
}
