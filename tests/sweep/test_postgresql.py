"""Workers whose trials are in a PostgreSQL server, a real one, started here as Debian has it."""

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from processes import start
from sweeplab import written

from gpufa.commands.main import main

pytest.importorskip("optuna")
pytest.importorskip("psycopg")
BINARIES = (sorted(glob.glob("/usr/lib/postgresql/*/bin")) or [os.path.dirname(shutil.which("initdb") or "")])[-1]
pytestmark = pytest.mark.skipif(not BINARIES, reason="there is no PostgreSQL server to start")
# Its programs refuse to run as root, who may be another user.
USER = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.name == "posix" and os.getuid() == 0 else {}


def program(name, *arguments):
    subprocess.run(
        [f"{BINARIES}/{name}", *arguments], check=True, stdout=subprocess.DEVNULL, timeout=60, cwd="/", **USER
    )


@pytest.fixture
def server():
    """A folder with a server's data, and its socket, by which alone it is reached."""
    folder = Path(tempfile.mkdtemp(prefix="gpufa-pg-"))  # a socket's path is short
    if USER:
        shutil.chown(folder, "postgres", "postgres")
    program("initdb", "-D", f"{folder}/data", "-U", "gpufa", "-A", "trust", "--no-sync")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    program("pg_ctl", "-D", f"{folder}/data", "-o", options, "-l", f"{folder}/log", "-w", "start")
    try:
        yield folder
    finally:
        subprocess.run([f"{BINARIES}/pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop"], cwd="/", **USER)
        shutil.rmtree(folder)


@pytest.mark.slow
def test_workers_on_a_server_of_which_one_is_killed_and_then_the_server_is(tmp_path, server, capsys):
    url = f"postgresql+psycopg://gpufa:secret@/postgres?host={server}"
    path, out = written(tmp_path, pruner="median", settings__epochs=20), tmp_path / "study"
    flags = "--out", str(out), "--storage", url
    killed = start("sweep", str(path), *flags, "--quiet")
    while not list(out.glob("trials/*/*/checkpoint.h5")):
        time.sleep(0.01)
        assert killed.poll() is None, killed.communicate()
    killed.kill()
    killed.communicate()
    command = [sys.executable, "-m", "gpufa", "sweep", str(path), *flags]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [worker.communicate(timeout=180) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    tried = json.loads((out / "search.json").read_text())["trials"]
    assert sorted(one["run"] for one in tried) == sorted(
        f"trials/{rule}/{n}" for rule in ("bp", "dfa") for n in range(3)
    )
    assert {one["state"] for one in tried} == {"trained"}
    assert not (out / "study.db").exists()
    assert "secret" not in "".join(text.read_text() for text in out.glob("*.[mjc]*"))
    program("pg_ctl", "-D", f"{server}/data", "-m", "immediate", "stop")
    assert main(["sweep", str(path), *flags]) == 2
    sentence = capsys.readouterr().err
    assert "can't be reached" in sentence
    assert "gpufa:***@" in sentence
