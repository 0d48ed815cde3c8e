"""Copies IMAGE to TENANT, waits until it is there, finds it in the list and prints the job."""

import json
import os
import sys

from connecting import connect, until

image_id, tenant_id = sys.argv[1:]
image = connect().image

job_id = image.copy_image(image_id, tenant_id).job_id
assert job_id, "no job id"

job = until(image, job_id, "replicated")
assert job.job_id == job_id, job
assert job.copy_progress == 100, job
assert job.source_image_id == image_id, job
assert job.source_region_id == os.environ["OS_REGION_NAME"], job
assert job.source_tenant_id, job
assert job.destination_image_id, job
assert job.destination_region_id == "ot2", job
assert job.destination_tenant_id == tenant_id, job

listed = [one for one in image.list_image_copy_jobs() if one.job_id == job_id]
assert len(listed) == 1, listed
for field in (
    "status", "copy_progress", "source_image_id", "source_region_id", "source_tenant_id",
    "destination_image_id", "destination_region_id", "destination_tenant_id",
):
    assert getattr(listed[0], field) == getattr(job, field), field

print(json.dumps({"job_id": job_id, "destination_image_id": job.destination_image_id}))
