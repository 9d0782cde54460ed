"""What is left out of large tables of tests where time is short, which is `slow` there; `pytest -m slow` has the rest.

Of a table of three columns or more, rows that have every pair of entries of two columns stay. Of a test marked
`by_kind`, which goes over all rules, one rule of each kind stays.
"""

from collections import defaultdict
from itertools import combinations

import pytest

KINDS = ("bp", "dfa", "kp", "predictive_coding", "pepita", "layerwise", "elm", "dtp", "eprop")


def leave_out(items):
    """Mark as slow, of tests that are not, what is left out."""
    tables = defaultdict(list)
    for item in items:
        if hasattr(item, "callspec") and not item.get_closest_marker("slow"):
            tables[item.nodeid.partition("[")[0]].append(item)
    for table in tables.values():
        for item in left_out(table):
            item.add_marker(pytest.mark.slow)


def left_out(table):
    """Of the tests of one table, in their order."""
    kept = table
    if table[0].get_closest_marker("by_kind"):
        kept = [item for item in table if {*KINDS}.intersection(_entries(item))]
    if len(table[0].callspec.params) >= 3:
        kept = _pairs(kept)
    return [item for item in table if item not in kept]


def _pairs(table):
    """Rows in which every pair of entries stands that does in any: those first that have most of what is missing."""
    pairs = [{*combinations(sorted(_row(item)), 2)} for item in table]
    missing, left = set().union(*pairs), [*range(len(table))]
    while missing:
        best = max(left, key=lambda i: len(pairs[i] & missing))
        missing -= pairs[best]
        left.remove(best)
    return [item for i, item in enumerate(table) if i not in left]


def _entries(item):
    return [value for value in item.callspec.params.values() if isinstance(value, str)]


def _row(item):
    """(column, entry) of each, by what may be compared and kept in sets."""
    return [(name, value if isinstance(value, str) else repr(value)) for name, value in item.callspec.params.items()]
