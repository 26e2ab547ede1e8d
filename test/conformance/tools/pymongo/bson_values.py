"""BSON values as (type, payload) pairs, and their bytes. Source: bsonspec.org, version 1.1."""

import struct

from bson.decimal128 import Decimal128

# Numbers of the types as BSON has them.
CODES = {
    "double": 0x01, "string": 0x02, "object": 0x03, "array": 0x04, "binData": 0x05, "undefined": 0x06,
    "objectId": 0x07, "bool": 0x08, "date": 0x09, "null": 0x0A, "regex": 0x0B, "dbPointer": 0x0C,
    "javascript": 0x0D, "symbol": 0x0E, "javascriptWithScope": 0x0F, "int": 0x10, "timestamp": 0x11,
    "long": 0x12, "decimal": 0x13, "minKey": 0xFF, "maxKey": 0x7F,
}

# Field left out: it has no bytes.
MISSING = ("missing", None)


def encode_document(fields):
    """Bytes of a document of [(name, value), ...] in this order; names may repeat or look like numbers."""
    body = b"".join(
        bytes([CODES[value[0]]]) + cstring(name) + encode(value) for name, value in fields if value != MISSING
    )
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def encode(value):
    kind, payload = value
    return ENCODERS[kind](payload)


def cstring(text):
    return text.encode() + b"\0"


def string(text):
    raw = text.encode()
    return struct.pack("<i", len(raw) + 1) + raw + b"\0"


def binary(payload):
    subtype, data = payload
    # The old generic subtype repeats its length inside.
    inner = struct.pack("<i", len(data)) + data if subtype == 2 else data
    return struct.pack("<iB", len(inner), subtype) + inner


def code_with_scope(payload):
    code, scope = payload
    body = string(code) + encode_document(scope)
    return struct.pack("<i", len(body) + 4) + body


ENCODERS = {
    "double": lambda number: struct.pack("<d", number),
    "string": string,
    "object": encode_document,
    "array": lambda items: encode_document([(str(at), item) for at, item in enumerate(items)]),
    "binData": binary,
    "undefined": lambda _: b"",
    "objectId": bytes,
    "bool": lambda flag: bytes([flag]),
    "date": lambda ms: struct.pack("<q", ms),
    "null": lambda _: b"",
    "regex": lambda payload: cstring(payload[0]) + cstring(payload[1]),
    "dbPointer": lambda payload: string(payload[0]) + payload[1],
    "javascript": string,
    "symbol": string,
    "javascriptWithScope": code_with_scope,
    "int": lambda number: struct.pack("<i", number),
    "timestamp": lambda payload: struct.pack("<II", payload[1], payload[0]),
    "long": lambda number: struct.pack("<q", number),
    "decimal": lambda text: Decimal128(text).bid,
    "minKey": lambda _: b"",
    "maxKey": lambda _: b"",
}
