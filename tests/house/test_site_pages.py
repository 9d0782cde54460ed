"""What pages of the site are made of: drawings of signal flow, rows of documents, tests that name a rule, columns."""

from dataclasses import dataclass
from pathlib import Path

import pytest

import gpufa
from gpufa.rules import RULES

for needed in "pymdownx", "griffe":
    pytest.importorskip(needed)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(monkeypatch):
    """The site's modules, which import each other as MkDocs has them do."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "site"))
    import columns
    import flow
    import links
    import proofs
    import rulepages
    import tables

    modules = {"columns": columns, "flow": flow, "links": links}
    return type("Site", (), modules | {"proofs": proofs, "rulepages": rulepages, "tables": tables})


E, DOWN, STRAIGHT = 99, {(99, 3), (3, 2), (2, 1)}, {(99, 3), (99, 2), (99, 1)}


@pytest.mark.parametrize(
    ("rule", "kind", "ways"),
    [
        ("bp", "bare", DOWN),
        ("fa", "fixed", DOWN),
        ("frsf", "fixed", DOWN),
        ("usf", "bare", DOWN),
        ("kp", "learnt", DOWN),
        ("dfa", "fixed", STRAIGHT),
        ("drtp", "fixed", STRAIGHT),
        ("dkp", "learnt", STRAIGHT),
        ("evolution", "bare", STRAIGHT),
        ("pepita", "fixed", {(99, 0)}),
        ("forward_forward", "bare", {(99, 0)}),
        ("eqprop", "bare", {(4, 3), (3, 2), (2, 1)}),
        *((rule, "", set()) for rule in ("shallow", "hebbian", "rbm", "elm", "nn_lift")),
    ],
)
def test_signals_go_where_the_rule_sends_them(site, rule, kind, ways):
    """The error stands in place 99, the output in 4."""
    made = site.flow.arrows(RULES[rule](), site.flow.drawn(RULES[rule]()))
    assert {(way.source, way.target) for way in made} == ways
    assert {way.kind for way in made} == ({kind} if kind else set())


def test_ifa_goes_up_and_target_propagation_down_by_inverses(site):
    made = {rule: site.flow.arrows(RULES[rule](), site.flow.drawn(RULES[rule]())) for rule in ("ifa", "tp")}
    assert [(way.source, way.target, way.name) for way in made["ifa"]] == [(99, 1, "B1"), (1, 2, "δ"), (2, 3, "δ")]
    assert sorted((way.source, way.target, way.name) for way in made["tp"]) == [
        (2, 1, "V2"),
        (3, 2, "V3"),
        (99, 3, "Wᵀ"),
    ]


def test_a_rule_that_takes_no_plain_net_is_not_drawn(site):
    class Choosy(gpufa.Rule):
        def check(self, model):
            raise gpufa.InvalidValue("no")

    with pytest.raises(ValueError, match="choosy takes no plain net"):
        site.flow.drawn(Choosy())


@dataclass(frozen=True)
class Newcomer(gpufa.FeedbackRule):
    crosses = "delta_{k+1}"
    paper = "nobody 2026"
    strength: float = 1.5

    def fixed(self, sizes):
        return {f"B{k}": self.feedback(sizes[k], sizes[k + 1]) for k in sizes.hidden}

    def deltas(self, net, e):
        for k in reversed(net.hidden):
            net.inject(k, net.B[k], net.delta[k + 1])


def test_a_rule_that_joins_the_table_has_its_page(site, monkeypatch):
    monkeypatch.setitem(RULES, "newcomer", Newcomer)
    page = site.rulepages.page("newcomer")
    assert "| paper | nobody 2026 |" in page
    assert "| `strength` | `1.5` |" in page
    assert page.count('class="fixed"') == 3
    assert "No table of" in page
    assert site.rulepages.place("newcomer") == "rules/newcomer.md"


def test_a_rules_page_has_its_rows_and_no_other_rules(site):
    page = site.rulepages.page("kp")
    assert "| `kp` | 3.06 ± 0.56 | 0.7 | 16 16 |" in page
    assert "`gpufa train examples/akrout.toml --rule kp`" in page
    assert "784-500-10/kolen-pollack" in page
    assert "784-500-10/bp" not in page
    assert "test_learnt_feedback.py" in page


def test_a_command_trains_by_its_flag_or_else_by_its_file(site):
    assert site.rulepages.commanded("| `gpufa train examples/akrout.toml --rule bp` | 1 |") == "bp"
    assert site.rulepages.commanded("| `gpufa train examples/dni.toml` (3 x 256) | 1 |") == "dni"
    assert site.rulepages.commanded("| nothing | 1 |") == ""


def test_tests_are_those_that_name_the_rule(site):
    found = {proof.file for proof in site.proofs.proofs(RULES["pepita"])}
    assert "tests/rules/forward_only/test_pepita.py" in found
    assert "tests/rules/energy/test_chl.py" not in found


def test_links_lead_to_where_files_are_on_the_site(site):
    text = "[a](docs/mnist.md) [b](examples/own_rule.py) [c](#here) [d](https://x.org/a) ![e](docs/x.png)"
    moved = site.links.moved(text, "README.md", "index.md")
    assert moved == ("[a](mnist.md) [b](source/examples/own_rule.py.md) [c](#here) [d](https://x.org/a) ![e](x.png)")
    assert (
        site.links.moved("[n](../docs/data.md#images)", "examples/a.ipynb", "guides/a.md") == "[n](../data.md#images)"
    )
    assert site.links.moved("[f](../gpufa/rules#g)", "docs/a.md", "a.md") == "[f](source/gpufa/rules/index.md#g)"
    assert site.links.targets("[r](../README.md) [c](../CHANGELOG.md)", "docs/a.md") == {"README.md", "CHANGELOG.md"}


def test_columns_of_a_docstring_become_lists(site):
    rows = '    one   of them, and\n          more\n          "a"  inside\n    two   the other'
    text = f"What it is:\n\n{rows}\n\nThe end,\nas it was."
    assert site.columns.listed(text) == (
        'What it is:\n\n- `one`: of them, and more\n    - `"a"`: inside\n- `two`: the other\n\nThe end,\nas it was.'
    )
    assert site.columns.listed("plain text\nof two lines") == "plain text\nof two lines"
