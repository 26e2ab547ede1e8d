"""Indexes of every kind: listed as they were made, used, and keeping their promises."""

import time
from datetime import datetime, timedelta, timezone

from pymongo import ASCENDING, DESCENDING, IndexModel

TTL_DEADLINE_SECONDS = 90
SPECS = [
    ({"key": {"a": 1}, "name": "a_1"}, {}),
    ({"key": {"a": 1, "b": -1}, "name": "a_1_b_-1"}, {}),
    ({"key": {"tags": 1}, "name": "tags_1"}, {}),
    ({"key": {"u": 1}, "name": "u_1"}, {"unique": True}),
    ({"key": {"s": 1}, "name": "s_1"}, {"sparse": True}),
    ({"key": {"us": 1}, "name": "us_1"}, {"unique": True, "sparse": True}),
    ({"key": {"p": 1}, "name": "p_1"}, {"unique": True, "partialFilterExpression": {"a": {"$gt": 50}}}),
    ({"key": {"at": 1}, "name": "at_1"}, {"expireAfterSeconds": 3600}),
    ({"key": {"deep.er.path": 1}, "name": "own name"}, {"hidden": True}),
]


def run(checks, database, _values):
    collection = database.indexed
    collection.insert_many([{"_id": n, "a": n % 100, "b": n, "tags": [n % 7, f"t{n % 5}"], "u": n, "p": n} for n in range(2_000)])
    made = collection.create_indexes([IndexModel(list(key["key"].items()), name=key["name"], **options) for key, options in SPECS])
    checks.equal("names of the new indexes", made, [key["name"] for key, _ in SPECS])
    listed(checks, collection)
    used(checks, collection)
    promises(checks, collection)
    expires(checks, database.expiring)


def listed(checks, collection):
    expected = [{"v": 2, "key": {"_id": 1}, "name": "_id_"}] + [{"v": 2, **key, **options} for key, options in SPECS]
    got = [{**one, "key": dict(one["key"])} for one in collection.list_indexes()]
    for one, wanted in zip(got, expected):
        checks.equal(f"index {wanted['name']}", one, wanted)
    checks.equal("number of indexes", len(got), len(expected))
    checks.equal("order of the fields of a key", list(collection.index_information()["a_1_b_-1"]["key"]), [("a", ASCENDING), ("b", DESCENDING)])


def used(checks, collection):
    for query, count, index, multikey in (
        ({"a": 7}, 20, "a_1", False),
        ({"a": 7, "b": {"$lt": 500}}, 5, "a_1_b_-1", False),
        ({"tags": "t3"}, 400, "tags_1", True),
        ({"tags": {"$all": [3, "t3"]}}, sum(n % 7 == 3 and n % 5 == 3 for n in range(2_000)), "tags_1", True),
        ({"u": {"$gte": 10, "$lt": 20}}, 10, "u_1", False),
    ):
        checks.equal(f"documents of {query}", collection.count_documents(query, hint=index), count)
        stage = scan(collection.find(query, hint=index).explain()["queryPlanner"]["winningPlan"])
        checks.equal(f"index of {query}", stage.get("indexName"), index)
        checks.equal(f"multikey index of {query}", stage.get("isMultiKey"), multikey)
    # A sparse index knows only documents that have the field.
    checks.equal("sparse index by hint", collection.count_documents({}, hint="s_1"), 0)
    checks.equal("without hint", collection.count_documents({"s": None}), 2_000)


def scan(stage):
    while "inputStage" in stage:
        stage = stage["inputStage"]
    return stage


def promises(checks, collection):
    error = checks.fails(11000, lambda: collection.insert_one({"u": 5.0}), "a number that a unique index has as another type")
    checks.equal("keyPattern of the duplicate", error.get("keyPattern"), {"u": 1})
    checks.equal("keyValue of the duplicate", error.get("keyValue"), {"u": 5.0})
    checks.true("its message names the index", "index: u_1 dup key: { u: 5.0 }" in error.get("errmsg", ""))
    checks.fails(11000, lambda: collection.insert_many([{"a": 1, "u": 9_001}, {"a": 1, "u": 9_001}]), "a duplicate within one insert")
    collection.insert_many([{"a": 1, "u": 10_000 + n} for n in range(3)])
    checks.equal("documents without a unique sparse field", collection.count_documents({"us": {"$exists": False}}), 2_004)
    collection.insert_one({"a": 10, "u": 20_000, "p": 55})
    checks.fails(11000, lambda: collection.insert_one({"a": 60, "u": 20_001, "p": 55}), "a duplicate within a partial index")
    checks.fails(11000, lambda: collection.update_one({"_id": 1}, {"$set": {"u": 2}}), "an update to a duplicate")
    collection.insert_one({"u": [30_000, 30_000]})
    checks.fails(11000, lambda: collection.insert_one({"u": [30_001, 30_000]}), "an element that a multikey unique index has")


def expires(checks, collection):
    """Deleted by the TTL index: the earliest date of a list counts, other types never expire."""
    collection.create_index("at", expireAfterSeconds=60)
    now = datetime.now(timezone.utc)
    past, future = now - timedelta(hours=1), now + timedelta(hours=1)
    old, kept = [past, [future, past]], [future, [], "text", 0, None]
    collection.insert_many([{"_id": n, "at": at} for n, at in enumerate(old + kept)])
    deadline = time.monotonic() + TTL_DEADLINE_SECONDS
    while collection.count_documents({"_id": {"$lt": len(old)}}) > 0 and time.monotonic() < deadline:
        time.sleep(0.2)
    left = [one["_id"] for one in collection.find({}, sort=[("_id", 1)])]
    checks.equal("what a TTL index leaves", left, list(range(len(old), len(old + kept))))
