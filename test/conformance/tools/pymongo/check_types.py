"""Every BSON type is written and comes back as the same bytes."""

import bson
from bson.raw_bson import RawBSONDocument
from bson.codec_options import CodecOptions, DatetimeConversion

from documents import COUNT, document

# PyMongo reads these but cannot write them.
DEPRECATED = {"undefined", "symbol", "dbPointer"}
OBJECTS = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)


def run(checks, database, values):
    raw = database.get_collection("typed", codec_options=CodecOptions(document_class=RawBSONDocument))
    sent = [document(number, value) for number, value in enumerate(values)]
    for start in range(0, COUNT, 5_000):
        raw.insert_many([RawBSONDocument(one) for one in sent[start : start + 5_000]])
    checks.equal("documents counted", raw.count_documents({}), COUNT)
    got = [one.raw for one in raw.find({}, sort=[("_id", 1)], batch_size=5_000)]
    checks.same_lists("bytes read in _id order", got, sent)
    got = [one.raw for one in raw.find({"_id": {"$in": list(range(0, COUNT, 97))}}, sort=[("_id", -1)])]
    checks.same_lists("bytes read by _id", got, sent[0:COUNT:97][::-1])
    for kind in sorted({value[0] for value in values} - {"missing"}):
        numbers = [number for number, value in enumerate(values) if value[0] == kind]
        query = {"v": {"$type": kind}, "_id": {"$in": numbers}}
        checks.equal(f"$type {kind} finds all documents of that type", raw.count_documents(query), len(numbers))
    own_encoder(checks, database, values, sent)


def own_encoder(checks, database, values, sent):
    """The same documents as PyMongo's objects: what it encodes and decodes is what the server keeps."""
    collection = database.objects
    numbers = [n for n, value in enumerate(values[:5_000]) if not contains(value, DEPRECATED)]
    objects = [bson.decode(sent[n], codec_options=OBJECTS) for n in numbers]
    collection.insert_many(objects)
    got = list(collection.find({}, sort=[("_id", 1)]))
    for one, before in zip(got, objects):
        checks.equal(f"document {before['_id']} through PyMongo's codec", bson.encode(one), bson.encode(before))
    checks.equal("documents through PyMongo's codec", len(got), len(objects))


def contains(value, kinds):
    kind, payload = value
    if kind in kinds:
        return True
    inner = payload if kind == "array" else [one for _, one in payload] if kind == "object" else []
    return any(contains(one, kinds) for one in inner)
