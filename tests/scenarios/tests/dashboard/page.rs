//! What people do with a page: look, point, type, and wait until it shows something.

use std::path::Path;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use scenarios::PATIENCE;
use serde_json::{Value, json};
use testbed::{axe, eventually};

use crate::browser::Browser;

/// How a page is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

/// A key that is no letter.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    Tab,
    Enter,
    Escape,
    Space,
    Down,
}

/// A text as a literal of JavaScript.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl Browser {
    /// Goes to an address and waits until the page is there.
    pub(crate) async fn goto(&self, url: &str) -> anyhow::Result<()> {
        let went = self.command("Page.navigate", json!({"url": url})).await?;
        ensure!(went["errorText"].is_null(), "{went}");
        let there = format!(
            "location.href.startsWith({}) && document.readyState === 'complete'",
            quoted(url)
        );
        self.until("the page is loaded", &there).await
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&self, what: &str, expression: &str) -> anyhow::Result<()> {
        eventually(PATIENCE, what, || async {
            ensure!(self.eval(expression).await? == true, "{expression}");
            Ok(())
        })
        .await
    }

    /// Waits until the element shows this text among others.
    pub(crate) async fn until_text(&self, selector: &str, text: &str) -> anyhow::Result<()> {
        eventually(PATIENCE, format!("{selector} shows {text:?}"), || async {
            let shown = self.text(selector).await?;
            ensure!(shown.contains(text), "{shown:?}");
            Ok(())
        })
        .await
    }

    /// What is to be read of an element: nothing of one that is hidden or not there.
    pub(crate) async fn text(&self, selector: &str) -> anyhow::Result<String> {
        let text = format!(
            "(() => {{ const e = document.querySelector({});
                return e?.checkVisibility() ? e.innerText : ''; }})()",
            quoted(selector)
        );
        let text = self.eval(&text).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Points at the middle of an element and clicks, as soon as it is there and nothing lies over it.
    pub(crate) async fn click(&self, selector: &str) -> anyhow::Result<()> {
        let place = format!(
            "(() => {{ const e = document.querySelector({});
                e?.scrollIntoView({{block: 'center', behavior: 'instant'}});
                const r = e?.getBoundingClientRect();
                if (!r?.width || e.disabled) return null;
                const [x, y] = [r.x + r.width / 2, r.y + r.height / 2];
                const top = document.elementFromPoint(x, y);
                return e.contains(top) ? [x, y] : null; }})()",
            quoted(selector)
        );
        let place = eventually(PATIENCE, format!("{selector} can be clicked"), || async {
            let place = self.eval(&place).await?;
            ensure!(place.is_array(), "not there, hidden, disabled or covered");
            Ok(place)
        })
        .await?;
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({
                "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1,
            });
            self.command("Input.dispatchMouseEvent", event).await?;
        }
        Ok(())
    }

    /// Replaces the text of a field.
    pub(crate) async fn fill(&self, selector: &str, text: &str) -> anyhow::Result<()> {
        self.click(selector).await?;
        let empty = format!(
            "(() => {{ const e = document.querySelector({}); e.value = '';
                e.dispatchEvent(new Event('input', {{bubbles: true}})); }})()",
            quoted(selector)
        );
        self.eval(&empty).await?;
        self.write(text).await
    }

    /// Types a text into what has the focus.
    pub(crate) async fn write(&self, text: &str) -> anyhow::Result<()> {
        let inserted = json!({"text": text});
        self.command("Input.insertText", inserted).await.map(drop)
    }

    /// Chooses the option whose label begins so, as soon as it is there.
    pub(crate) async fn choose(&self, selector: &str, label: &str) -> anyhow::Result<()> {
        let choose = format!(
            "(() => {{ const list = document.querySelector({});
                const option = [...list.options].find((one) => one.label.startsWith({}));
                if (!option) return false;
                list.value = option.value;
                list.dispatchEvent(new Event('change', {{bubbles: true}}));
                return true; }})()",
            quoted(selector),
            quoted(label)
        );
        self.until(&format!("{selector} offers {label}"), &choose)
            .await
    }

    /// Presses a key and lets it go.
    pub(crate) async fn press(&self, key: Key) -> anyhow::Result<()> {
        let (name, code, text) = match key {
            Key::Tab => ("Tab", 9, ""),
            Key::Enter => ("Enter", 13, "\r"),
            Key::Escape => ("Escape", 27, ""),
            Key::Space => (" ", 32, " "),
            Key::Down => ("ArrowDown", 40, ""),
        };
        let event = |kind: &str| {
            json!({"type": kind, "key": name, "code": if code == 32 { "Space" } else { name },
                "windowsVirtualKeyCode": code, "text": if kind == "keyDown" { text } else { "" }})
        };
        self.command("Input.dispatchKeyEvent", event("keyDown"))
            .await?;
        self.command("Input.dispatchKeyEvent", event("keyUp"))
            .await?;
        Ok(())
    }

    /// Presses Tab until the element has the focus; within `most` of them.
    pub(crate) async fn tab_to(&self, selector: &str, most: usize) -> anyhow::Result<()> {
        let has_focus = format!(
            "document.activeElement?.matches({}) === true",
            quoted(selector)
        );
        for _ in 0..=most {
            if self.eval(&has_focus).await? == true {
                return Ok(());
            }
            self.press(Key::Tab).await?;
        }
        let focus = self.eval("document.activeElement?.outerHTML").await?;
        anyhow::bail!("{selector} is not reached within {most} tabs; the focus is on {focus}")
    }

    /// Looks in this scheme, at a window of this width.
    pub(crate) async fn look(&self, scheme: Scheme, width: u32) -> anyhow::Result<()> {
        let scheme = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let media = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.command("Emulation.setEmulatedMedia", media).await?;
        let is_phone = width < 600;
        let size = json!({
            "width": width, "height": if is_phone { 844 } else { 860 },
            "deviceScaleFactor": if is_phone { 2 } else { 1 }, "mobile": is_phone,
        });
        self.command("Emulation.setDeviceMetricsOverride", size)
            .await?;
        let there = format!(
            "innerWidth === {width} && matchMedia('(prefers-color-scheme: {scheme})').matches"
        );
        self.until("the window is as it shall be", &there).await
    }

    /// Keeps what the page looks like, as `target/tmp/dashboard/<name>.png`.
    pub(crate) async fn keep(&self, name: &str) -> anyhow::Result<()> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard");
        std::fs::create_dir_all(&folder)?;
        let shot = self
            .command("Page.captureScreenshot", json!({"format": "png"}))
            .await?;
        let data = shot["data"].as_str().context("no picture")?;
        std::fs::write(
            folder.join(format!("{name}.png")),
            BASE64_STANDARD.decode(data)?,
        )?;
        Ok(())
    }

    /// Fails when something keeps people from using the page as it is now, in either scheme.
    pub(crate) async fn expect_accessible(&self) -> anyhow::Result<()> {
        self.eval(&axe().await?).await?;
        let width = self
            .eval("innerWidth")
            .await?
            .as_u64()
            .context("no width")?;
        for scheme in [Scheme::Dark, Scheme::Light] {
            self.look(scheme, u32::try_from(width)?).await?;
            let found = self.eval(
                "axe.run(document, {preload: false, resultTypes: ['violations']}).then(({violations, passes}) => ({
                    rules: passes.length,
                    violations: violations.map((one) => `${one.id}: ${one.help} ` +
                        one.nodes.map((node) => node.html + ' ' + node.failureSummary).join('; '))}))",
            );
            let found = found.await?;
            let violations = found["violations"].as_array().context("no list")?;
            ensure!(violations.is_empty(), "{scheme:?}: {violations:#?}");
            ensure!(found["rules"].as_u64() > Some(10), "{found}");
        }
        Ok(())
    }

    /// Fails when the page can be moved sideways: something is wider than the window.
    pub(crate) async fn expect_it_fits(&self) -> anyhow::Result<()> {
        let widths = self
            .eval("[document.documentElement.scrollWidth, innerWidth]")
            .await?;
        ensure!(widths[0].as_u64() <= widths[1].as_u64(), "{widths}");
        Ok(())
    }
}
