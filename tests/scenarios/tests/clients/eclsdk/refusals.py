"""Each documented error of the four operations: the exception's class, its status and its text."""

import sys
import uuid

from ecl import exceptions

from connecting import connect

image_id, image_without_data, foreign_tenant_id, job_that_is_over = sys.argv[1:]
connection = connect()
image = connection.image
nothing = str(uuid.uuid4())


def refused(status, reason, operation, *arguments):
    try:
        answer = operation(*arguments)
    except exceptions.HttpException as error:
        assert error.http_status == status, (arguments, error)
        assert reason in error.details, (arguments, error.details)
        assert isinstance(error, exceptions.NotFoundException) == (status == 404), type(error)
        assert error.request_id, "no request id"
    else:
        raise AssertionError((arguments, answer))


refused(400, "image_id must be the UUID of an image", image.copy_image, "ubuntu", foreign_tenant_id)
refused(400, "tenant_id_dst", image.copy_image, image_id, "proj ot2")
refused(404, "does not exist", image.copy_image, nothing, foreign_tenant_id)
refused(404, "does not exist in any region", image.copy_image, image_id, nothing)
refused(409, "queued", image.copy_image, image_without_data, foreign_tenant_id)
refused(401, foreign_tenant_id, image.copy_image, image_id, foreign_tenant_id)
for operation in (image.get_image_copy_job, image.cancel_copy_image):
    refused(404, "There is no such copy job", operation, nothing)
    refused(404, "There is no such copy job", operation, "no-uuid")
refused(409, "can't be canceled any more", image.cancel_copy_image, job_that_is_over)
