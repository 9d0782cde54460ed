"""What tests/sampling.py leaves out of tables, and what it does not."""

from itertools import combinations, product
from types import SimpleNamespace

import pytest
import sampling

from gpufa.rules import RULES


class Row:
    """A test of a table, as pytest has it."""

    def __init__(self, marks=(), **params):
        self.nodeid, self.marks, self.callspec = f"test_it[{params}]", [*marks], SimpleNamespace(params=params)

    def get_closest_marker(self, name):
        return name if name in self.marks else None

    def add_marker(self, mark):
        self.marks.append(mark.name)


def staying(rows):
    sampling.leave_out(rows)
    return [row.callspec.params for row in rows if "slow" not in row.marks]


@pytest.mark.parametrize("sizes", [(3, 4, 5), (2, 2, 2, 2), (4, 2, 6)], ids=str)
def test_every_pair_of_entries_stays_and_less_than_all_rows(sizes):
    whole = [dict(zip("abcd", row, strict=False)) for row in product(*map(range, sizes))]
    kept = staying([Row(**params) for params in whole])

    def pairs(rows):
        return {pair for row in rows for pair in combinations(row.items(), 2)}

    assert pairs(kept) == pairs(whole)
    assert len(kept) < len(whole)


def test_tables_of_two_columns_stay_whole():
    assert len(staying([Row(a=i, b=j) for i in range(5) for j in range(6)])) == 30


def test_of_rules_one_of_each_kind_stays():
    assert [p["rule"] for p in staying([Row(["by_kind"], rule=rule) for rule in RULES])] == [
        rule for rule in RULES if rule in sampling.KINDS
    ]
    rooms = {name: rule.__module__.split(".")[-2] for name, rule in RULES.items()}
    assert {rooms[name] for name in sampling.KINDS} == {*rooms.values()}


def test_pairs_are_those_of_the_rules_that_stay():
    kept = staying([Row(["by_kind"], rule=r, a=i, b=j) for r in RULES for i in range(3) for j in range(3)])
    assert {(p["rule"], p["a"]) for p in kept} == {*product(sampling.KINDS, range(3))}


def test_what_is_slow_already_does_not_stand_for_others():
    rows = [Row(["slow"] if i == 0 else [], a=i, b=j, c=k) for i in range(2) for j in range(2) for k in range(2)]
    assert {(p["b"], p["c"]) for p in staying(rows)} == {*product(range(2), range(2))}
