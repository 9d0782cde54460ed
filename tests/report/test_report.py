"""The report: one file that a browser shows whole without a network, and in which no name becomes markup."""

import base64
import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import browser
import numpy as np
import pytest

import gpufa
from gpufa import plots
from gpufa.basics.console import console
from gpufa.checkpoints import hdf5, networks
from gpufa.commands.display import sheet
from gpufa.commands.main import main
from gpufa.data.samples.data import Data
from gpufa.report import page as pages
from gpufa.runs import tables
from gpufa.runs.summary import summary_of
from gpufa.training.settings.toml import from_mapping

FAST = {"hidden": (6, 5), "epochs": 2, "backend": "numpy"}
OTHERS = "maps", "places", "attention", "heads", "spikes", "traces", "lags"  # pictures of nets with places or time
DENSE = [name for name in plots.PICTURES if name not in OTHERS]
HOSTILE = "<script>alert(1)</script> & \"q\" 'r' {{ 7*7 }} $\\frac$"
chromium = pytest.mark.skipif(not browser.CHROMIUM, reason="there is no Chromium to show a page in")


class Page(HTMLParser):
    """A report's tags, its tables as rows of text, and all its text."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.images, self.tables, self.text, self.cell = [], [], [], "", False
        self.feed(Path(path).read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attributes))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.cell = False

    def handle_data(self, data):
        self.text += data
        if self.cell:
            self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the run "one" of dfa on the digits, "two" of bp, and reports of one and of both."""
    folder = tmp_path_factory.mktemp("reports")
    for name, rule in (("one", "dfa"), ("two", "bp")):
        gpufa.train(gpufa.Config(**FAST | {"rule": rule, "out": str(folder / name)}))
    assert main(["report", str(folder / "one"), "--out", str(folder / "one.html")]) == 0
    pages.Report(folder / "one", folder / "two").save(folder / "both.html")
    return folder


def test_it_has_the_results_the_settings_and_the_environment(folder):
    page, summary = Page(folder / "one.html"), json.loads((folder / "one/summary.json").read_text())
    results, recalls, environment = page.tables
    assert results[0] == ["seed", "train error %", "test error %", "epochs", "status"]
    assert [row[2] for row in results[1:4]] == [f"{v:.2f}" for v in summary["test_error"]]
    mean, deviation = np.mean(summary["test_error"]), np.std(summary["test_error"], ddof=1)
    assert results[4][2] == f"{mean:.2f} ± {deviation:.2f}"
    assert [row[0] for row in recalls] == ["class", *summary["test_recall"], "balanced accuracy"]
    facts = {name: value for name, value in environment}
    assert facts == {"gpufa": gpufa.__version__, "backend": "numpy", **summary["environment"]}
    settings = re.search(r"(data = .*?)\n\s*Environment", page.text, re.DOTALL)[1]
    assert tomllib.loads(settings) == tomllib.loads((folder / "one/config.toml").read_text())


def test_every_picture_is_inside_with_its_caption(folder):
    page = Page(folder / "one.html")
    assert [image["alt"] for image in page.images] == [
        f"{name} of one: {plots.PICTURES[name].caption}" for name in DENSE
    ]
    subject = plots.read(folder / "one")
    for image, name in zip(page.images, DENSE, strict=True):
        kind, _, data = image["src"].partition(",")
        assert kind == "data:image/svg+xml;base64"
        assert base64.b64decode(data) == plots.encode(plots.draw(name, subject), "svg")
        assert page.text.count(plots.PICTURES[name].caption) == 1


def test_several_runs_are_compared(folder, tmp_path):
    page = Page(folder / "both.html")
    assert [row[0] for row in page.tables[0]] == ["run", "one", "two"]
    assert len(page.images) == 1 + 2 * len(DENSE)
    assert page.images[0]["alt"].startswith("comparison of all runs")
    assert "mean ± sample deviation over 3 seeds, 95 % t interval" in page.text
    gpufa.train(gpufa.Config(**FAST | {"epochs": 1, "out": str(tmp_path / "one")}))
    pages.Report(folder / "one", tmp_path / "one", pictures=()).save(tmp_path / "same.html")
    names = [row[0] for row in Page(tmp_path / "same.html").tables[0][1:]]
    assert names == [str(folder / "one"), str(tmp_path / "one")]


def test_equal_runs_give_equal_reports(folder):
    pages.Report(folder / "one").save(folder / "again.html")
    assert (folder / "again.html").read_bytes() == (folder / "one.html").read_bytes()


