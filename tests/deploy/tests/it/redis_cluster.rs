//! The scripts with which the prod overlay starts Redis and its Sentinels, run with real ones: three servers on loopback
//! addresses of their own, with TLS, that fail and come back.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use deploy_checks::repository;
use testbed::{Authority, eventually};

const SCRIPTS: &str = "deploy/kubernetes/overlays/prod/redis";
const PASSWORD: &str = "letters";
/// Longest wait for a failover, which takes the Sentinels some ten seconds, and half a minute more for each election that nobody won.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the StatefulSet makes of one pod.
struct Pod {
    address: String,
    servers: String,
    directory: PathBuf,
    tls: PathBuf,
    running: Vec<Child>,
}

impl Pod {
    fn start(&mut self) {
        for script in ["start-redis", "start-sentinel"] {
            let child = Command::new(repository::root().join(SCRIPTS).join(script))
                .env("SELF", &self.address)
                .env("SERVERS", &self.servers)
                .env("BIND", &self.address)
                .env("DATA", &self.directory)
                .env("TLS", &self.tls)
                .env("MAXMEMORY", "50mb")
                .env("REDISCLI_AUTH", PASSWORD)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            self.running.push(child.expect("the script can be run"));
        }
    }

    fn kill(&mut self) {
        for mut child in self.running.drain(..) {
            // One that has ended by itself is as gone.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// What redis-cli is told by the server at this port.
    fn ask(&self, port: u16, words: &[&str]) -> anyhow::Result<String> {
        let output = Command::new("redis-cli")
            .args(["-e", "--tls", "--cacert"])
            .arg(self.tls.join("ca.crt"))
            .args(["-h", &self.address, "-p", &port.to_string()])
            .args(words)
            .env("REDISCLI_AUTH", PASSWORD)
            .output()?;
        let said = String::from_utf8(output.stdout)?;
        anyhow::ensure!(output.status.success(), "{said}");
        Ok(said)
    }

    fn info(&self) -> anyhow::Result<String> {
        self.ask(6379, &["INFO", "replication"])
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until this one is the master, the others follow, and each Sentinel sees it so. One that does not know the replicas
/// yet, or the other Sentinels, could put nobody in the master's place.
async fn until_master(pods: &[Pod], master: usize) {
    let others = pods.len() - 1;
    let master = &pods[master];
    let settled = async || {
        let info = master.info()?;
        let following = info.matches("state=online").count();
        let is_master = info.contains("role:master");
        anyhow::ensure!(is_master && following == others, "{info}");
        for pod in pods {
            let known = pod.ask(26379, &["SENTINEL", "get-master-addr-by-name", "jobs"])?;
            anyhow::ensure!(known.lines().next() == Some(&master.address), "{known}");
            for of in ["sentinels", "replicas"] {
                let known = pod.ask(26379, &["SENTINEL", of, "jobs"])?;
                let usable = known.matches("\nflags\nsentinel\n").count()
                    + known.matches("\nflags\nslave\n").count();
                anyhow::ensure!(usable == others, "{}: {of}: {known}", pod.address);
            }
        }
        Ok(())
    };
    let what = format!("{} to be the master of {others}", master.address);
    eventually(PATIENCE, &what, settled).await.expect("settled");
}

#[tokio::test]
async fn redis_and_its_sentinels_find_the_master_and_the_data_again() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("redis-cluster");
    if directory.exists() {
        std::fs::remove_dir_all(&directory).expect("it is ours");
    }
    let tls = directory.join("tls");
    let authority = Authority::new().expect("keys can be made");
    let files = authority.server(&tls).expect("it can be signed");
    for (from, to) in [
        (&files.authority, "ca.crt"),
        (&files.certificate, "tls.crt"),
        (&files.key, "tls.key"),
    ] {
        std::fs::rename(from, tls.join(to)).expect("it was just made");
    }
    // The ports are fixed, so the addresses are nobody else's.
    let process = std::process::id();
    let net = format!("127.{}.{}", 64 + process / 250 % 128, process % 250);
    let addresses = [1, 2, 3].map(|number| format!("{net}.{number}"));
    let mut pods = addresses.clone().map(|address| Pod {
        directory: directory.join(&address),
        servers: addresses.join(" "),
        tls: tls.clone(),
        running: Vec::new(),
        address,
    });
    pods.iter_mut().for_each(Pod::start);
    until_master(&pods, 0).await;
    let wrote = pods[0].ask(6379, &["SET", "kept", "yes"]);
    assert_eq!(wrote.expect("it is the master").trim(), "OK");
    let kept = pods[0].ask(6379, &["WAIT", "2", "5000"]);
    assert_eq!(kept.expect("it is the master").trim(), "2");

    // The first fails; another takes over, and the first comes back as its replica.
    pods[0].kill();
    let taken_over = async || {
        let of = |pod: &Pod| pod.info().is_ok_and(|info| info.contains("role:master"));
        let master = pods[1..].iter().position(of);
        master
            .map(|index| index + 1)
            .ok_or_else(|| anyhow::anyhow!("nobody yet"))
    };
    let master = eventually(PATIENCE, "a master", taken_over).await;
    let master = master.expect("one takes over");
    // Alone with one replica it is still no master of two.
    pods[0].start();
    until_master(&pods, master).await;

    // All fail at once; the master is who it was last, though the first server would be it on a new cluster.
    pods.iter_mut().for_each(Pod::kill);
    pods.iter_mut().for_each(Pod::start);
    until_master(&pods, master).await;
    let kept = pods[master].ask(6379, &["GET", "kept"]);
    assert_eq!(kept.expect("it answers").trim(), "yes");

    // All data are lost; the first server gets a backup, and is the master for want of any other.
    let backup = directory.join("backup.rdb");
    let path = backup.display().to_string();
    pods[0].ask(6379, &["--rdb", &path]).expect("a backup");
    pods.iter_mut().for_each(Pod::kill);
    for pod in &pods {
        std::fs::remove_dir_all(&pod.directory).expect("it is ours");
    }
    let restored = Command::new(repository::root().join(SCRIPTS).join("restore"))
        .arg(&backup)
        .env("DATA", &pods[0].directory)
        .env("REDISCLI_AUTH", PASSWORD)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(restored.expect("the script can be run").success());
    pods.iter_mut().for_each(Pod::start);
    until_master(&pods, 0).await;
    let kept = pods[0].ask(6379, &["GET", "kept"]);
    assert_eq!(kept.expect("it answers").trim(), "yes");
    drop(pods);
    std::fs::remove_dir_all(&directory).expect("it is ours");
}
