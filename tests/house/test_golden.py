"""The golden numbers hold: no change of the house changes a bit of what dense nets learn, or of a run's files."""

import json

import golden
import numpy as np
import pytest

KNOWN = json.loads(golden.CRCS.read_text())
VALUES = np.load(golden.VALUES)
CASES = dict(golden.cases())


# Its tensors are of 40 samples, so that what they hold beside noise hangs on rounding.
TO_THE_BIT_ONLY = "nn_lift "


def recorded(place, rule):
    """What is known of a rule on this processor and BLAS, None where it was never recorded there."""
    rows = KNOWN.get(place, {})
    return rows if any(name.split()[0] == rule for name in rows) else None


@pytest.mark.parametrize("name", CASES)
def test_twenty_steps_end_where_they_did(name, backend):
    known = recorded(golden.place(backend), name.split()[0])
    if known is None and (" float64 " not in name or name.startswith(TO_THE_BIT_ONLY)):
        pytest.skip("recorded on another processor or BLAS, and this one holds to the bit or not at all")
    found = golden.run(CASES[name], backend)
    if known is not None:
        assert (found and golden.crcs(found)) == known.get(name)
    elif name in VALUES:
        np.testing.assert_allclose(golden.flat(found), VALUES[name], rtol=1e-12, atol=1e-12)
    else:
        assert found is None


@pytest.mark.parametrize("rule", golden.RULES)
def test_a_run_leaves_the_same_files(rule, tmp_path, monkeypatch):
    known = recorded(golden.place("files"), rule)
    if known is None:
        pytest.skip("recorded on another processor or BLAS")
    monkeypatch.chdir(tmp_path)
    assert golden.files(rule) == known[rule]
