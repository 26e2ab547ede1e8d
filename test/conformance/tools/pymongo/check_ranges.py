"""Comparisons stay within a type: `$lt: 5` finds numbers below 5 and nothing else. With an index and without."""

import operator

from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

from bson_order import RANKS, key
from bson_values import encode_document
from documents import DATES, EDGES

SAMPLE = 1_000
OPERATORS = {"$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le, "$eq": operator.eq}
# A comparison with these is an error, or means something of its own.
NO_BOUND = {"missing", "undefined", "regex", "minKey", "maxKey"}


def run(checks, database, values):
    database.typed.aggregate([{"$match": {"_id": {"$lt": SAMPLE}}}, {"$out": "ranged"}])
    collection = database.ranged
    collection.create_index("v")
    keyed = [candidates(value) for value in values[:SAMPLE]]
    bounds = [value for value in EDGES if value[0] not in NO_BOUND]
    for bound in bounds:
        for name, compare in OPERATORS.items():
            expected = [n for n, found in enumerate(keyed) if matches(found, bound, name, compare)]
            query = RawBSONDocument(encode_document([("v", ("object", [(name, bound)]))]))
            for hint in ("v_1", [("$natural", 1)]):
                got = sorted(one["_id"] for one in collection.find(query, {"_id": 1}, hint=hint, batch_size=SAMPLE))
                checks.equal(f"v {name} {bound} by {hint}", got, expected)
    between(checks, collection, keyed)


def candidates(value):
    """What a condition is tried on: the value, and the elements if it is an array."""
    kind, payload = value
    return [key(value)] + ([key(item) for item in payload] if kind == "array" else [])


def matches(found, bound, name, compare):
    wanted = key(bound)
    # NaN is equal to itself and neither above nor below any number.
    nan = wanted[1:] == (0, 0) and wanted[0] == RANKS["int"]
    for at, one in enumerate(found):
        if one[0] != wanted[0]:
            continue
        if one[0] == RANKS["int"] and nan != (one[1:] == (0, 0)):
            continue
        if compare(one, wanted):
            return True
    return False


def between(checks, collection, keyed):
    low, high = key(("date", min(DATES))), key(("date", 0))
    dates = [[one for one in found if one[0] == low[0]] for found in keyed]
    expected = [n for n, found in enumerate(dates) if any(low < one for one in found) and any(one < high for one in found)]
    query = {"v": {"$gt": DatetimeMS(min(DATES)), "$lt": DatetimeMS(0)}}
    got = sorted(one["_id"] for one in collection.find(query, {"_id": 1}))
    checks.equal("dates before 1970", got, expected)
