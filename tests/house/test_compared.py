"""docs/compared.md: what it says of gpufa is shown by a test, and of others has a source."""

import re
from pathlib import Path

from gpufa.rules import RULES

PAGE = Path(__file__).parents[2] / "docs" / "compared.md"
TEXT = PAGE.read_text()
HEAD, _, *ROWS = ([cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", TEXT, re.M))
SOURCES = dict(re.findall(r"^\[([\w-]+)\]: (\S+)$", TEXT, re.MULTILINE))


def test_each_cell_of_ours_links_to_a_test_unless_it_says_no():
    assert HEAD[1] == "gpufa"
    for row in ROWS:
        links = re.findall(r"\]\(([^)]+)\)", row[1])
        assert links or row[1] == "no", row[0]
        for link in links:
            assert (PAGE.parent / link).is_file(), row[0]
            assert Path(link).name.startswith("test_"), row[0]


def test_each_cell_of_others_names_its_source_or_says_that_none_was_found():
    named = set()
    for row in ROWS:
        assert len(row) == len(HEAD)
        for cell in row[2:]:
            sources = re.findall(r"\]\[([\w-]+)\]", cell)
            assert sources or cell == "not found", (row[0], cell)
            named.update(sources)
    assert named == set(SOURCES)
    assert all(url.startswith("https://") for url in SOURCES.values())


def test_sources_on_github_are_of_one_version():
    for url in SOURCES.values():
        assert "github.com" not in url or re.search(r"/blob/([0-9a-f]{40}|[\d.]+)/", url), url


def test_the_number_of_rules_is_that_of_the_table():
    (row,) = (row for row in ROWS if row[0] == "rules beside backprop")
    assert int(re.search(r"\[(\d+)\]", row[1])[1]) == len(set(RULES) - {"bp", "shallow"})
