"""RULES: every learning rule by its name on the command line. A new rule is one file, imported and listed here."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..basics.arguments import row_of, shown
from ..basics.errors import FileProblem, InvalidValue
from ..basics.ownfiles import from_file, is_own
from ..net.learning.claims import check_claims
from ..net.learning.rule import FeedbackRule, Rule
from ..net.state.arena import Extra
from ..net.state.feedback import Feedback
from .alignment.brsf import BRSF
from .alignment.fa import FA
from .alignment.frsf import FRSF
from .alignment.kp import KP
from .alignment.usf import USF
from .alignment.weight_mirror import WeightMirror
from .baselines.bp import BP
from .baselines.shallow import Shallow
from .direct.dfa import DFA
from .direct.dkp import DKP
from .direct.drtp import DRTP
from .direct.ifa import IFA
from .direct.sdfa import SDFA
from .direct.topology import Topology
from .energy.chl import CHL
from .energy.eqprop import EqProp
from .energy.predictive_coding import PredictiveCoding
from .forward_only.forward_forward import ForwardForward
from .forward_only.pepita import PEPITA
from .local.hebbian import Hebbian
from .local.layerwise import Layerwise
from .local.rbm import RBM
from .one_shot.elm import ELM
from .one_shot.evolution import Evolution
from .one_shot.nn_lift import NNLift
from .targets.dni import DNI
from .targets.dtp import DTP
from .targets.tp import TP
from .temporal.decolle import DECOLLE
from .temporal.dni_windows import DNIWindows
from .temporal.eprop import EProp
from .temporal.rflo import RFLO

__all__ = ["RULES", "Extra", "Feedback", "FeedbackRule", "Rule", "find_rule", "make_rule"]

ALIGNMENT = BP, Shallow, FA, DFA, IFA, Topology, SDFA, DRTP, USF, BRSF, FRSF, KP, DKP, WeightMirror
FORWARD_ONLY = PEPITA, ForwardForward
TARGETS = TP, DTP, DNI
ENERGY = EqProp, CHL, PredictiveCoding
LOCAL = Layerwise, Hebbian, RBM
ONE_SHOT = ELM, NNLift, Evolution
TEMPORAL = RFLO, EProp, DNIWindows, DECOLLE
ALL = *ALIGNMENT, *FORWARD_ONLY, *TARGETS, *ENERGY, *LOCAL, *ONE_SHOT, *TEMPORAL
RULES: dict[str, type[Rule]] = {rule.name: rule for rule in ALL}


def find_rule(name: str) -> type[Rule]:
    """The rule class of that name, or of a user's own file, "path/to/file.py:MyRule".

    Raises InvalidValue for an unknown name, FileProblem for a file that is missing or lacks the class.
    """
    if is_own(name):
        cls = from_file(name, "rule")
        if not (isinstance(cls, type) and issubclass(cls, Rule)):
            file, _, attribute = name.rpartition(":")
            raise FileProblem(
                f"rule file {file!r} defines no rule {attribute!r}; it must hold a subclass of gpufa.Rule"
            )
        return cls
    return row_of(RULES, name, "rule", ", or path/to/file.py:MyRule for your own")


def make_rule(rule: "str | type[Rule] | Rule", options: Mapping[str, Any] | None = None) -> Rule:
    """The rule with the options given, from a name, a class, or (without options) a ready instance."""
    if isinstance(rule, Rule):
        check_claims(rule)
        return rule
    cls = rule_class(rule)
    known = [field.name for field in fields(cls)]
    for option in options or {}:
        if option not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise InvalidValue(
                f"rule {cls.name!r} has no option {shown(option)}; {has}: set them as --set rule.NAME=VALUE"
            )
    made = cls(**(options or {}))
    check_claims(made)
    return made


# What a rule may say of itself, and what is the matter where it doesn't; {} are those that do.
PROMISES = {
    "linear": "does not learn in proportion to each sample's error, so that weights of samples or classes have no"
    " meaning; use one of {}, or leave --sample-weights and --class-weights out",
    "partial": "learns from samples without a label too, which some nodes of a graph are; use one of {}",
    "separable": "learns from a batch what its parts don't add up to, or keeps something of it; train it by one"
    " process, or by one of {}",
    "broadcasts": "sends into a block what comes from others than the output, so that each process would wait for the"
    " next; use one of {}, or leave --parallel layers out",
}


def check_promise(rule: Rule, promise: str) -> None:
    """Raises InvalidValue where a rule does not make that one of PROMISES."""
    if not getattr(rule, promise):
        able = ", ".join(name for name, other in RULES.items() if getattr(other(), promise))
        raise InvalidValue(f"rule {rule.name!r} {PROMISES[promise].format(able)}")


def rule_class(rule: "str | type[Rule] | Rule") -> type[Rule]:
    """The class of a rule, which a name, a class or an instance stands for."""
    cls = find_rule(rule) if isinstance(rule, str) else type(rule) if isinstance(rule, Rule) else rule
    if not (isinstance(cls, type) and issubclass(cls, Rule)):
        raise InvalidValue(
            f"{shown(rule)} is no learning rule; give a name, a subclass of gpufa.Rule or an instance of one"
        )
    return cls
