"""Learning strategies by name."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ichnos.errors import UsageError
from ichnos.runtime.names import suggest_name
from ichnos.runtime.wrong_settings import explain
from ichnos.training.objectives.binary_pretext import BinaryPretext
from ichnos.training.objectives.cavity import Cavity
from ichnos.training.objectives.context_restoration import ContextRestoration
from ichnos.training.objectives.focal_labels import FocalLabels
from ichnos.training.objectives.global_contrastive import GlobalContrastive
from ichnos.training.objectives.local_contrastive import LocalContrastive
from ichnos.training.objectives.multi_label import MultiLabelDice, MultiLabelEntropy
from ichnos.training.objectives.objective import Objective
from ichnos.training.objectives.pseudo_labels import PseudoLabels
from ichnos.training.objectives.slice_labels import SliceLabels
from ichnos.training.objectives.subtype_masks import SubtypeMasks
from ichnos.training.objectives.supervised import Supervised

OBJECTIVES: dict[str, type[Objective]] = {
    "slice-labels": SliceLabels,
    "focal-labels": FocalLabels,
    "supervised": Supervised,
    "context-restoration": ContextRestoration,
    "global-contrastive": GlobalContrastive,
    "local-contrastive": LocalContrastive,
    "binary-pretext": BinaryPretext,
    "multi-label-ce": MultiLabelEntropy,
    "multi-label-dice": MultiLabelDice,
    "pseudo-labels": PseudoLabels,
    "subtype-masks": SubtypeMasks,
    "cavity": Cavity,
}


def make_objective(settings: Mapping[str, Any]) -> Objective:
    """The objective called `settings["name"]`, with the rest as its settings.

    Raises:
        UsageError: no name, none that is known, a setting that it does not have, or one of the wrong kind.
    """
    name = settings.get("name")
    if name not in OBJECTIVES:
        hint = suggest_name(str(name), OBJECTIVES).strip() or f"there are: {', '.join(OBJECTIVES)}"
        raise UsageError(f"no objective is called {name!r}; {hint}")
    kind = OBJECTIVES[name]
    try:
        return kind.model_validate({key: value for key, value in settings.items() if key != "name"})
    except ValidationError as error:
        raise UsageError(explain(error, kind, "objective")) from error
