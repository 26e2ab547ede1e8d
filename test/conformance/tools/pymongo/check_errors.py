"""Error codes as MongoDB has them. Source: `error_codes.yml` of MongoDB 8.0; others are numbers of its assertions."""

from bson import Int64, Regex

FIND = {"find": "errors"}
AGGREGATE = {"aggregate": "errors", "cursor": {}}


def run(checks, database, _values):
    collection = database.errors
    collection.insert_one({"_id": 1, "n": 1, "s": "text", "a": [1, 2], "d": {"e": 1}, "big": Int64(2**63 - 1)})
    collection.create_index("n", unique=True)
    collection.create_index([("a", 1), ("c", 1)])
    collection.create_index("other")
    for code, what, command in COMMANDS:
        checks.fails(code, lambda: database.command(command), f"{what}: {command}")
    for code, what, update, options in UPDATES:
        checks.fails(code, lambda: collection.update_one({"_id": 1}, update, **options), f"{what}: {update}")
    writes(checks, database, collection)
    cursors(checks, database, collection)
    stored = collection.find_one({"_id": 1})
    checks.equal("the document after all refused writes", (stored["n"], stored["s"], stored["a"]), (1, "text", [1, 2]))
    checks.equal("documents after all refused writes", collection.count_documents({}), 1)


COMMANDS = [
    (2, "an unknown query operator", {**FIND, "filter": {"n": {"$nosuch": 1}}}),
    (2, "an unknown top-level operator", {**FIND, "filter": {"$nosuch": 1}}),
    (2, "$in without an array", {**FIND, "filter": {"n": {"$in": 1}}}),
    (2, "$or without elements", {**FIND, "filter": {"$or": []}}),
    (2, "$mod by zero", {**FIND, "filter": {"n": {"$mod": [0, 1]}}}),
    (2, "a comparison with a regular expression", {**FIND, "filter": {"n": {"$gt": Regex("a")}}}),
    (2, "a hint that names no index", {**FIND, "hint": "nosuch"}),
    (51091, "an invalid regular expression", {**FIND, "filter": {"s": {"$regex": "("}}}),
    (9, "a cursor that is missing", {"aggregate": "errors", "pipeline": []}),
    (9, "a delete limit of 2", {"delete": "errors", "deletes": [{"q": {}, "limit": 2}]}),
    (9, "an unknown update operator", {"update": "errors", "updates": [{"q": {}, "u": {"$nosuch": {"n": 1}}}]}),
    (9, "a replacement of many", {"update": "errors", "updates": [{"q": {}, "u": {"n": 1}, "multi": True}]}),
    (14, "a filter that is no document", {**FIND, "filter": 1}),
    (14, "a batch size that is text", {**FIND, "batchSize": "1"}),
    (16, "no documents to insert", {"insert": "errors", "documents": []}),
    (26, "indexes of a collection that is not there", {"listIndexes": "nosuch"}),
    (26, "an index dropped from nowhere", {"dropIndexes": "nosuch", "index": "*"}),
    (27, "an index that is not there", {"dropIndexes": "errors", "index": "nosuch"}),
    (27, "a key that has no index", {"dropIndexes": "errors", "index": {"nosuch": 1}}),
    (59, "an unknown command", {"nosuch": 1}),
    (67, "an index key of 0", {"createIndexes": "errors", "indexes": [{"key": {"x": 0}, "name": "x"}]}),
    (67, "an empty index key", {"createIndexes": "errors", "indexes": [{"key": {}, "name": "x"}]}),
    (67, "a compound TTL", {"createIndexes": "errors", "indexes": [{"key": {"x": 1, "y": 1}, "name": "x", "expireAfterSeconds": 1}]}),
    (67, "a sparse partial index", {"createIndexes": "errors", "indexes": [{"key": {"x": 1}, "name": "x", "sparse": True, "partialFilterExpression": {"x": 1}}]}),
    (72, "the _id index dropped", {"dropIndexes": "errors", "index": "_id_"}),
    (73, "a dollar in a collection name", {"insert": "a$b", "documents": [{}]}),
    (73, "an empty collection name", {"find": ""}),
    (85, "an index of the same key with another name", {"createIndexes": "errors", "indexes": [{"key": {"other": 1}, "name": "x"}]}),
    (86, "an index of the same name with another key", {"createIndexes": "errors", "indexes": [{"key": {"x": 1}, "name": "other_1"}]}),
    (85, "an index of the same name with another TTL", {"createIndexes": "errors", "indexes": [{"key": {"other": 1}, "name": "other_1", "expireAfterSeconds": 9}]}),
    (86, "an index of the same name with other options", {"createIndexes": "errors", "indexes": [{"key": {"other": 1}, "name": "other_1", "unique": True}]}),
    (197, "an unknown index option", {"createIndexes": "errors", "indexes": [{"key": {"x": 1}, "name": "x", "nosuch": 1}]}),
    (31249, "two paths of which one holds the other", {**FIND, "projection": {"d": 1, "d.e": 1}}),
    (31250, "two paths of which one holds the other, turned round", {**FIND, "projection": {"d.e": 1, "d": 1}}),
    (31253, "an inclusion among exclusions", {**FIND, "projection": {"n": 0, "s": 1}}),
    (31254, "an exclusion among inclusions", {**FIND, "projection": {"n": 1, "s": 0}}),
    (40323, "a stage with two names", {**AGGREGATE, "pipeline": [{"$match": {}, "$limit": 1}]}),
    (40324, "an unknown stage", {**AGGREGATE, "pipeline": [{"$nosuch": {}}]}),
    (40414, "a required field that is missing", {"insert": "errors"}),
    (40415, "an unknown field of a command", {**FIND, "nosuch": 1}),
    (51024, "a negative skip", {**FIND, "skip": -1}),
    (15947, "a group that is no document", {**AGGREGATE, "pipeline": [{"$group": 1}]}),
    (15955, "a group without _id", {**AGGREGATE, "pipeline": [{"$group": {"n": {"$sum": 1}}}]}),
    (15952, "an unknown accumulator", {**AGGREGATE, "pipeline": [{"$group": {"_id": None, "n": {"$nosuch": 1}}}]}),
    (15958, "a limit of 0", {**AGGREGATE, "pipeline": [{"$limit": 0}]}),
    (15976, "a sort without fields", {**AGGREGATE, "pipeline": [{"$sort": {}}]}),
    (168, "an unknown expression", {**AGGREGATE, "pipeline": [{"$project": {"n": {"$add": [{"$nosuch": 1}]}}}]}),
    (16020, "a number of operands that is wrong", {**AGGREGATE, "pipeline": [{"$match": {"$expr": {"$eq": [1]}}}]}),
    (17276, "an undefined variable", {**AGGREGATE, "pipeline": [{"$addFields": {"n": "$$nosuch"}}]}),
    (15983, "an expression object with two operators", {**AGGREGATE, "pipeline": [{"$match": {"$expr": {"$abs": "$s", "$floor": 1}}}]}),
    (16410, "a projection of two operators", {**AGGREGATE, "pipeline": [{"$project": {"n": {"$abs": "$s", "$floor": 1}}}]}),
    (241, "a conversion that fails", {**AGGREGATE, "pipeline": [{"$project": {"n": {"$toInt": "$s"}}}]}),
]

