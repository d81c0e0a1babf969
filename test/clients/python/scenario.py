"""Runs one of the functions of the calling file that are marked @scenario: `file.py NAME SETTINGS`, settings as JSON.

A scenario gets what its file's `connect` makes of the settings; an exception, a failed assert too, is a failed test.
"""
import hashlib
import json
import sys
import uuid

_SCENARIOS = {}


def scenario(function):
    _SCENARIOS[function.__name__] = function
    return function


def main(connect):
    _, name, settings = sys.argv
    _SCENARIOS[name](connect(json.loads(settings)))


def unique_name(prefix):
    return f'{prefix}-{uuid.uuid4().hex[:16]}'


def pattern(size_bytes, seed=b'pithos'):
    """Bytes that are the same for the same size and seed, and in which nothing repeats."""
    return hashlib.shake_128(seed).digest(size_bytes)


def equal(actual, expected):
    assert actual == expected, f'{actual!r:.2000} is not {expected!r:.2000}'


def fails(kind, call, *args, **kwargs):
    """The exception of the given kind that the call ends with."""
    try:
        result = call(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(f'succeeded with {result!r:.500}')
