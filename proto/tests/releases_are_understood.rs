//! Whoever speaks the protocol of a release is understood, and understands: fields and calls are added, and nothing of what
//! there was is renumbered, retyped, renamed or taken away. So old and new run side by side while they are replaced.
//!
//! `released/<version>` has the `.proto` files of each release, copied when it is made and never changed.

use std::collections::BTreeMap;
use std::path::Path;

use prost_types::field_descriptor_proto::Label;
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

const PROTOS: [&str; 4] = [
    "imagereplicator/v1/admin.proto",
    "imagereplicator/v1/jobs.proto",
    "imagereplicator/v1/plans.proto",
    "imagereplicator/v1/work.proto",
];

/// What each name of a protocol stands for, in words that are equal when the wire is.
type Protocol = BTreeMap<String, String>;

fn protocol(root: &Path) -> Protocol {
    let set = protox::compile(PROTOS, [root]).expect("the .proto files compile");
    let mut protocol = Protocol::new();
    collect(&set, &mut protocol);
    protocol
}

fn collect(set: &FileDescriptorSet, protocol: &mut Protocol) {
    for file in set
        .file
        .iter()
        .filter(|it| it.package() == "imagereplicator.v1")
    {
        for message in &file.message_type {
            of_message(message, "", protocol);
        }
        for it in &file.enum_type {
            of_enum(it, "", protocol);
        }
        for service in &file.service {
            for method in &service.method {
                let name = format!("{}/{}", service.name(), method.name());
                let sides = format!(
                    "{} {} -> {} {}",
                    method.client_streaming(),
                    method.input_type(),
                    method.server_streaming(),
                    method.output_type()
                );
                protocol.insert(name, sides);
            }
        }
    }
}

fn of_message(message: &DescriptorProto, above: &str, protocol: &mut Protocol) {
    let name = format!("{above}{}", message.name());
    for field in &message.field {
        // A field is its number: the name is for people, and for what is logged.
        let key = format!("{name}.{}", field.number());
        protocol.insert(key, of_field(message, field));
    }
    for inner in &message.nested_type {
        of_message(inner, &format!("{name}."), protocol);
    }
    for inner in &message.enum_type {
        of_enum(inner, &format!("{name}."), protocol);
    }
}

fn of_field(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let repeated = field.label() == Label::Repeated;
    let alternatives = match field.oneof_index {
        // A synthetic one is that of an optional field.
        Some(index) if !field.proto3_optional() => {
            let index = usize::try_from(index).expect("an index");
            format!(" of {}", message.oneof_decl[index].name())
        }
        _ => String::new(),
    };
    format!(
        "{} {:?} {} repeated={repeated}{alternatives}",
        field.name(),
        field.r#type(),
        field.type_name()
    )
}

fn of_enum(it: &EnumDescriptorProto, above: &str, protocol: &mut Protocol) {
    for value in &it.value {
        let key = format!("{above}{}={}", it.name(), value.number());
        protocol.insert(key, value.name().to_owned());
    }
}

/// What the present protocol no longer says as the released one did.
fn broken(released: &Protocol, present: &Protocol) -> Vec<String> {
    released
        .iter()
        .filter(|(name, meaning)| present.get(*name) != Some(meaning))
        .map(|(name, meaning)| format!("{name} was {meaning} and is {:?}", present.get(name)))
        .collect()
}

#[test]
fn each_release_is_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let present = protocol(root);
    let mut releases = 0;
    for release in std::fs::read_dir(root.join("released")).expect("there is one") {
        let release = release.expect("it can be read").path();
        let released = protocol(&release);
        assert!(released.len() > 100, "{}", released.len());
        assert_eq!(
            broken(&released, &present),
            Vec::<String>::new(),
            "{}",
            release.display()
        );
        releases += 1;
    }
    assert!(releases > 0);
}

#[test]
fn a_change_that_breaks_a_release_is_found() {
    let present = protocol(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert_eq!(broken(&present, &present), Vec::<String>::new());
    for (name, instead) in [
        ("CreateJobRequest.1", None),
        ("CreateJobRequest.1", Some("id Int64  repeated=false")),
        ("JobService/CreateJob", None),
        ("Directive=1", Some("DIRECTIVE_OTHER")),
    ] {
        let mut changed = present.clone();
        assert!(changed.remove(name).is_some(), "{name}");
        if let Some(meaning) = instead {
            changed.insert(name.to_owned(), meaning.to_owned());
        }
        let found = broken(&present, &changed);
        assert!(found.len() == 1 && found[0].starts_with(name), "{found:?}");
    }
    // What is added breaks nobody.
    let mut grown = present.clone();
    grown.insert("CreateJobRequest.99".to_owned(), "new".to_owned());
    assert_eq!(broken(&present, &grown), Vec::<String>::new());
}
