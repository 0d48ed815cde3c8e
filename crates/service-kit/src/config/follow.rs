//! Reads the configuration file again when it has changed, for what may change while a service runs.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Config;

/// How soon a change counts, at the latest.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Calls `apply` with each configuration that the file at `path` comes to have, under this environment, until `stop` is
/// cancelled. What can't be used is said in the log, and what was before stays.
pub async fn follow(
    path: &Path,
    environment: Vec<(String, String)>,
    stop: CancellationToken,
    mut apply: impl FnMut(&Config),
) {
    // The first look applies what the service began with, or what came since.
    let mut known = None;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        let text = match tokio::fs::read_to_string(path).await {
            Ok(text) => text,
            // It may be about to be replaced.
            Err(error) => {
                tracing::debug!(error.message = %error, "the configuration file cannot be read for now");
                continue;
            }
        };
        if known.as_ref() == Some(&text) {
            continue;
        }
        match Config::parse(path, &text, environment.clone()) {
            Ok(config) => apply(&config),
            Err(error) => tracing::warn!(
                error.message = %error,
                "the configuration file was changed and cannot be used; what was before stays"
            ),
        }
        known = Some(text);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::mpsc;

    use super::*;

    const MINIMAL: &str = "[regions.ot1]\nkeystone_url = \"http://127.0.0.1:5000/v3\"\n\
        [regions.ot1.service_user]\nusername = \"u\"\nuser_domain_id = \"default\"\nproject_domain_id = \"default\"\n\
        password_file = \"/run/secrets/ot1\"\n";

    #[tokio::test]
    async fn a_changed_file_is_applied_and_a_broken_one_is_not() {
        let path = format!("image-replicator-follow-{}.toml", std::process::id());
        let path: Arc<Path> = std::env::temp_dir().join(path).into();
        let write = |rate: &str| {
            let text = format!("{MINIMAL}[bandwidth]\nworker_bytes = {rate}\n");
            std::fs::write(&path, text).expect("a file in the temporary directory");
        };
        write("7");
        let (sender, mut applied) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let following = tokio::spawn({
            let (path, stop) = (path.clone(), stop.clone());
            async move {
                let apply = |config: &Config| {
                    // Nobody listens when the test is over.
                    let _ = sender.send(config.bandwidth.worker_bytes);
                };
                follow(&path, Vec::new(), stop, apply).await;
            }
        });
        assert_eq!(applied.recv().await, Some(7));
        write("\"many\"");
        tokio::time::sleep(LOOK_EVERY * 2).await;
        write("9");
        assert_eq!(applied.recv().await, Some(9));
        stop.cancel();
        following.await.expect("it ends");
        std::fs::remove_file(&path).expect("it is there");
    }
}
