"""The documents as a site: built strictly, no link in it leads nowhere, nothing comes from elsewhere."""

import os
import posixpath
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import browser
import pytest

from gpufa import reproductions
from gpufa.rules import RULES

for needed in "mkdocs", "material", "mkdocstrings_handlers.python":
    pytest.importorskip(needed)

ROOT = Path(__file__).parents[2]


class Page(HTMLParser):
    """A page's anchors, what it links to, and what a browser loads with it."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loaded = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        got = dict(attrs)
        self.anchors |= {got[name] for name in ("id", "name") if got.get(name)}
        if tag == "a" and got.get("href"):
            self.links.append(got["href"])
        if tag in ("img", "script", "link", "iframe"):
            self.loaded += [got[name] for name in ("src", "href") if got.get(name)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--site-dir",
        out,
    ]  # which counts no warnings under --quiet
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def pages(site):
    return {path.relative_to(site).as_posix(): Page(path) for path in site.rglob("*.html")}


def dangling(site, pages):
    """Links, and what is loaded, that lead nowhere in the site."""
    folders = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_dir()} | {"."}
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    for name, page in pages.items():
        if name == "404.html":  # its links are from the site's root
            continue
        for link in {*page.links, *page.loaded}:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            there = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path) or Path(name).name))
            if there in folders:
                there = posixpath.normpath(posixpath.join(there, "index.html"))
            fragment = unquote(parts.fragment)
            if there not in files or (fragment and there in pages and fragment not in pages[there].anchors):
                yield f"{name}: {link}"


def test_every_link_and_anchor_leads_somewhere(site, pages):
    assert len(pages) > 100
    assert not list(dangling(site, pages))


def test_links_to_nothing_are_found(site, pages, tmp_path):
    (tmp_path / "wrong.html").write_text('<a href="../mnist/#nothing"></a><a href="../nowhere/"></a><a href="#no"></a>')
    wrong = pages | {"rules/wrong.html": Page(tmp_path / "wrong.html")}
    (site / "rules" / "wrong.html").touch()
    assert len(list(dangling(site, wrong))) == 3


def test_nothing_is_loaded_from_elsewhere(pages):
    loaded = {link for page in pages.values() for link in page.loaded}
    assert not [link for link in loaded if urlsplit(link).netloc]


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_a_page_with_its_drawing_its_paper_and_tests(site, name):
    text = (site / "rules" / name / "index.html").read_text(encoding="utf-8")
    assert f'aria-label="signal flow of {name}"' in text
    assert RULES[name].paper.partition(";")[0].replace("&", "&amp;") in text
    (proofs,) = re.findall(r'<h2 id="what-holds-it-to-the-paper">(.*?)</ul>', text, re.DOTALL)
    assert "source/tests/rules/" in proofs


def test_every_picture_stands_in_the_gallery_below_its_command():
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[.+?\]\((.+?)\)", text)
    assert sorted(shown) == sorted(
        path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.png")
    )
    assert set(re.findall(r"^gpufa reproduce (\S+)$", text, re.MULTILINE)) <= set(reproductions.names())
    for part in re.split(r"^##+ ", text, flags=re.MULTILINE)[1:]:
        command, picture = part.find("```bash\n"), part.find("![")
        assert picture < 0 or 0 <= command < picture


SHOWN = "index.html", "data/index.html", "rules/dfa/index.html", "gallery/index.html", "reference/Config/index.html"


@pytest.mark.skipif(browser.CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [500, 1300])
@pytest.mark.parametrize("name", SHOWN)
def test_pages_fit_a_phone_and_a_desk(site, name, width):
    """Tables, code and drawings scroll by themselves, and not the page; no picture is missing."""
    seen = "[document.documentElement.scrollWidth, innerWidth, [...document.images].every(i => i.naturalWidth)]"
    page = site / name
    copy = page.with_name("measured.html")
    text = page.read_text(encoding="utf-8")
    copy.write_text(
        text.replace("</body>", f"<script>onload = () => {{ document.body.dataset.seen = {seen} }}</script></body>"),
        encoding="utf-8",
    )
    dom, _ = browser.show(copy, f"--window-size={width},900")
    (seen,) = re.findall(r'data-seen="(.*?)"', dom)
    wide, inner, whole = seen.split(",")
    assert int(wide) <= int(inner)
    assert whole == "true"
