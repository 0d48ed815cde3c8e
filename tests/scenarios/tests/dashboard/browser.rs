//! A browser of one test: Chromium without a window, told what to do in the protocol of its developer tools
//! (<https://chromedevtools.github.io/devtools-protocol/>) through a pair of pipes.
//!
//! That is a page of code of our own: the libraries for it bring thousands of generated types or a second program between. The
//! browser has a profile of its own, which goes with it. What a page may not do is noted for every page: an exception, anything
//! that its own policy forbids, and each address that it asks for.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, bail, ensure};
use scenarios::PATIENCE;
use serde_json::{Value, json};
use testbed::chromium;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

/// Chromium reads commands from the third file and writes answers to the fourth.
const THROUGH_PIPES: &str = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1";

const FLAGS: [&str; 12] = [
    "--remote-debugging-pipe",
    "--headless",
    // Whoever runs tests as root, in a container, has no sandbox.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--lang=en-GB",
];

/// A browser with one page.
pub(crate) struct Browser {
    commands: tokio::sync::Mutex<ChildStdin>,
    heard: Arc<Mutex<Heard>>,
    next: AtomicU64,
    session: String,
    profile: PathBuf,
    _reading: JoinSet<()>,
    _process: Child,
}

/// What the browser has said.
#[derive(Default)]
struct Heard {
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    addresses: Vec<String>,
    faults: Vec<String>,
}

impl Browser {
    /// Starts one, with an empty page.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let profile = std::env::temp_dir().join(format!("browser-{}", Uuid::new_v4()));
        std::fs::create_dir(&profile)?;
        let mut process = Command::new("/bin/sh")
            .args(["-c", THROUGH_PIPES])
            .arg(chromium().await?)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .env("HOME", &profile)
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let commands = process.stdin.take().context("no pipe")?;
        let answers = process.stdout.take().context("no pipe")?;
        let heard = Arc::new(Mutex::new(Heard::default()));
        let mut reading = JoinSet::new();
        reading.spawn(listen(answers, Arc::clone(&heard)));
        let mut browser = Self {
            commands: tokio::sync::Mutex::new(commands),
            heard,
            next: AtomicU64::new(1),
            session: String::new(),
            profile,
            _reading: reading,
            _process: process,
        };
        let page = browser.command("Target.createTarget", json!({"url": "about:blank"}));
        let page = page.await?["targetId"].clone();
        let attach = json!({"targetId": page, "flatten": true});
        let attached = browser.command("Target.attachToTarget", attach).await?;
        browser.session = attached["sessionId"]
            .as_str()
            .context("no session")?
            .to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser
                .command(&format!("{domain}.enable"), json!({}))
                .await?;
        }
        Ok(browser)
    }

    /// Sends a command, and waits for what comes of it.
    pub(crate) async fn command(&self, method: &str, parameters: Value) -> anyhow::Result<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        lock(&self.heard).waiting.insert(id, sender);
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.commands.lock().await.write_all(&bytes).await?;
        let answer = timeout(PATIENCE, answer).await;
        let answer = answer.with_context(|| format!("{method}: no answer"))?;
        let mut answer = answer.with_context(|| format!("{method}: the browser has ended"))?;
        ensure!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        Ok(answer["result"].take())
    }

    /// The value of an expression of JavaScript on the page.
    pub(crate) async fn eval(&self, expression: &str) -> anyhow::Result<Value> {
        let parameters = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true,
        });
        let mut outcome = self.command("Runtime.evaluate", parameters).await?;
        if !outcome["exceptionDetails"].is_null() {
            bail!("{expression}: {}", outcome["exceptionDetails"]);
        }
        Ok(outcome["result"]["value"].take())
    }

    /// The end of a test: nothing went wrong on any page, and none asked any other server than that of `base`. Gives
    /// where the browser kept what it keeps.
    pub(crate) fn expect_good_conduct(&self, base: &str) -> anyhow::Result<&PathBuf> {
        let heard = lock(&self.heard);
        let is_known = |address: &&String| {
            ["about:", "data:"].iter().any(|it| address.starts_with(it))
                || address.starts_with(base)
        };
        let foreign: Vec<&String> = heard.addresses.iter().filter(|it| !is_known(it)).collect();
        ensure!(foreign.is_empty(), "asked elsewhere: {foreign:?}");
        ensure!(heard.addresses.len() > 1, "nothing was loaded");
        ensure!(heard.faults.is_empty(), "{:#?}", heard.faults);
        Ok(&self.profile)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser may still be writing to it: what is left is in the folder for such things.
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// Hands answers to those who wait for them, and notes what is to be noted.
async fn listen(answers: ChildStdout, heard: Arc<Mutex<Heard>>) {
    let mut answers = BufReader::new(answers);
    let mut message = Vec::new();
    while answers
        .read_until(0, &mut message)
        .await
        .is_ok_and(|read| read > 0)
    {
        message.pop();
        let told: Value = serde_json::from_slice(&message).unwrap_or_default();
        message.clear();
        let mut heard = lock(&heard);
        match told["id"].as_u64() {
            Some(id) => {
                if let Some(waiting) = heard.waiting.remove(&id) {
                    // Whoever has given up does not hear of it.
                    let _ = waiting.send(told);
                }
            }
            None => heard.note(&told),
        }
    }
    lock(&heard).waiting.clear();
}

impl Heard {
    fn note(&mut self, event: &Value) {
        let told = &event["params"];
        match event["method"].as_str() {
            Some("Network.requestWillBeSent") => {
                let address = told["request"]["url"].as_str().unwrap_or_default();
                self.addresses.push(address.to_owned());
            }
            Some("Runtime.exceptionThrown") => {
                self.faults.push(told["exceptionDetails"].to_string());
            }
            // That an answer was a refusal is logged as an error, too; the page has to deal with those.
            Some("Log.entryAdded")
                if told["entry"]["level"] == "error" && told["entry"]["source"] != "network" =>
            {
                self.faults.push(told["entry"].to_string());
            }
            _ => {}
        }
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
