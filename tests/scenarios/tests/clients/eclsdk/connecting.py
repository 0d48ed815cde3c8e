"""A connection of eclsdk to the test bed, from the OS_… variables."""

import os
import time

from ecl import connection, profile


def connect():
    wanted = profile.Profile()
    wanted.set_region("image", os.environ["OS_REGION_NAME"])
    return connection.Connection(
        profile=wanted,
        auth_url=os.environ["OS_AUTH_URL"],
        username=os.environ["OS_USERNAME"],
        password=os.environ["OS_PASSWORD"],
        project_name=os.environ["OS_PROJECT_NAME"],
        user_domain_id=os.environ["OS_USER_DOMAIN_ID"],
        project_domain_id=os.environ["OS_PROJECT_DOMAIN_ID"],
    )


def until(image, job_id, status):
    """The job once it has the status; the time limit is that of the test."""
    while True:
        job = image.get_image_copy_job(job_id)
        if job.status == status:
            return job
        assert job.status not in ("replicated", "canceled", "error"), job
        time.sleep(0.2)
