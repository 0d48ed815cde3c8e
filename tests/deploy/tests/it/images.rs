//! The images: built by the commands of the Dockerfile, looked at and run without an engine.

use std::path::Path;

use deploy_checks::build_context::Ignored;
use deploy_checks::image_tree::{self, ImageTree};
use deploy_checks::{COMMAND_LINE, SERVICES, dockerfile, programs, repository};
use service_kit::config::Config;

const DOCKERFILE: &str = "deploy/Dockerfile";

/// The toolchain and the version of the workspace.
fn pins() -> (String, String) {
    let toolchain: toml::Table = repository::read("rust-toolchain.toml")
        .and_then(|text| Ok(text.parse()?))
        .expect("it is TOML");
    let workspace: toml::Table = repository::read("Cargo.toml")
        .and_then(|text| Ok(text.parse()?))
        .expect("it is TOML");
    let word = |value: &toml::Value| value.as_str().expect("a text").to_owned();
    (
        word(&toolchain["toolchain"]["channel"]),
        word(&workspace["workspace"]["package"]["version"]),
    )
}

fn complaints(text: &str) -> Vec<String> {
    let (toolchain, version) = pins();
    dockerfile::complaints(&dockerfile::parse(text), &toolchain, &version)
}

#[test]
fn the_dockerfile_builds_each_program_with_the_script_alone() {
    let text = repository::read(DOCKERFILE).expect("it is there");
    assert_eq!(complaints(&text), Vec::<String>::new());
}

#[test]
fn a_dockerfile_that_does_otherwise_is_found_out() {
    let text = repository::read(DOCKERFILE).expect("it is there");
    for (part, instead, expected) in [
        ("deploy/build-release /out", "cargo build", "build runs"),
        (
            "deploy/build-release /out",
            "deploy/build-release /out && rm -r docs",
            "build runs",
        ),
        ("FROM rust:1.", "FROM rust:2.", "build is from"),
        ("TOOLCHAIN=1.", "TOOLCHAIN=2.", "build does not set"),
        (
            "FROM scratch AS copy-worker",
            "FROM debian AS copy-worker",
            "copy-worker is from debian",
        ),
        (
            "FROM scratch AS copy-worker",
            "FROM scratch AS mover",
            "copy-worker has 0 targets",
        ),
        (
            "FROM scratch AS image-replicator",
            "FROM debian AS image-replicator",
            "image-replicator is from debian",
        ),
        (
            "FROM scratch AS image-replicator",
            "FROM scratch AS tool",
            "tool is no program of ours",
        ),
        ("USER 65532:65532", "USER root", "runs as [\"root\"]"),
        ("USER 65532:65532", "RUN [\"/bin/true\"]", "it has no shell"),
        (
            "/out/job-scheduler/ /",
            "/out/api-gateway/ /",
            "job-scheduler copies",
        ),
        (
            "[\"/usr/local/bin/job-scheduler\"]",
            "job-scheduler",
            "job-scheduler starts",
        ),
        (
            "image.version=\"",
            "image.version=\"9",
            "has no label org.opencontainers.image.version",
        ),
    ] {
        assert!(text.contains(part), "{part}");
        let found = complaints(&text.replace(part, instead));
        assert!(
            found.iter().any(|complaint| complaint.contains(expected)),
            "{instead}: {found:?}"
        );
    }
}

#[test]
fn the_images_listen_where_the_configuration_says() {
    let sample = repository::root().join("deploy/image-replicator.toml");
    let config = Config::load(&sample, []).expect("the sample is valid");
    let (gateway, worker) = (config.gateway(), config.worker());
    let (gateway, worker) = (gateway.expect("there"), worker.expect("there"));
    let scheduler = &config.scheduler;
    let text = repository::read(DOCKERFILE).expect("it is there");
    for stage in dockerfile::parse(&text) {
        let expected = match stage.name.as_str() {
            "api-gateway" => vec![gateway.listen, gateway.admin_listen],
            "job-scheduler" => vec![scheduler.listen, scheduler.admin_listen],
            "copy-worker" => vec![worker.admin_listen],
            _ => continue,
        };
        let expected: Vec<u16> = expected.iter().map(|address| address.port()).collect();
        assert_eq!(stage.ports(), expected, "{}", stage.name);
    }
}

