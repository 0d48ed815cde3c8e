"""Gets the image ID, finds it by NAME and in both lists, and prints what it is as the SDK has it.

No images but it and OTHER need a disk of 3 GB; what else is listed comes and goes with other tests.
"""

import json
import sys

import openstack

image_id, name, other = sys.argv[1:]
compute = openstack.connect().compute

got = compute.get_image(image_id)
assert got.id == image_id, got
assert got.name == name, got

for key in (name, image_id):
    found = compute.find_image(key)
    assert found is not None and found.id == image_id, (key, found)

detailed = {image.id: image for image in compute.images()}
assert detailed[image_id].status == got.status, detailed
assert detailed[image_id].size == got.size, detailed
brief = {image.id: image for image in compute.images(details=False)}
assert brief[image_id].name == name, brief
assert brief[image_id].status is None, brief

by_name = list(compute.images(name=name))
assert [image.id for image in by_name] == [image_id], by_name
paged = [image.id for image in compute.images(min_disk=3, limit=1)]
assert sorted(paged) == sorted([image_id, other]), paged

metadata = compute.fetch_image_metadata(image_id).metadata
assert metadata == got.metadata, (metadata, got.metadata)

printed = got.to_dict(computed=False, original_names=False)
print(json.dumps({key: printed[key] for key in (
    "id", "name", "status", "progress", "created_at", "updated_at", "size", "min_disk", "min_ram", "links", "metadata",
)}))
