"""What schemathesis cannot know of the gateway, and what the test wants to know of the run.

FUZZ_POOL names a JSON file of values by kind (ids of images, jobs and plans, schedules …). Generated values are replaced by
these, so that requests get past the first refusal; one in four stays as it is. The choice depends on what is generated
alone, so that a failure repeats. FUZZ_COUNTS names the file that tells in the end how often each operation was answered
with which status.
"""

import atexit
import collections
import json
import os
import re
import zlib

import schemathesis

POOL = json.load(open(os.environ["FUZZ_POOL"]))
UUID = re.compile("[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
SELECTORS = ("image_id", "image_name", "image_tag")
counts = collections.Counter()


@schemathesis.hook
def map_case(context, case):
    path, query, body = case.path_parameters, case.query, case.body
    about_images = "/images" in case.path
    # Of the whole case: many have the same ids.
    number = number_of((path, query, body))

    def known(kind, generated, always=False, of=4):
        stays = number % of == 0 and not always
        return generated if stays else POOL[kind][number // 4 % len(POOL[kind])]

    if isinstance(path.get("project_id"), str):
        # Images of another project are a 400, plans of one a 403: that a valid value can be refused is no finding.
        path["project_id"] = known("project", path["project_id"], about_images, of=12)
    if is_uuid(path.get("image_id")):
        path["image_id"] = known("image", path["image_id"])
    if is_uuid(path.get("job_id")):
        path["job_id"] = known("job" if "/extension/" in case.path else "plan", path["job_id"])
    if isinstance(path.get("key"), str):
        path["key"] = known("property", path["key"])
    if is_uuid(query.get("marker")):
        # So it is with a marker that is nobody's.
        query["marker"] = known("image" if about_images else "job", query["marker"], always=True)
    if str(case.headers.get("Last-Event-ID", "x")).isdigit():
        case.headers["Last-Event-ID"] = known("event", case.headers["Last-Event-ID"])
    if isinstance(body, (dict, list)):
        case.body = with_known(body, number % 2 == 0)
    return case


def number_of(generated):
    return zlib.crc32(repr(generated).encode())


def is_uuid(value):
    return isinstance(value, str) and UUID.fullmatch(value) is not None


def with_known(value, wholly, key=None):
    """The body with what exists in the places of what is generated; wholly, or here and there. A new one: cases share theirs."""
    if isinstance(value, dict):
        given = {name: with_known(one, wholly, name) for name, one in value.items()}
        if wholly:
            for surplus in [name for name in SELECTORS if given.get(name) is not None][1:]:
                del given[surplus]
        return given
    if isinstance(value, list):
        return [with_known(one, wholly) for one in value]
    if key not in POOL["body"] or not (is_uuid(value) or isinstance(value, (str, int)) and "schedule" in key):
        return value
    choices = POOL["body"][key]
    number = number_of(value)
    return choices[number % len(choices)] if wholly or number % 4 else value


@schemathesis.deserializer("text/event-stream")
def documents(context, response):
    """The API document says of an event stream what the `data` of its events is."""
    lines = response.content.decode().splitlines()
    return [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]


@schemathesis.hook
def after_call(context, case, response):
    counts[f"{case.method} {case.path} {response.status_code}"] += 1


@atexit.register
def write_counts():
    with open(os.environ["FUZZ_COUNTS"], "w") as file:
        json.dump(counts, file)