/// In the development profile, whose programs the other tests have built for the most part. The release's own programs are
/// looked at where there is time for them: `IMAGE_REPLICATOR_RELEASE_CHECK=1`.
#[test]
fn the_images_hold_what_the_programs_need_and_nothing_else() {
    let wanted = std::env::var_os("IMAGE_REPLICATOR_RELEASE_CHECK");
    let profile = if wanted.is_some() { "release" } else { "dev" };
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("images");
    image_tree::build(profile, &out).expect("the script works");
    let (_, version) = pins();
    for service in SERVICES {
        let image = ImageTree::of(service, &out);
        assert_eq!(image.complaints().expect("read"), Vec::<String>::new());
        let said = image.run(&["--version"]).expect("it runs");
        assert_eq!(said.trim(), format!("{service} {version}"));
        let said = image.run(&["--help"]).expect("it runs");
        assert!(said.contains("--config <PATH>"), "{said}");
        // It needs its configuration, and says which file it looked for.
        let said = image.complaint(&["--config", "/etc/image-replicator/none.toml"]);
        let said = said.expect("it runs");
        assert!(said.contains("/etc/image-replicator/none.toml"), "{said}");
    }

    // Names are looked up by the C library alone: nothing that it would load for that is missing.
    let scheduler = ImageTree::of("job-scheduler", &out);
    let hosts = "127.0.0.1 scheduler.example\n";
    scheduler.add("etc/hosts", hosts).expect("it is ours");
    let call = |host| ["admin", "--address", host, "limits"];
    let known = scheduler.complaint(&call("scheduler.example:1"));
    let known = known.expect("nobody listens there");
    assert!(known.contains("refused"), "{known}");
    let found = scheduler.complaints().expect("read");
    assert_eq!(found, ["job-scheduler holds /etc/hosts"]);

    the_command_line_needs_nothing_but_its_file(&ImageTree::of(COMMAND_LINE, &out), &version);
    the_build_sees_all_that_the_programs_are_made_of(profile);
    std::fs::remove_dir_all(out).expect("it is ours");
}

/// There is no library in its image, and no loader. It looks names up by itself, whatever `nsswitch.conf` would have loaded.
fn the_command_line_needs_nothing_but_its_file(image: &ImageTree, version: &str) {
    assert_eq!(image.complaints().expect("read"), Vec::<String>::new());
    let said = image.run(&["--version"]).expect("it runs");
    assert_eq!(said.trim(), format!("{COMMAND_LINE} {version}"));

    let cloud = |name: &str| {
        format!(
            "  {name}: {{region_name: r, auth: {{auth_url: 'http://{name}.example:1', username: u, \
             password: p, project_name: p}}}}\n"
        )
    };
    let clouds = format!("clouds:\n{}{}", cloud("known"), cloud("unknown"));
    // An engine gives each container its devices; only root could make them here.
    let bytes = "some bytes that stand for random ones".repeat(100);
    for (path, text) in [
        ("dev/random", bytes.as_str()),
        ("dev/urandom", bytes.as_str()),
        ("etc/openstack/clouds.yaml", clouds.as_str()),
        ("etc/hosts", "127.0.0.1 known.example\n"),
        ("etc/nsswitch.conf", "hosts: resolve mymachines dns\n"),
    ] {
        image.add(path, text).expect("it is ours");
    }
    let list = |cloud| image.complaint(&["list", "--os-cloud", cloud]);
    let known = list("known").expect("nobody listens there");
    assert!(known.contains("refused"), "{known}");
    let unknown = list("unknown").expect("nobody has that name");
    assert!(
        unknown.contains("unknown.example can't be looked up"),
        "{unknown}"
    );
}

/// Cargo notes for each program which files it read.
fn the_build_sees_all_that_the_programs_are_made_of(profile: &str) {
    let text = repository::read(".dockerignore").expect("it is there");
    let ignored = Ignored::parse(&text);
    let without_crates = Ignored::parse(&format!("{text}\ncrates\n"));
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| repository::root().join("target"), Into::into);
    let directory = if profile == "dev" { "debug" } else { profile };
    for program in programs() {
        let notes = target.join(directory).join(format!("{program}.d"));
        let notes = std::fs::read_to_string(&notes).expect("cargo has written it");
        let (_, files) = notes.split_once(": ").expect("target: files");
        let ours: Vec<&str> = files
            .split_whitespace()
            .filter_map(|file| {
                Path::new(file)
                    .strip_prefix(repository::root())
                    .ok()?
                    .to_str()
            })
            .collect();
        let missing = |ignored: &Ignored| ours.iter().filter(|file| ignored.has(file)).count();
        assert!(missing(&without_crates) > 10, "{program}: {}", ours.len());
        for file in ours {
            assert!(!ignored.has(file), "{program} is made of {file}");
        }
    }
    for file in [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "deploy/build-release",
    ] {
        assert!(!ignored.has(file), "{file}");
    }
}
