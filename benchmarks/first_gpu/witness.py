"""A plugin of pytest: writes down which tests there are, which has begun, and how each came out, as it happens."""

import json
import os
from pathlib import Path
from typing import Any

FILE = "GPUFA_WITNESS"  # the variable that names the file: a line of JSON for each event
LETTERS = 1500  # of what is told of a failure


def tell(**event: Any) -> None:
    with Path(os.environ[FILE]).open("a", encoding="utf-8") as file:
        print(json.dumps(event), file=file)


def pytest_collectreport(report: Any) -> None:
    if report.failed:
        tell(uncollected=report.nodeid, text=report.longreprtext[-LETTERS:])


def pytest_collection_finish(session: Any) -> None:
    tell(ids=[item.nodeid for item in session.items])


def pytest_runtest_logstart(nodeid: str) -> None:
    tell(began=nodeid)


def pytest_runtest_logreport(report: Any) -> None:
    if report.failed:
        tell(ended=report.nodeid, outcome="failed", text=report.longreprtext[-LETTERS:])
    elif report.skipped or report.when == "call":
        tell(ended=report.nodeid, outcome=report.outcome)
