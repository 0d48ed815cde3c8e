"""Holds manifests against their schemas: a JSON array on stdin, one line on stdout for each that does not fit.

Kubernetes' own come from kubernetes-validate, strictly: what a schema does not name is refused. Custom resources are held
against <group>_<kind>.json in the directory of the second argument; one without a file does not fit.
"""

import json
import pathlib
import sys

import jsonschema
import kubernetes_validate

version, directory = sys.argv[1], pathlib.Path(sys.argv[2])


def complaint(manifest):
    group = manifest["apiVersion"].split("/")[0]
    if "." in group and not group.endswith(".k8s.io"):
        schema = directory / f"{group}_{manifest['kind'].lower()}.json"
        if not schema.exists():
            return f"there is no schema {schema.name}"
        try:
            jsonschema.validate(manifest, json.loads(schema.read_text()))
        except jsonschema.ValidationError as error:
            return f"{error.json_path}: {error.message}"
        return None
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(str(part) for part in error.path)}: {error.message}"
    return None


for manifest in json.load(sys.stdin):
    found = complaint(manifest)
    if found:
        print(f"{manifest['kind']} {manifest['metadata']['name']}: {' '.join(found.split())}")
