//! The compose file: docker-compose takes it, and it says what it must.

use deploy_checks::compose;
use serde_json::{Value, json};
use testbed::OperatorTool;

async fn file() -> Value {
    let tool = OperatorTool::DockerCompose.installed().await;
    compose::read(&tool.expect("it can be installed")).expect("docker-compose takes the file")
}

#[tokio::test]
async fn docker_compose_takes_the_file_and_it_says_what_it_must() {
    let file = file().await;
    let found = compose::complaints(&file).expect("read");
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn a_file_that_says_otherwise_is_found_out() {
    let file = file().await;
    for (place, instead, expected) in [
        (
            "/services/rabbitmq/image",
            json!("rabbitmq:latest"),
            "rabbitmq has an image without a version",
        ),
        (
            "/services/copy-worker/image",
            json!("copy-worker"),
            "copy-worker has an image without a version",
        ),
        (
            "/services/grafana/deploy",
            json!({}),
            "grafana has no limits",
        ),
        (
            "/services/prometheus/volumes/0",
            json!("/nowhere:/etc:ro"),
            "mounts /nowhere",
        ),
        (
            "/services/prometheus/ports/0",
            json!("9090:9090"),
            "prometheus is reached from outside",
        ),
        (
            "/services/api-gateway/read_only",
            json!(false),
            "api-gateway: read_only",
        ),
        (
            "/services/copy-worker/cap_drop",
            json!([]),
            "copy-worker: cap_drop",
        ),
        (
            "/services/copy-worker/build/target",
            json!("api-gateway"),
            "copy-worker is built from",
        ),
        (
            "/services/job-scheduler/volumes",
            json!([]),
            "job-scheduler has no configuration file",
        ),
        (
            "/services/job-scheduler/environment/IMAGE_REPLICATOR__SCHEDULER__DRAIN",
            json!("58s"),
            "scheduler.termination_grace_period: is 1m",
        ),
        (
            "/services/copy-worker/environment/IMAGE_REPLICATOR__WORKER__SCHEDULER_ADDRESS",
            json!("http://job-scheduler:7100"),
            "scheduler_address",
        ),
        (
            "/services/api-gateway/environment/IMAGE_REPLICATOR__GATEWAY__LISTEN",
            json!("127.0.0.1:8774"),
            "api-gateway listens on loopback alone",
        ),
        (
            "/services/copy-worker/stop_grace_period",
            json!("10s"),
            "copy-worker is killed after 10s",
        ),
        ("/services/redis/volumes", json!([]), "redis keeps its data"),
        (
            "/services/redis/command",
            json!("redis-server --appendonly yes"),
            "redis is started without --appendfsync always",
        ),
        (
            "/services/job-scheduler",
            Value::Null,
            "there is no job-scheduler",
        ),
    ] {
        let mut broken = file.clone();
        let (above, key) = place.rsplit_once('/').expect("a pointer");
        let above = broken.pointer_mut(above).expect(place);
        match above.as_array_mut() {
            Some(items) => items[0] = instead,
            None => above[key] = instead,
        }
        let found = compose::complaints(&broken).expect("read");
        assert!(
            found.iter().any(|complaint| complaint.contains(expected)),
            "{place}: {found:?}"
        );
    }
}
