//! What `.dockerignore` leaves of the repository for a build.

/// The patterns of a `.dockerignore`; the last one that matches decides.
#[derive(Debug)]
pub struct Ignored {
    patterns: Vec<(bool, Vec<String>)>,
}

// === impl Ignored ===

impl Ignored {
    /// Reads them. Of the syntax it knows what ours needs: `#`, `!`, `**/` at the beginning and `*` within a name.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim);
        let patterns = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let patterns = patterns.map(|line| {
            let (ignores, pattern) = match line.strip_prefix('!') {
                Some(rest) => (false, rest),
                None => (true, line),
            };
            let parts = pattern.trim_matches('/').split('/');
            (ignores, parts.map(str::to_owned).collect())
        });
        Self {
            patterns: patterns.collect(),
        }
    }

    /// Whether the build does not see the file at this path.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        let matching = self.patterns.iter().rev();
        let last = matching
            .clone()
            .find(|(_, pattern)| covers(pattern, &parts));
        last.is_some_and(|(ignores, _)| *ignores)
    }
}

/// Whether a pattern means this path or a directory above it.
fn covers(pattern: &[String], path: &[&str]) -> bool {
    match pattern.split_first() {
        None => true,
        Some((first, rest)) if first == "**" => {
            (0..path.len()).any(|skipped| covers(rest, &path[skipped..]))
        }
        Some((first, rest)) => path
            .split_first()
            .is_some_and(|(name, below)| is_named(first, name) && covers(rest, below)),
    }
}

fn is_named(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let ignored = Ignored::parse("target\n**/corpus\n*.md\ndeploy\n!deploy/build-release\n");
        for path in [
            "target/debug/a",
            "tests/fuzz/corpus/x",
            "README.md",
            "deploy/Dockerfile",
        ] {
            assert!(ignored.has(path), "{path}");
        }
        for path in [
            "tests/target/x",
            "docs/README.md",
            "deploy/build-release",
            "deployed",
        ] {
            assert!(!ignored.has(path), "{path}");
        }
    }
}
