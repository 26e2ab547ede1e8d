"""What schemathesis cannot read from the description: resources that exist, and rules over several members."""

import json
import os
import re
import uuid

import schemathesis
from schemathesis.generation import GenerationMode

PLAIN = re.compile(r"^[a-zA-Z0-9\-_.]{1,256}$")
# Ids of resources that were made before the run, by path parameter.
SEEDS = json.loads(os.environ.get("HOLDFAST_SEEDS", "{}"))
# The resource itself is what these end, so they keep the ids that schemathesis made or found.
ENDS = re.compile(r"^DELETE .*/\{(app_id|endpoint_id|event_type_name|key_id|delivery_id)\}$")
# Rules that no JSON Schema says: two members compared, a clock, what is stored, an address that may not be reached, a
# text in a language of its own.
BEYOND_SCHEMA = {
    "custom",
    "value_error",
    "url",
    "unknown_event_type",
    "idempotency_key_reused",
    "schema_mismatch",
    "pem",
    "expression",
    "schema_error",
}
ANSWERS_TO_STATE = {"limit_reached", "endpoint_disabled", "content_expired"}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Aims most requests at resources that exist, and uses each idempotency key once."""
    path = case.path_parameters or {}
    if not ENDS.match(case.operation.label) and hash(case.id) % 4:
        for name, value in path.items():
            if name in SEEDS and PLAIN.match(str(value)):
                path[name] = SEEDS[name]
    if not is_positive(case):
        return
    key = (case.headers or {}).get("idempotency-key")
    if isinstance(key, str) and re.match(r"^[\x21-\x7e]{1,200}$", key):
        case.headers["idempotency-key"] = f"{key}{uuid.uuid4()}"
    # Almost no text that is a URI is an address that may be sent to.
    if isinstance(case.body, dict) and isinstance(case.body.get("url"), str):
        case.body["url"] = SEEDS.get("url", case.body["url"])


@schemathesis.check
def fits_its_description(ctx, response, case):
    """A request that fits its schema is refused only for what a schema cannot say."""
    if not is_positive(case) or response.status_code < 400:
        return
    if response.status_code in (401, 403, 404, 409, 429):
        return
    problem = response.json()
    if response.status_code == 422:
        unsaid = [fault for fault in problem.get("errors", []) if fault["type"] not in BEYOND_SCHEMA]
        if not unsaid and problem.get("errors"):
            return
    elif problem.get("code") in ANSWERS_TO_STATE:
        return
    raise AssertionError(f"refused though it fits its description: {response.status_code} {response.text[:600]}")


def is_positive(case) -> bool:
    return case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
