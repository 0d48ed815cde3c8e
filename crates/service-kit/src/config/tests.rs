//! The sample file is the code's own word, and what is wrong in a file is said by name.

use super::*;

const SAMPLE: &str = include_str!("../../../../deploy/image-replicator.toml");

/// The required keys alone; everything else is left to the defaults.
const MINIMAL: &str = r#"
    [gateway]
    region = "ot1"
    [worker]
    region = "ot2"
    [regions.ot1]
    keystone_url = "http://127.0.0.1:5000/v3"
    service_user = { username = "image-replicator", password_file = "/run/secrets/ot1-password" }
    [regions.ot2]
    keystone_url = "http://127.0.0.1:5000/v3"
    service_user = { username = "image-replicator", password_file = "/run/secrets/ot2-password" }
"#;

const CERTIFICATES: &str = "certificate_file = \"/c\"\nkey_file = \"/k\"\nca_file = \"/a\"";

fn parsed(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment = environment
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()));
    Config::from_table(file.parse().expect("TOML"), environment)
}

fn refusal(file: &str, environment: &[(&str, &str)]) -> String {
    parsed(file, environment).expect_err("refused").to_string()
}

fn minimal_with(section: &str, line: &str) -> String {
    let header = format!("[{section}]");
    if MINIMAL.contains(&header) {
        MINIMAL.replacen(&header, &format!("{header}\n{line}\n"), 1)
    } else {
        format!("{MINIMAL}\n{header}\n{line}\n")
    }
}

#[test]
fn the_sample_states_the_defaults() {
    let sample = parsed(SAMPLE, &[]).expect("the sample is valid");
    let defaults = parsed(MINIMAL, &[]).expect("the required keys suffice");
    assert_eq!(format!("{sample:#?}"), format!("{defaults:#?}"));
}