def test_no_name_becomes_markup(tmp_path, monkeypatch):
    """Neither of a folder, nor in settings, nor of a data file."""
    monkeypatch.chdir(tmp_path)
    name = HOSTILE.replace("/", "|")
    x = np.random.default_rng(0).normal(size=(40, 6))
    np.savez(f"{name}.npz", x=x, y=np.arange(40) % 3)
    for out in (name, "plain"):
        gpufa.train(gpufa.Config(**FAST | {"data": f"{name}.npz", "out": out}))
    summary = json.loads((tmp_path / name / "summary.json").read_text())
    summary["environment"]["BLAS"] = HOSTILE
    (tmp_path / name / "summary.json").write_text(json.dumps(summary))
    pages.Report(name, "plain", pictures=["curves"]).save("report.html")
    page = Page("report.html")
    assert "script" not in page.tags
    assert page.tables[0][1][0] == name
    assert dict(page.tables[3])["BLAS"] == HOSTILE
    assert page.images[1]["alt"].startswith(f"curves of {name}: ")
    assert f"{name}.npz" in page.text


def test_where_the_data_are_gone_the_rest_is_reported(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 6))
    np.savez(tmp_path / "mine.npz", x=x, y=np.arange(40) % 3)
    gpufa.train(gpufa.Config(**FAST | {"data": str(tmp_path / "mine.npz"), "out": str(tmp_path / "run")}))
    (tmp_path / "mine.npz").unlink()
    pages.Report(tmp_path / "run").save(tmp_path / "report.html")
    page = Page(tmp_path / "report.html")
    assert [image["alt"].split()[0] for image in page.images] == ["curves", "angles", "dead"]
    gap = plots.read(tmp_path / "run").gap
    assert "mine.npz" in gap
    assert page.text.count(f"is not drawn: {gap}.") == 8
    assert "features is not drawn: the 6 inputs are no square image" in page.text


def test_a_run_that_has_not_ended_and_one_of_a_programs_arrays(folder, tmp_path):
    arrays, metadata = networks.contents(folder / "one")
    metadata["config"]["epochs"] = 5
    (tmp_path / "cut").mkdir()
    hdf5.write(tmp_path / "cut/checkpoint.h5", arrays, metadata)
    pages.Report(tmp_path / "cut", pictures=()).save(tmp_path / "cut.html")
    page, summary = Page(tmp_path / "cut.html"), json.loads((folder / "one/summary.json").read_text())
    results, recalls = page.tables
    assert recalls[0] == ["class", "recall %"]
    assert results[0] == ["seed", "test error %", "epochs", "status"]
    assert [row[1:] for row in results[1:4]] == [[f"{v:.2f}", "2", "interrupted"] for v in summary["test_error"]]
    assert "the rest is recorded when a run ends" in page.text
    data = Data(np.eye(6), np.arange(6) % 3, np.eye(6), np.arange(6) % 3)
    gpufa.train(gpufa.Config(**FAST | {"out": str(tmp_path / "own")}), data=data)
    pages.Report(tmp_path / "own").save(tmp_path / "own.html")
    assert "It was trained on arrays of a program" in Page(tmp_path / "own.html").text


def test_what_a_checkpoint_knows_is_what_the_summary_says(folder, tmp_path):
    gpufa.train(gpufa.Config(**FAST | {"epochs": 0, "out": str(tmp_path / "none")}))
    for run, scores in ((folder / "one", {"test_loss", "test_error"}), (tmp_path / "none", set())):
        summary, known = json.loads((run / "summary.json").read_text()), summary_of(*networks.contents(run))
        assert scores <= known.keys()
        for name, value in known.items():
            assert value == summary[name] or value == pytest.approx(summary[name], rel=1e-6)


