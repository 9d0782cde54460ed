"""Chromium without a window: how a page on the disk is shown, and what it complains of."""

import re
import shutil
import subprocess
import tempfile

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=10000",
    "--dump-dom",
]
# Beside the page's own policy scripts are let in, or this one could not look.
MEASURE = """<script>
addEventListener("load", () => {
  const images = [...document.images].map(
    i => [i.naturalWidth, i.naturalHeight, i.closest(".wide")?.getBoundingClientRect().right ?? 0].join("x"));
  const loaded = performance.getEntriesByType("resource").filter(e => !e.name.startsWith("data:")).map(e => e.name);
  const pixel = document.createElement("canvas").getContext("2d");
  pixel.drawImage(document.images[0], 0, 0);
  document.body.dataset.corner = pixel.getImageData(2, 2, 1, 1).data.slice(0, 3).join(",");
  document.body.dataset.shown = [...document.images].map(i => i.getBoundingClientRect().width).join(" ");
  document.body.dataset.images = images.join(" ");
  document.body.dataset.loaded = loaded.join(" ");
  document.body.dataset.scripts = document.scripts.length;
  document.body.dataset.width = document.documentElement.scrollWidth;
  document.body.dataset.background = getComputedStyle(document.body).backgroundColor;
});
</script>"""


def show(page, *flags):
    """The page's DOM once it is loaded, and the lines that its console was sent."""
    with tempfile.TemporaryDirectory() as profile:
        command = [CHROMIUM, *FLAGS, *flags, f"--user-data-dir={profile}", page.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def measure(page, *flags):
    """What a copy of the page measures of itself, by name, and the lines that its console was sent."""
    copy = page.with_name(f"measured-{page.name}")
    text = page.read_text(encoding="utf-8").replace(
        "default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'"
    )
    copy.write_text(text.replace("</body>", f"{MEASURE}</body>"), encoding="utf-8")
    dom, console = show(copy, *flags)
    (body,) = re.findall(r"<body ([^>]*)>", dom)
    return dict(re.findall(r'data-(\w+)="([^"]*)"', body)), console
