"""Copies IMAGE to TENANT, cancels the job, waits until it is canceled and prints it."""

import json
import sys

from connecting import connect, until

image_id, tenant_id = sys.argv[1:]
image = connect().image

job_id = image.copy_image(image_id, tenant_id).job_id
image.cancel_copy_image(job_id)
job = until(image, job_id, "canceled")
assert job.destination_image_id is None, job

print(json.dumps({"job_id": job_id}))
