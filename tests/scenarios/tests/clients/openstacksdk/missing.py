"""What the SDK makes of images that are not there."""

import uuid

import openstack
from openstack import exceptions

compute = openstack.connect().compute
nothing = str(uuid.uuid4())

try:
    answer = compute.get_image(nothing)
except exceptions.NotFoundException as error:
    assert error.status_code == 404, error
    assert "Image not found." in str(error), error
else:
    raise AssertionError(answer)

assert compute.find_image(nothing) is None
assert compute.find_image("no image has this name") is None
assert list(compute.images(name="no image has this name")) == []
