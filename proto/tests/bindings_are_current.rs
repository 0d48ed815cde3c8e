//! The checked-in bindings are what the `.proto` files say.
//!
//! After a change of a `.proto` file: `UPDATE_BINDINGS=1 cargo test -p proto`.

use std::fs;
use std::path::Path;

const PROTOS: [&str; 4] = [
    "imagereplicator/v1/admin.proto",
    "imagereplicator/v1/jobs.proto",
    "imagereplicator/v1/plans.proto",
    "imagereplicator/v1/work.proto",
];
const CHECKED_IN: &str = "src/gen/imagereplicator.v1.rs";

#[test]
fn bindings_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fresh = generate(root);
    let checked_in = root.join(CHECKED_IN);
    if std::env::var_os("UPDATE_BINDINGS").is_some() {
        fs::write(&checked_in, &fresh).expect("the bindings can be written");
    }
    let stored = fs::read_to_string(&checked_in).unwrap_or_default();
    assert!(
        stored == fresh,
        "{CHECKED_IN} is stale: run UPDATE_BINDINGS=1 cargo test -p proto"
    );
}

fn generate(root: &Path) -> String {
    let out =
        std::env::temp_dir().join(format!("image-replicator-bindings-{}", std::process::id()));
    fs::create_dir_all(&out).expect("a temporary folder");
    let descriptors = protox::compile(PROTOS, [root]).expect("the .proto files compile");
    tonic_prost_build::configure()
        .out_dir(&out)
        .compile_fds(descriptors)
        .expect("code can be generated");
    let code = fs::read_to_string(out.join("imagereplicator.v1.rs")).expect("generated code");
    fs::remove_dir_all(&out).expect("the temporary folder can go");
    code
}
