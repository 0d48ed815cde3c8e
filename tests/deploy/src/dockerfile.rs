//! A Dockerfile as stages of instructions, and what ours must be.

use crate::{COMMAND_LINE, programs};

/// The only command that is run to build an image.
const BUILD: &str = "deploy/build-release /out";

/// Who the programs run as; a number, so that Kubernetes sees that it is not root.
const USER: &str = "65532:65532";

/// One stage.
#[derive(Debug)]
pub struct Stage {
    /// What it begins with.
    pub from: String,
    /// What `--target` calls it.
    pub name: String,
    instructions: Vec<(String, String)>,
}

/// The stages of a Dockerfile.
#[must_use]
pub fn parse(text: &str) -> Vec<Stage> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let mut stages: Vec<Stage> = Vec::new();
    for line in joined.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.split_whitespace().collect::<Vec<_>>().join(" ");
        if word == "FROM" {
            let (from, name) = rest.split_once(" AS ").unwrap_or((&rest, ""));
            stages.push(Stage {
                from: from.to_owned(),
                name: name.to_owned(),
                instructions: Vec::new(),
            });
        } else if let Some(stage) = stages.last_mut() {
            stage.instructions.push((word.to_owned(), rest));
        }
    }
    stages
}

// === impl Stage ===

impl Stage {
    /// What follows each `word`, in their order.
    pub fn all<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let of_word = self.instructions.iter().filter(move |(it, _)| it == word);
        of_word.map(|(_, rest)| rest.as_str())
    }

    /// The ports that it says it listens on.
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        let words = self.all("EXPOSE").flat_map(|rest| rest.split(' '));
        words.filter_map(|word| word.parse().ok()).collect()
    }
}

/// What is wrong with the stages: of a repository with this toolchain and this version.
#[must_use]
pub fn complaints(stages: &[Stage], toolchain: &str, version: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            complaints.push(what);
        }
    };
    for stage in stages {
        let name = &stage.name;
        let commands: Vec<&str> = stage.all("RUN").map(without_mounts).collect();
        if name == "build" {
            expect(commands == [BUILD], format!("build runs {commands:?}"));
            let image = format!("rust:{toolchain}-");
            expect(
                stage.from.starts_with(&image),
                format!("build is from {}, not {image}…", stage.from),
            );
            let pin = format!("RUSTUP_TOOLCHAIN={toolchain}");
            expect(
                stage.all("ENV").any(|it| it == pin),
                format!("build does not set {pin}"),
            );
            continue;
        }
        expect(
            programs().any(|program| program == name),
            format!("{name} is no program of ours"),
        );
        expect(
            commands.is_empty(),
            format!("{name} runs {commands:?}: it has no shell"),
        );
        expect(
            stage.from == "scratch",
            format!("{name} is from {}", stage.from),
        );
        let copies: Vec<&str> = stage.all("COPY").collect();
        expect(
            copies == [format!("--from=build /out/{name}/ /")],
            format!("{name} copies {copies:?}"),
        );
        let user: Vec<&str> = stage.all("USER").collect();
        expect(user == [USER], format!("{name} runs as {user:?}"));
        let start: Vec<&str> = stage.all("ENTRYPOINT").collect();
        expect(
            start == [format!("[\"/usr/local/bin/{name}\"]")],
            format!("{name} starts {start:?}"),
        );
        let labels: String = stage.all("LABEL").collect();
        let title = if name == COMMAND_LINE {
            format!("title=\"{name}\"")
        } else {
            format!("title=\"image-replicator {name}\"")
        };
        for label in [
            title,
            format!("version=\"{version}\""),
            "revision=\"${REVISION}\"".to_owned(),
            "licenses=\"Apache-2.0\"".to_owned(),
        ] {
            let label = format!("org.opencontainers.image.{label}");
            expect(
                labels.contains(&label),
                format!("{name} has no label {label}"),
            );
        }
    }
    for program in programs() {
        let targets = stages.iter().filter(|stage| stage.name == program).count();
        expect(targets == 1, format!("{program} has {targets} targets"));
    }
    complaints
}

/// A command without `--mount=…` before it: what is kept between builds, and not in the image.
fn without_mounts(command: &str) -> &str {
    let mut rest = command;
    while let Some((_, after)) = rest
        .strip_prefix("--mount=type=cache,")
        .and_then(|it| it.split_once(' '))
    {
        rest = after;
    }
    rest
}
