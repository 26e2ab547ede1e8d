"""Grouping puts equal values together whatever their number types, and nothing else."""

from collections import Counter

from bson_order import key
from bson_values import MISSING


def run(checks, database, values):
    collection = database.typed
    groups = {}
    for number, value in enumerate(values):
        # A missing value is grouped as null.
        groups.setdefault(key(value), []).append(number)
    expected = {(numbers[0], numbers[-1]): len(numbers) for numbers in groups.values()}
    stage = {"$group": {"_id": "$v", "n": {"$sum": 1}, "first": {"$min": "$_id"}, "last": {"$max": "$_id"}}}
    got = {(one["first"], one["last"]): one["n"] for one in collection.aggregate([stage], allowDiskUse=True)}
    wrong = {ends for ends in {*got, *expected} if got.get(ends) != expected.get(ends)}
    checks.equal("groups by value", {ends: got.get(ends) for ends in wrong}, {ends: expected.get(ends) for ends in wrong})
    checks.equal("number of groups", len(got), len(expected))

    fives = groups[key(("int", 5))]
    checks.equal("5, 5.0, Long 5 and Decimal 5.00 are one group", len({values[n][0] for n in fives}), 4)
    checks.equal("that group's size", got.get((fives[0], fives[-1])), len(fives))

    types = Counter(value[0] for value in values)
    by_type = {one["_id"]: one["n"] for one in collection.aggregate([{"$group": {"_id": {"$type": "$v"}, "n": {"$sum": 1}}}])}
    for kind, count in sorted(types.items()):
        checks.equal(f"documents of type {kind}", by_type.get(kind), count)
    checks.equal("no other types", sorted(by_type), sorted(types))

    sizes = Counter((number % 10, kind) for number, (kind, _) in enumerate(values))
    two = [{"$group": {"_id": {"b": "$b", "t": {"$type": "$v"}}, "n": {"$count": {}}}}]
    got_sizes = {(one["_id"]["b"], one["_id"]["t"]): one["n"] for one in collection.aggregate(two)}
    checks.equal("groups by two fields", got_sizes, dict(sizes))
    checks.equal("missing values", types["missing"], sum(value == MISSING for value in values))
    distinct(checks, collection, values)


def distinct(checks, collection, values):
    """`distinct` takes the elements of arrays and leaves missing values out."""
    seen = set()
    for kind, payload in values:
        if kind == "array":
            seen.update(key(item) for item in payload)
        elif kind != "missing":
            seen.add(key((kind, payload)))
    reply = collection.database.command("aggregate", "typed", cursor={"batchSize": 100_000}, pipeline=[
        {"$match": {"v": {"$exists": True}}}, {"$unwind": "$v"}, {"$group": {"_id": "$v"}}, {"$count": "n"},
    ])
    checks.equal("values after $unwind", reply["cursor"]["firstBatch"][0]["n"], len(seen))
