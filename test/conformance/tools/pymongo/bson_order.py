"""MongoDB's order between BSON values, as Python keys that compare and hash natively.

Source: MongoDB manual, "BSON types: comparison/sort order". Python compares int, float and Decimal exactly, and equal
numbers of different types have equal hashes, so that 5, 5.0 and Decimal("5.00") are one key.
"""

from bson_values import MISSING
from bson.decimal128 import Decimal128

RANKS = {
    "minKey": -1, "missing": 5, "undefined": 0, "null": 5, "double": 10, "int": 10, "long": 10, "decimal": 10,
    "string": 15, "symbol": 15, "object": 20, "array": 25, "binData": 30, "objectId": 35, "bool": 40,
    "date": 45, "timestamp": 47, "regex": 50, "dbPointer": 55, "javascript": 60, "javascriptWithScope": 65,
    "maxKey": 127,
}
EMPTY_ARRAY_KEY = (RANKS["undefined"],)


def key(value):
    """Key of a whole value: equal keys are equal values, smaller keys are smaller values."""
    kind, payload = value
    return (RANKS[kind], *PAYLOADS.get(kind, lambda _: ())(payload))


def sort_key(value, descending):
    """A sort takes the smallest element of an array, or the largest; an empty array comes before null."""
    if value[0] != "array":
        return key(value)
    keys = [key(item) for item in value[1]] or [EMPTY_ARRAY_KEY]
    return max(keys) if descending else min(keys)


def number(payload):
    # NaN of any type is one value, below all others.
    return (0, 0) if payload != payload else (1, payload)


def decimal(text):
    value = Decimal128(text).to_decimal()
    return (0, 0) if value.is_nan() else (1, value)


def fields(document):
    return tuple((RANKS[value[0]], name.encode(), key(value)) for name, value in document if value != MISSING)


def binary(payload):
    subtype, data = payload
    return (len(data) + (4 if subtype == 2 else 0), subtype, data)


PAYLOADS = {
    "double": number,
    "int": number,
    "long": number,
    "decimal": decimal,
    "string": lambda text: (text.encode(),),
    "symbol": lambda text: (text.encode(),),
    "object": lambda document: (fields(document),),
    "array": lambda items: (tuple(key(item) for item in items),),
    "binData": binary,
    "objectId": lambda raw: (raw,),
    "bool": lambda flag: (flag,),
    "date": lambda ms: (ms,),
    "timestamp": lambda payload: payload,
    "regex": lambda payload: (payload[0].encode(), payload[1].encode()),
    "dbPointer": lambda payload: (len(payload[0].encode()), payload[0].encode(), payload[1]),
    "javascript": lambda code: (code.encode(),),
    "javascriptWithScope": lambda payload: (payload[0].encode(), fields(payload[1])),
}