UPDATES = [
    (2, "an increment that overflows", {"$inc": {"big": 1}}, {}),
    (2, "a pull from something that is no array", {"$pullAll": {"s": [1]}}, {}),
    (2, "a positional operator without a match", {"$set": {"a.$": 1}}, {}),
    (2, "an array filter that is missing", {"$set": {"a.$[x]": 1}}, {}),
    (9, "an array filter that is not used", {"$set": {"n": 2}}, {"array_filters": [{"x": 1}]}),
    (9, "an operator of something that is no document", {"$set": 1}, {}),
    (14, "an increment of text", {"$inc": {"s": 1}}, {}),
    (14, "a pop from something that is no array", {"$pop": {"s": 1}}, {}),
    (28, "a path through text", {"$set": {"s.t": 1}}, {}),
    (40, "two changes of one path", {"$set": {"n": 2}, "$inc": {"n": 1}}, {}),
    (40, "changes of a path and of what it holds", {"$set": {"d": 1, "d.e": 2}}, {}),
    (52, "a field name that starts with a dollar", {"$set": {"d.$x": 1}}, {}),
    (56, "an empty field name", {"$set": {"": 1}}, {}),
    (66, "a changed _id", {"$set": {"_id": 2}}, {}),
    (171, "two arrays in one index", {"$set": {"c": [1, 2]}}, {}),
]


def writes(checks, database, collection):
    error = checks.fails(11000, lambda: collection.insert_one({"_id": 1}), "an _id that is there")
    checks.equal("keyPattern of _id", error.get("keyPattern"), {"_id": 1})
    checks.equal("keyValue of _id", error.get("keyValue"), {"_id": 1})
    error = checks.fails(11000, lambda: collection.insert_one({"_id": 2, "n": 1}), "a duplicate")
    checks.equal("its keyPattern and keyValue", (error.get("keyPattern"), error.get("keyValue")), ({"n": 1}, {"n": 1}))
    message = f"E11000 duplicate key error collection: {collection.full_name} index: n_1 dup key: {{ n: 1 }}"
    checks.equal("its message", error.get("errmsg"), message)
    half = "x" * 9_000_000
    database.large.insert_one({"_id": 1, "half": half})
    checks.fails(17419, lambda: database.large.update_one({}, {"$set": {"other": half}}), "a document above 16 MB")
    for what, _id in (("an array", [1]), ("a regular expression", Regex("a"))):
        checks.fails(53, lambda: database.command({"insert": "errors", "documents": [{"_id": _id}]}), f"an _id that is {what}")
    checks.fails(66, lambda: collection.replace_one({"_id": 1}, {"_id": 2}), "a replacement with another _id")
    checks.fails(52, lambda: collection.insert_one({"_id": {"$x": 1}}), "an _id with an operator")
    checks.fails(11000, lambda: database.errors.insert_many([{"_id": 1}, {"_id": 1}], ordered=False), "two duplicates")
    admin = database.client.admin
    namespace = collection.full_name
    checks.fails(20, lambda: admin.command({"renameCollection": namespace, "to": namespace}), "a collection renamed to itself")
    checks.fails(26, lambda: admin.command({"renameCollection": f"{database.name}.nosuch", "to": namespace}), "no collection to rename")
    database.target.insert_one({})
    rename = {"renameCollection": f"{database.name}.target", "to": namespace}
    checks.fails(48, lambda: admin.command(rename), "a collection renamed to one that is there")
    checks.fails(13, lambda: database.command(rename), "an administrative command elsewhere")


def cursors(checks, database, collection):
    database.many.insert_many([{"_id": n} for n in range(10)])
    cursor = database.many.find({}, batch_size=2)
    next(cursor)
    get_more = {"getMore": Int64(cursor.cursor_id), "collection": "many"}
    cursor.close()
    checks.fails(43, lambda: database.command(get_more), "a cursor that was closed")
    slow = {"find": "typed", "filter": {"v": {"$type": "undefined"}, "s": "nosuch"}, "hint": {"$natural": 1}, "maxTimeMS": 1}
    checks.fails(50, lambda: database.command(slow), "a read that takes longer than it may")
