"""Sorting by a field of mixed types gives MongoDB's order between types, with an index and without."""

from bson_order import sort_key

INDEX = "v_1__id_1"
NO_ARRAYS = {"$match": {"$expr": {"$not": {"$isArray": "$v"}}}}


def run(checks, database, values):
    # Without arrays the index itself has the order; with arrays a document has several places in it.
    database.typed.aggregate([NO_ARRAYS, {"$out": "scalars"}])
    scalars = [number for number, value in enumerate(values) if value[0] != "array"]
    everything = range(len(values))
    compare(checks, database.typed, values, everything, None, (1, -1))
    for name, numbers, directions in (("typed", everything, (-1,)), ("scalars", scalars, (1, -1))):
        database[name].create_index([("v", 1), ("_id", 1)])
        compare(checks, database[name], values, numbers, INDEX, directions)
    order = [("v", 1), ("_id", 1)]
    checks.true("the index gives the order", "'SORT'" not in plan(database.scalars, order, INDEX))
    checks.true("without index there is a sort", "'SORT'" in plan(database.scalars, order, [("$natural", 1)]))
    two_fields(checks, database.typed, values)


def compare(checks, collection, values, numbers, hint, directions):
    for direction in directions:
        decorated = [(sort_key(values[number], direction < 0), number) for number in numbers]
        expected = [number for _, number in sorted(decorated, reverse=direction < 0)]
        order = [("v", direction), ("_id", direction)]
        what = f"{collection.name} sorted {direction} by {hint or 'no index'}"
        checks.same_lists(what, read(collection, order, hint), expected)
        some = read(collection, order, hint, skip=100, limit=50)
        checks.same_lists(f"{what}, skip and limit", some, expected[100:150])


def two_fields(checks, collection, values):
    decorated = [(number % 10, sort_key(value, False), number) for number, value in enumerate(values)]
    expected = [number for *_, number in sorted(decorated)]
    pipeline = [{"$sort": {"b": 1, "v": 1, "_id": 1}}, {"$project": {"_id": 1}}]
    got = [one["_id"] for one in collection.aggregate(pipeline, allowDiskUse=True)]
    checks.same_lists("aggregation sorted by two fields", got, expected)


def read(collection, order, hint, **window):
    found = collection.find({}, {"_id": 1}, sort=order, hint=hint, batch_size=20_000, allow_disk_use=True, **window)
    return [one["_id"] for one in found]


def plan(collection, order, hint):
    return repr(collection.find({}, sort=order, hint=hint).explain()["queryPlanner"]["winningPlan"])
