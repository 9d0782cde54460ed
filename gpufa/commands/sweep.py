"""gpufa sweep: search the settings of several rules, any number of workers at once, and compare what they come to."""

from pathlib import Path

from ..basics import files
from ..basics.console import console, say
from ..checkpoints import networks
from ..checkpoints.provenance import data_of, fingerprint
from ..sweep import results, retrained
from ..sweep.begun import begun_with
from ..sweep.rows import rows
from ..sweep.storage import optuna_at_hand
from ..sweep.study import Study
from ..sweep.studyfile import read
from ..sweep.worker import done, work
from . import display

OK, DIVERGED = 0, 3


def sweep(
    study: Path,
    /,
    *,
    out: Path | None = None,
    storage: str | None = None,
    rules: tuple[str, ...] = (),
    parts: tuple[str, ...] = (),
    quiet: bool = False,
) -> int:
    """Search settings for several rules, as many trials each, and train the best of each on fresh seeds: one table.

    The same command, given again or in other processes and machines on the same folder, takes part or goes on. It needs
    Optuna: pip install 'gpufa[sweep]'.

    Args:
        study: a TOML file of rules, settings and their search space, see docs/sweep.md
        out: the folder of the study and all of its runs (runs/STUDY where not given)
        storage: where the trials are kept: sqlite or journal, a file in that folder, or the URL of a database
        rules: path/to/file.py:MyRule of each rule of your own that the study names
        parts: path/to/file.py:NAME of each activation, loss and so on of your own that it names
        quiet: print nothing but errors
    """
    plan = read(study, rules, parts)
    folder = out or Path("runs") / study.stem
    networks.check_free(folder)
    if begun_with(folder) is None:
        files.check_unused(folder, results.WRITTEN, "a study", "give another --out")
    with optuna_at_hand():
        data, name = data_of(plan.arms[0].config(), None)
        plan.check_data(data.y_train)
        found = Study(plan, folder, fingerprint(data, name), storage)
        if not work(found, data, list, lambda line: say(line, quiet)):
            say(f"stopped and saved in {folder}; the same command goes on", quiet)
            return OK
        if not done(found):
            say(
                f"no trial is left to take; other workers still train in {folder}, and the last writes the table", quiet
            )
            return OK
        return _told(found, quiet)


def _told(study: Study, quiet: bool) -> int:
    """Print what a study has come to, which is over."""
    found, compared = rows(study), retrained.comparison(study)
    display.sheet(results.sheet(study, found), console(quiet=quiet))
    if compared.rows:
        display.sheet(compared.sheet, console(quiet=quiet))
    for note in [*results.notes(study, found), *compared.notes]:
        say(note, quiet)
    say(f"{results.FILES} are in {study.folder}, the runs in trials and best there", quiet)
    return DIVERGED if any(row["diverged"] for row in compared.rows) else OK
