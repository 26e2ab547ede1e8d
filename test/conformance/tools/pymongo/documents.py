"""The documents that the checks work on: `{_id: n, v: <a value of any type>, ...}`, the same in every run."""

import random

from bson_values import MISSING, encode_document

COUNT = 100_000
SEED = 20_261

TEXTS = ["", "a", "A", "ab", "a\0b", "ä", "e\u0301", "\uffff", "\U0001f600", "\ud7ff", "\ue000", "\U0010ffff", "x" * 300]
DOUBLES = [0.0, -0.0, 0.1, 5.0, -5.0, 1.5, 1e308, -1e308, 5e-324, 2.0**53, 2.0**63, float("inf"), float("-inf"), float("nan")]
INTS = [0, 1, 5, -5, 2**31 - 1, -(2**31)]
LONGS = [0, 5, -5, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
DECIMALS = [
    "0", "-0", "0E+3", "5", "5.00", "-5.0", "0.1", "0.1000000000000000055511151231257827", "9007199254740993",
    "9223372036854775807.5", "1E+6111", "-1E+6111", "1E-6176", "Infinity", "-Infinity", "NaN",
]
DATES = [0, -1, 1, -62_135_596_800_000, 253_402_300_799_999, 1_700_000_000_000, -8_640_000_000_000_000]
BINARIES = [(0, b""), (0, b"a"), (0, b"\xff\xfe"), (0, b"\xfe\xff"), (2, b"old"), (4, bytes(16)), (5, bytes(16)), (128, b"own"), (0, b"longer")]


def scalar_values():
    """Every edge that is worth an own document, of every type that has no other values inside."""
    yield from (("double", one) for one in DOUBLES)
    yield from (("int", one) for one in INTS)
    yield from (("long", one) for one in LONGS)
    yield from (("decimal", one) for one in DECIMALS)
    yield from (("string", one) for one in TEXTS)
    yield from (("symbol", one) for one in TEXTS[:4])
    yield from (("binData", one) for one in BINARIES)
    yield from (("objectId", bytes([at] * 12)) for at in (0, 1, 127, 128, 255))
    yield from (("bool", one) for one in (False, True))
    yield from (("date", one) for one in DATES)
    yield from (("timestamp", one) for one in ((1, 0), (0, 1), (1, 1), (2**31, 0), (2**32 - 1, 2**32 - 1)))
    yield from (("regex", one) for one in (("", ""), ("a", ""), ("a", "i"), ("b", "imsx"), ("ä", "")))
    yield from (("dbPointer", (ns, bytes([n] * 12))) for ns in ("a.b", "db.coll") for n in (1, 255))
    yield from (("javascript", one) for one in ("", "a", "b"))
    yield from ((kind, None) for kind in ("undefined", "null", "minKey", "maxKey"))


def nested_values():
    five = [("int", 5), ("long", 5), ("double", 5.0), ("decimal", "5.00")]
    yield ("object", [])
    yield from (("object", [("a", one)]) for one in five)
    yield from (("object", fields) for fields in (
        [("a", ("int", 1)), ("b", ("int", 2))], [("b", ("int", 2)), ("a", ("int", 1))], [("b", ("int", 1))],
        [("10", ("int", 1)), ("9", ("int", 2)), ("a", ("int", 3)), ("0", ("int", 4))],
        [("", ("int", 1))], [("a", ("string", "x"))], [("a", ("object", [("b", ("null", None))]))],
    ))
    yield ("array", [])
    yield from (("array", [one]) for one in five)
    yield from (("array", items) for items in (
        [("int", 1), ("int", 9)], [("int", 9), ("int", 1)], [("null", None)], [("array", [])],
        [("array", [("int", 5)])], [("string", "a"), ("minKey", None), ("maxKey", None)],
        [("object", [("a", ("int", 5))]), ("double", float("nan"))],
    ))
    for scope in ([], [("x", ("int", 1))], [("x", ("double", 1.0))], [("y", ("int", 0))]):
        yield ("javascriptWithScope", ("a", scope))
    yield ("javascriptWithScope", ("b", []))
    yield ("object", deep(90))


def deep(levels):
    """Objects and arrays inside each other; MongoDB allows 180 levels."""
    value = ("string", "bottom")
    for level in range(levels):
        value = ("array", [value]) if level % 2 else ("object", [(str(level), value)])
    return [("top", value)]


def random_value(pick):
    """A value near others, so that there are ties, neighbours and types to tell apart."""
    roll = pick.randrange(8)
    n = pick.randrange(-500, 500)
    if roll == 0:
        return ("double", n / 4)
    if roll == 1:
        return ("int", n)
    if roll == 2:
        return ("long", n * 2**40)
    if roll == 3:
        return ("decimal", f"{n}.{pick.randrange(100):02d}")
    if roll == 4:
        return ("string", "".join(pick.choice("ab\uffff\U0001f600") for _ in range(pick.randrange(4))))
    if roll == 5:
        return ("date", n * 86_400_000)
    if roll == 6:
        return ("array", [("int", n), pick.choice(VALUES)])
    return ("object", [("k", ("int", n % 7)), ("v", pick.choice(VALUES))])


VALUES = [*scalar_values(), *nested_values()]
EDGES = [*VALUES, MISSING]


def values():
    """One value a document: all edges first, then edges and random ones mixed."""
    pick = random.Random(SEED)
    found = list(EDGES)
    while len(found) < COUNT:
        found.append(pick.choice(EDGES) if pick.random() < 0.3 else random_value(pick))
    return found


def document(number, value):
    """`_id` first; names that look like numbers behind others; deep enough to tell copies from views."""
    fields = [("_id", ("int", number)), ("v", value), ("b", ("int", number % 10)), ("1", ("bool", True)), ("0", ("null", None))]
    if number % 3:
        fields.append(("s", ("string", f"s{number}")))
    return encode_document(fields)
