//! Metrics as OpenMetrics text, parsed strictly enough that a scraper could read what passes here.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};

/// What the samples of each type are called behind their family's name (OpenMetrics 1.0, section 5).
const SUFFIXES: [(&str, &[&str]); 4] = [
    ("counter", &["_total", "_created"]),
    ("gauge", &[""]),
    ("histogram", &["_bucket", "_sum", "_count", "_created"]),
    ("info", &["_info"]),
];

/// The samples of one page, by name and labels.
#[derive(Debug)]
pub(crate) struct Exposition(BTreeMap<String, f64>);

impl Exposition {
    /// Reads a page.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let body = text.strip_suffix("# EOF\n").context("no end mark")?;
        let mut samples = BTreeMap::new();
        let mut types = BTreeMap::new();
        let mut family: Option<(&str, &str)> = None;
        for line in body.lines() {
            if let Some(declared) = line.strip_prefix("# TYPE ") {
                let (name, kind) = declared.split_once(' ').context("no type")?;
                ensure!(types.insert(name, kind).is_none(), "{name} twice");
                family = Some((name, kind));
            } else if !line.starts_with("# HELP ") && !line.starts_with("# UNIT ") {
                let (series, value) = sample(line).with_context(|| line.to_owned())?;
                belongs(series, family).with_context(|| line.to_owned())?;
                let repeated = samples.insert(series.to_owned(), value).is_some();
                ensure!(!repeated, "twice: {line}");
            }
        }
        Ok(Self(samples))
    }

    /// The value of a series, such as `name_total` or `name{label="value"}`; 0 when it is not there.
    pub(crate) fn value(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or_default()
    }

    /// Names of all series.
    pub(crate) fn series(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// A line's series (name and labels) and value.
fn sample(line: &str) -> anyhow::Result<(&str, f64)> {
    let (series, value) = line.rsplit_once(' ').context("no value")?;
    let name = series.split('{').next().unwrap_or_default();
    let word = |text: &str| {
        !text.is_empty()
            && !text.starts_with(|first: char| first.is_ascii_digit())
            && text
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || one == '_')
    };
    ensure!(word(name), "`{name}` is no name");
    if let Some(labels) = series[name.len()..].strip_prefix('{') {
        let labels = labels.strip_suffix("\"}").context("labels without end")?;
        for label in labels.split("\",") {
            let (key, text) = label.split_once("=\"").context("a label without value")?;
            ensure!(word(key) && !text.contains('"'), "label `{label}`");
        }
    }
    Ok((series, value.parse()?))
}

/// Whether a series is of the family that was declared last.
fn belongs(series: &str, family: Option<(&str, &str)>) -> anyhow::Result<()> {
    let (family, kind) = family.context("no type was declared")?;
    let Some((_, suffixes)) = SUFFIXES.iter().find(|(known, _)| *known == kind) else {
        bail!("unknown type {kind}");
    };
    let name = series.split('{').next().unwrap_or_default();
    let suffix = name.strip_prefix(family).context("of another family")?;
    ensure!(suffixes.contains(&suffix), "`{suffix}` of a {kind}");
    Ok(())
}

#[test]
fn pages_that_a_scraper_would_refuse_are_refused() {
    let good = "# HELP a Text.\n# TYPE a counter\na_total{x=\"1\",y=\"b c\"} 2\n# EOF\n";
    let page = Exposition::parse(good).expect("good");
    assert!((page.value("a_total{x=\"1\",y=\"b c\"}") - 2.0).abs() < f64::EPSILON);
    for bad in [
        "",
        "# TYPE a gauge\na 1\n",
        "a 1\n# EOF\n",
        "# TYPE a counter\na 1\n# EOF\n",
        "# TYPE a gauge\na one\n# EOF\n",
        "# TYPE a gauge\na 1\na 2\n# EOF\n",
        "# TYPE a gauge\nb 1\n# EOF\n",
        "# TYPE a gauge\na{x=1} 1\n# EOF\n",
    ] {
        assert!(Exposition::parse(bad).is_err(), "{bad}");
    }
}
