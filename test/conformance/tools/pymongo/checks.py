"""Counts what was checked and names what was not as expected."""

from pymongo.errors import BulkWriteError, OperationFailure


class Checks:
    def __init__(self):
        self.passed = 0
        self.failures = []

    def equal(self, what, got, expected):
        if got == expected:
            self.passed += 1
        else:
            self.failures.append(f"{what}: expected {shown(expected)}, got {shown(got)}")

    def true(self, what, got):
        self.equal(what, bool(got), True)

    def fails(self, code, run, what):
        """Checks the error code of an operation and gives the error's details, {} if there was none.

        The plain reply of a write command carries its errors without being an exception.
        """
        try:
            details = errors_of(run())
        except BulkWriteError as error:
            details = errors_of(error.details)
        except OperationFailure as error:
            details = error.details or {}
            if "codeName" not in details and "index" not in details:
                self.failures.append(f"{what}: expected a codeName, got {shown(details)}")
        if details is None:
            self.failures.append(f"{what}: expected error {code}, but it succeeded")
            return {}
        self.equal(f"{what} ({details.get('errmsg')})", details.get("code"), code)
        return details

    def same_lists(self, what, got, expected):
        """Names the first difference instead of printing two long lists."""
        at = next((at for at, pair in enumerate(zip(got, expected)) if pair[0] != pair[1]), min(len(got), len(expected)))
        self.equal(f"{what}, first difference at {at}", got[at : at + 3], expected[at : at + 3])
        self.equal(f"{what}, number of results", len(got), len(expected))


def errors_of(reply):
    found = reply.get("writeErrors") if isinstance(reply, dict) else None
    return found[0] if found else None


def shown(value):
    text = repr(value)
    return text if len(text) < 400 else f"{text[:400]}..."