def test_a_summary_older_than_the_checkpoint_is_not_believed(folder, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/checkpoint.h5").write_bytes((folder / "one/checkpoint.h5").read_bytes())
    summary = json.loads((folder / "one/summary.json").read_text())
    (tmp_path / "run/summary.json").write_text(json.dumps(summary | {"epochs": 1, "test_error": [99.0] * 3}))
    pages.Report(tmp_path / "run", pictures=()).save(tmp_path / "report.html")
    assert "99.00" not in Page(tmp_path / "report.html").text


@pytest.mark.parametrize("text", ["{", "[]", '{"epochs": 2}', '{"epochs": 2, "seeds": 1}', "\0"])
def test_a_summary_that_gpufa_did_not_write(text, folder, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/checkpoint.h5").write_bytes((folder / "one/checkpoint.h5").read_bytes())
    (tmp_path / "run/summary.json").write_text(text)
    assert main(["report", str(tmp_path / "run"), "--out", str(tmp_path / "r.html")]) == 2
    error = capsys.readouterr().err
    assert "summary.json' is not as gpufa wrote it" in error
    assert len(error.splitlines()) == 1


def test_bad_paths_are_one_sentence(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pages, "PICTURED", 0)
    monkeypatch.chdir(tmp_path)
    gpufa.save(gpufa.Network([4, 2], rule="bp", backend="numpy"), "net.h5")
    for args, text in [
        (["report"], "gpufa report needs a run"),
        (["report", "nowhere"], "checkpoint 'nowhere' does not exist; give a run's folder"),
        (["report", "net.h5"], "holds a network without its training; give the folder of a run"),
        (["report", str(folder / "one"), "--out", "no/r.html"], "(No such file or directory); give another --out"),
        (["report", str(folder / "one"), "--out", "."], "(Is a directory); give another --out"),
        (["plot", str(folder / "one"), "--pictures", "curve"], "unknown picture 'curve'; choose one of curves"),
        (["plot", "net.h5", "--pictures", "angles"], "no alignment angle was measured"),
    ]:
        assert main(args) == 2
        error = capsys.readouterr().err
        assert text in error
        assert len(error.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["net.h5"]


def test_plot_draws_what_is_asked_for(folder, tmp_path, capsys):
    run = tmp_path / "run"
    gpufa.train(gpufa.Config(**FAST | {"hidden": (), "rule": "bp", "out": str(run)}))
    assert main(["plot", str(run), "--pictures", "features", "confusion", "--format", "svg"]) == 0
    assert capsys.readouterr().out == f"drew {run / 'features.svg'}\ndrew {run / 'confusion.svg'}\n"
    assert main(["plot", str(run), "--pictures", "all", "--format", "pdf"]) == 0
    shown = capsys.readouterr().out
    for name in ("angles", "dead", "activity", "hidden"):
        assert f"left out {name}: " in shown
    assert {path.name for path in run.glob("*.pdf")} == {"curves.pdf", "features.pdf", "confusion.pdf", "recall.pdf"}
    assert main(["plot", str(run), "--pictures", "hidden"]) == 2
    assert "the net has no hidden layer" in capsys.readouterr().err


def test_a_rule_of_ones_own_is_handed_in(tmp_path, monkeypatch, capsys):
    own = f"{Path(__file__).parents[2] / 'examples' / 'own_rule.py'}:SignSymmetry"
    monkeypatch.chdir(tmp_path)
    gpufa.train(gpufa.Config(**FAST | {"rule": own, "out": "run"}))
    assert main(["plot", "run", "--pictures", "hidden"]) == 2
    assert "hand its class in" in capsys.readouterr().err
    assert main(["plot", "run", "--pictures", "hidden", "--rule", own]) == 0
    assert main(["report", "run", "--rule", own]) == 0
    assert len(Page("report.html").images) == len(DENSE)


def test_a_sheet_is_shown_alike_in_console_and_report(folder, capsys):
    summary = json.loads((folder / "one/summary.json").read_text())
    shown = tables.results(summary)
    sheet(shown, console(width=120))
    printed = capsys.readouterr().out
    for row in (shown.head, *shown.rows, shown.foot):
        assert re.search(".*".join(re.escape(cell) for cell in row if cell), printed)
    assert [list(shown.head), *map(list, shown.rows), list(shown.foot)] == Page(folder / "one.html").tables[0]
    assert from_mapping(networks.contents(folder / "one")[1]["config"]).data == summary["data"]


@chromium
@pytest.mark.parametrize("width", [1200, 400])
def test_a_browser_shows_every_picture_and_asks_for_nothing_else(folder, width):
    found, console_lines = browser.measure(folder / "both.html", f"--window-size={width},900")
    assert console_lines == []
    assert found["loaded"] == ""
    assert found["scripts"] == "1"
    images = [tuple(map(float, image.split("x"))) for image in found["images"].split()]
    assert len(images) == 1 + 2 * len(DENSE)
    assert min(wide for wide, _, _ in images) > 300
    assert min(high for _, high, _ in images) > 100
    assert float(found["width"]) <= max(width, 500)  # what is wider scrolls in a box of its own
    assert max(right for _, _, right in images) <= float(found["width"])
    shown = [float(wide) / high for high, wide in zip((w for w, _, _ in images), found["shown"].split(), strict=True)]
    assert min(shown) > 0.5  # so that words in pictures are half their size at least, on a phone too


@chromium
def test_the_page_itself_has_nothing_to_complain_of_and_turns_dark(folder):
    dom, console_lines = browser.show(folder / "one.html")
    assert console_lines == []
    assert "</footer>" in dom
    scheme = "--blink-settings=preferredColorScheme="
    light, dark = (browser.measure(folder / "one.html", f"{scheme}{n}")[0] for n in (1, 0))
    assert (light["background"], dark["background"]) == ("rgb(255, 255, 255)", "rgb(20, 23, 27)")
    assert (light["corner"], dark["corner"]) == ("255,255,255", "20,23,27")  # of a picture


def test_the_page_prints_light_and_without_boxes_that_scroll(folder):
    text = (folder / "one.html").read_text(encoding="utf-8")
    assert "@media print" in text
    assert text.count("prefers-color-scheme: dark") == text.count("@media screen and (prefers-color-scheme: dark)") == 1


@chromium
def test_a_page_that_asks_the_network_or_is_broken_would_be_found_out(folder):
    text = (folder / "one.html").read_text(encoding="utf-8")
    (folder / "bad.html").write_text(
        text.replace("<footer", '<img src="http://127.0.0.1:9/x.png"><img src="data:image/svg+xml;base64,AAAA"><footer')
    )
    found, console_lines = browser.measure(folder / "bad.html")
    assert any("Content Security Policy" in line for line in console_lines)
    assert [image.split("x")[0] for image in found["images"].split()][-2:] == ["0", "0"]
