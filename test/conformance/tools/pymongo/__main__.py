"""`python test/conformance/tools/pymongo <uri> [section ...] [--mistake]`: what PyMongo finds of an empty MongoDB server.

All sections by default; those after `types` need its documents. `--mistake` exchanges two of the expected values, so
that checks must fail.
Prints one JSON line a section, `{"section", "passed", "failures"}`, and at the end `n checks passed`. Exits with 1 if
a check failed.
"""

import json
import sys
import time

import pymongo

import check_errors
import check_groups
import check_indexes
import check_order
import check_ranges
import check_types
from checks import Checks
from documents import values

SECTIONS = {
    "types": check_types,
    "order": check_order,
    "groups": check_groups,
    "ranges": check_ranges,
    "indexes": check_indexes,
    "errors": check_errors,
}


def main(uri, options):
    client = pymongo.MongoClient(uri, serverSelectionTimeoutMS=5_000, datetime_conversion="DATETIME_MS")
    database = client.pymongo
    everything = values()
    if "--mistake" in options:
        everything[0], everything[-1] = everything[-1], everything[0]
    only = [name for name in options if name in SECTIONS]
    passed = failed = 0
    for name, section in SECTIONS.items():
        if only and name not in only:
            continue
        checks = Checks()
        started = time.monotonic()
        section.run(checks, database, everything)
        seconds = round(time.monotonic() - started, 1)
        line = {"section": name, "passed": checks.passed, "failures": checks.failures[:20], "seconds": seconds}
        print(json.dumps(line), flush=True)
        passed += checks.passed
        failed += len(checks.failures)
    print(f"{passed} checks passed" + (f", {failed} failed" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