#[test]
fn the_sample_names_every_key() {
    let config = parsed(SAMPLE, &[]).expect("the sample is valid");
    let printed = format!("{config:#?}");
    let without_urls = printed.split("Url {").enumerate().map(|(index, part)| {
        // What a `Url` prints of itself is not ours; it ends at the first closing brace of its own line.
        if index == 0 {
            part
        } else {
            part.split_once("},\n").map_or("", |(_, rest)| rest)
        }
    });
    let lines: Vec<&str> = without_urls.flat_map(str::lines).collect();
    let keys = lines.iter().filter_map(|line| {
        let (name, _) = line.trim_start().split_once(": ")?;
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            .then_some(name)
    });
    // The file may only name where secrets are.
    let secrets = ["url", "password", "sentinel_password"];
    for key in keys.filter(|key| !secrets.contains(key)) {
        let known = [format!("{key} ="), format!("[{key}"), format!(".{key}]")];
        assert!(
            known.iter().any(|text| SAMPLE.contains(text)),
            "the sample lacks `{key}`"
        );
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let config = parsed(
        MINIMAL,
        &[
            ("IMAGE_REPLICATOR__SCHEDULER__LEASE_LENGTH", "45s"),
            (
                "IMAGE_REPLICATOR__REGIONS__OT1__SERVICE_USER__PASSWORD_FILE",
                "/elsewhere",
            ),
            ("IMAGE_REPLICATOR__WORKER__COPIES", "9"),
            ("SOMETHING_ELSE", "ignored"),
        ],
    )
    .expect("valid");
    assert_eq!(config.scheduler.lease_length.as_secs(), 45);
    assert_eq!(config.worker().expect("has a worker").copies.get(), 9);
}

#[test]
fn unknown_keys_are_refused_by_name() {
    let refused = refusal(&minimal_with("scheduler", "lease_lenght = \"30s\""), &[]);
    assert!(
        refused.contains("scheduler") && refused.contains("lease_lenght"),
        "{refused}"
    );
    let refused = refusal(MINIMAL, &[("IMAGE_REPLICATOR__SCHEDULERS__LISTEN", "x")]);
    assert!(refused.contains("schedulers"), "{refused}");
}

#[test]
fn wrong_types_are_refused_by_name() {
    let refused = refusal(&minimal_with("scheduler", "lease_length = \"soon\""), &[]);
    assert!(
        refused.starts_with("scheduler.lease_length: `soon` is no duration"),
        "{refused}"
    );
    let refused = refusal(&minimal_with("worker", "copies = 0"), &[]);
    assert!(refused.starts_with("worker.copies: "), "{refused}");
}

#[test]
fn contradictions_are_refused_by_name() {
    for (section, line, expected) in [
        (
            "scheduler",
            "lease_length = \"5s\"",
            "scheduler.heartbeat: 3 × scheduler.heartbeat (6s)",
        ),
        (
            "scheduler",
            "retry_first = \"1h\"",
            "scheduler.retry_first: ",
        ),
        (
            "scheduler",
            "serving_gap = \"1m\"",
            "scheduler.serving_gap: ",
        ),
        (
            "scheduler",
            "keep_finished = \"1h\"",
            "scheduler.idempotency_window: ",
        ),
        (
            "scheduler",
            "max_attempts = 0",
            "scheduler.max_attempts: must be at least 1",
        ),
        (
            "scheduler",
            "plan_clock_offset_file = \"/tmp/offset\"",
            "scheduler.plan_clock_offset_file: ",
        ),
        (
            "scheduler.limits",
            "plans_per_tenant = 0",
            "scheduler.limits.plans_per_tenant: must be at least 1",
        ),
        (
            "redis",
            "sentinels = [\"redis\"]",
            "redis.sentinels[0]: `redis` is not of the form host:port",
        ),
        (
            "redis",
            "sentinels = [\"redis:26379\"]\nsentinel_master = \"\"",
            "redis.sentinel_master: is empty",
        ),
        (
            "redis",
            "sentinels = [\"redis:26379\"]\nwait_for_replicas = 0",
            "redis.wait_for_replicas: must be at least 1 with redis.sentinels",
        ),
        (
            "redis",
            "sentinel_username = \"scheduler\"",
            "redis.sentinel_username: means nothing without redis.sentinels",
        ),
        (
            "redis",
            "sentinel_password_file = \"/run/secrets/sentinel\"",
            "redis.sentinel_password: means nothing without redis.sentinels",
        ),
        (
            "redis",
            "sentinel_password = \"hidden\"",
            "redis.sentinel_password: no secrets in this file",
        ),
        (
            "grpc.tls",
            CERTIFICATES,
            "gateway.scheduler_url: is called without TLS, and [grpc.tls] is set",
        ),
        (
            "worker",
            "scheduler_url = \"https://job-scheduler:7100\"",
            "worker.scheduler_url: is called with TLS, and nothing says which certificates",
        ),
        ("worker", "report_every = \"20s\"", "worker.report_every: "),
        ("worker", "poll_longest = \"1s\"", "worker.poll_shortest: "),
        ("worker", "plan_images = 2001", "worker.plan_images: "),
        ("worker", "hand_back = \"2m\"", "worker.hand_back: "),
        (
            "worker",
            "hand_back = \"40s\"",
            "worker.hand_back: worker.hand_back (40s) must be at most scheduler.lease_length (30s)",
        ),
        (
            "worker",
            "drain = \"86s\"",
            "worker.termination_grace_period: is 1m 30s, but worker.drain takes 1m 26s and ending takes 5s more: \
             make it at least 1m 31s, here and in Kubernetes",
        ),
        (
            "scheduler",
            "termination_grace_period = \"30s\"",
            "scheduler.termination_grace_period: is 30s, but scheduler.drain takes 30s",
        ),
        (
            "gateway",
            "drain_delay = \"30s\"",
            "gateway.termination_grace_period: is 1m, but gateway.drain_delay + gateway.drain takes 1m 5s",
        ),
        ("gateway", "drain = \"31s\"", "gateway.request_deadline: "),
        ("copy", "read_ahead_bytes = 1", "copy.read_ahead_bytes: "),
        (
            "copy",
            "streams_min = 9",
            "copy.streams_max: must be at least copy.streams_min (9)",
        ),
        (
            "worker",
            "read_ahead_bytes = 4194303",
            "worker.read_ahead_bytes: must be at least 4194304",
        ),
        (
            "gateway",
            "trusted_fronts = [\"10.0.0.1\"]",
            "gateway.trusted_fronts: `10.0.0.1` is no network: write an address and the length of its prefix",
        ),
        (
            "policy",
            "copy_roles = []",
            "policy.copy_roles: names no role",
        ),
        (
            "policy",
            "see_all_roles = [\"auditor\", \"\"]",
            "policy.see_all_roles[1]: `` is no name of a role",
        ),
        (
            "policy",
            "admin_roles = [\" admin\"]",
            "policy.admin_roles[0]: ` admin` is no name of a role",
        ),
        (
            "bandwidth.pairs",
            "ot1.ot9 = 1000",
            "bandwidth.pairs.ot1.ot9: names the region ot9",
        ),
        (
            "bandwidth.pairs",
            "ot1.ot2 = 0",
            "bandwidth.pairs.ot1.ot2: ",
        ),
        (
            "regions.ot1",
            "scope = \"admin\"",
            "regions.ot1.service_user.project_name: is missing",
        ),
    ] {
        let refused = refusal(&minimal_with(section, line), &[]);
        assert!(refused.starts_with(expected), "{line}: {refused}");
    }
}

#[test]
fn tls_between_the_services_is_said_at_both_ends() {
    let file = minimal_with("grpc.tls", CERTIFICATES);
    let https = "https://job-scheduler:7100";
    let environment = [
        ("IMAGE_REPLICATOR__GATEWAY__SCHEDULER_URL", https),
        ("IMAGE_REPLICATOR__WORKER__SCHEDULER_URL", https),
    ];
    let config = parsed(&file, &environment).expect("valid");
    assert!(config.grpc.tls.is_some());
    let refused = refusal(&file.replace("key_file = \"/k\"\n", ""), &environment);
    assert_eq!(refused, "grpc.tls: missing field `key_file`");
}

#[test]
fn regions_that_are_named_must_be_configured() {
    let refused = refusal(
        &MINIMAL.replace(
            "[gateway]\n    region = \"ot1\"",
            "[gateway]\n    region = \"ot9\"",
        ),
        &[],
    );
    assert!(refused.starts_with("regions.ot9: is missing"), "{refused}");
}

#[test]
fn secrets_in_the_file_are_refused_and_from_the_environment_taken() {
    let inline = MINIMAL.replacen(
        "password_file = \"/run/secrets/ot1-password\"",
        "password = \"x\"",
        1,
    );
    assert!(refusal(&inline, &[]).starts_with("regions.ot1.service_user.password: no secrets"));
    let url = minimal_with("redis", "url = \"redis://:hidden@127.0.0.1\"");
    let refused = refusal(&url, &[]);
    assert!(
        refused.starts_with("redis.url: holds a password"),
        "{refused}"
    );
    assert!(!refused.contains("hidden"));

    use secrecy::ExposeSecret;
    let config = parsed(
        MINIMAL,
        &[("IMAGE_REPLICATOR__REDIS__URL", "redis://:hidden@127.0.0.1")],
    );
    let config = config.expect("valid");
    assert_eq!(
        config.redis.url().expect("set").expose_secret(),
        "redis://:hidden@127.0.0.1"
    );
    assert!(!format!("{config:?}").contains("hidden"));
}

#[test]
fn a_secret_that_is_set_twice_is_refused() {
    let refused = refusal(
        MINIMAL,
        &[(
            "IMAGE_REPLICATOR__REGIONS__OT1__SERVICE_USER__PASSWORD",
            "12345",
        )],
    );
    assert!(refused.contains("is set twice"), "{refused}");
}
