"""Pictures of a study: how the best value came about, which settings mattered, and what each did."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..plots.lines import beside, dress, marked
from ..plots.style import look, panels, plain, styled
from ..runs import tables
from .plan import Arm
from .rows import PRUNED, TRAINED, Row, score_of
from .space import Dimension
from .storage import reached
from .study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 3  # slices beside each other
LONGEST = 12  # letters of a value on an axis


def drawn(study: Study, found: Sequence[Row]) -> "dict[str, Figure]":
    """The pictures by their files' names."""
    with styled():
        return {
            "history": history(study, found),
            "importance": importance(study),
            "slices": slices(study, found),
        }


def history(study: Study, found: Sequence[Row]) -> "Figure":
    """The best value so far against the number of trials, and each trial's own, hollow where it was pruned."""
    figure, ((axes,),) = panels(1, 1, 7, 4)
    for i, arm in enumerate(study.plan.arms):
        trials, line = [row for row in found if row.rule == arm.name], look(i)
        numbers = np.arange(1, len(trials) + 1)
        for state, fill in ((TRAINED, "full"), (PRUNED, "none")):
            dots = {"color": line["color"], "marker": line["marker"], "fillstyle": fill, "markersize": 4}
            axes.plot(numbers, _values(trials, state), linestyle="none", alpha=0.5, **dots)
        best = np.fmin.accumulate(_values(trials, TRAINED)) if trials else np.empty(0)
        if (there := np.isfinite(best)).any():
            axes.plot(numbers[there], best[there], drawstyle="steps-post", label=plain(arm.name), **line)
    score = score_of(found)
    title = f"best {tables.heading(score) or 'value'} so far"
    drawn_at_all = any(row.value is not None for row in found)
    dress(axes, title, "error" in score and drawn_at_all, x="trials; hollow: pruned", legend=False)
    beside(figure, axes.get_legend_handles_labels()[0])
    return figure


def _values(trials: Sequence[Row], state: str) -> np.ndarray:
    """The values of the trials in that state, NaN for others, (trials,)."""
    return np.array([row.value if row.state == state and row.value is not None else np.nan for row in trials])


def importance(study: Study) -> "Figure":
    """The share of each setting in what makes the best trials differ from the others, rule by rule."""
    names = list(_dimensions(study.plan.arms))
    figure, ((axes,),) = panels(1, 1, 7, 1.6 + 0.35 * len(names))
    for i, arm in enumerate(study.plan.arms):
        shares, line = importances(study, arm), look(i)
        places = [names.index(name) for name in shares]
        dots = {"color": line["color"], "marker": line["marker"], "label": plain(arm.name)}
        axes.plot(list(shares.values()), places, linestyle="none", **dots)
    axes.set_yticks(range(len(names)), list(map(plain, names)))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(-0.03, 1.03)
    axes.set_title("importance by PED-ANOVA")
    axes.set_xlabel("share")
    axes.grid()
    beside(figure, axes.get_legend_handles_labels()[0])
    return figure


def importances(study: Study, arm: Arm) -> dict[str, float]:
    """The importance of each setting of a rule, by PED-ANOVA (Watanabe et al. 2023) over the trials that were trained;
    empty where these are too few or too alike to tell."""
    import optuna

    values = {trial.value for trial in study.trials(arm) if trial.state.name == "COMPLETE"}
    if len(values - {np.inf}) < 2:
        return {}
    with reached(study.where):
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        found = optuna.importance.get_param_importances(study.studies[arm.name], evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}


def slices(study: Study, found: Sequence[Row]) -> "Figure":
    """The values of the trials that were trained, against each setting by itself."""
    dimensions = _dimensions(study.plan.arms)
    columns = min(ACROSS, len(dimensions))
    figure, grid = panels(-(-len(dimensions) // columns), columns)
    for axes in grid.flat[len(dimensions) :]:
        axes.remove()
    for axes, dimension in zip(grid.flat, dimensions.values(), strict=False):
        _slice(axes, study.plan.arms, found, dimension)
        axes.set_ylabel(tables.heading(score_of(found)))
    beside(figure, grid.flat[0].get_legend_handles_labels()[0])
    return figure


def _slice(axes: "Axes", arms: Sequence[Arm], found: Sequence[Row], dimension: Dimension) -> None:
    name, places = dimension.name, dict[str, int]()
    for i, arm in enumerate(arms):
        mine = [row for row in found if row.rule == arm.name and name in row.settings]
        x, line = [_place(row.settings[name], places) for row in mine], look(i)
        dots = {"color": line["color"], "marker": line["marker"], "label": plain(arm.name)}
        axes.plot(x, _values(mine, TRAINED), linestyle="none", alpha=0.7, **dots)
    axes.set_title(plain(name))
    axes.grid()
    if places:
        axes.set_xticks(range(len(places)), [plain(text, LONGEST) for text in places])
    elif dimension.log:
        axes.set_xscale("log")
        marked(axes.xaxis, dimension.ends[-1] / dimension.ends[0])


def _place(value: Any, places: dict[str, int]) -> float:
    """Where a value stands on its axis: numbers where they are, text and lists beside each other."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return places.setdefault(str(value), len(places))


def _dimensions(arms: Sequence[Arm]) -> dict[str, Dimension]:
    """Every setting that is searched, by name."""
    return {dimension.name: dimension for arm in arms for dimension in arm.space}
