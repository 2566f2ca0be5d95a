"""The model card: what a checkpoint is, in words."""

from collections.abc import Mapping
from typing import Any

from ichnos.models.checkpoint import Checkpoint
from ichnos.models.outputs import finds_bleed
from ichnos.runtime.provenance import RESEARCH_USE

_METHODS = {
    "hgi-sam": "HGI-SAM (Rasoulian et al. 2023)",
    "swin-sam": "Swin-SAM (Rasoulian et al. 2022)",
    "grad-cam": "Grad-CAM (Selvaraju et al. 2017)",
}
"""Sources of the maps that a recipe may name."""


def write_card(checkpoint: Checkpoint, name: str, test: Mapping[str, float]) -> str:
    """Markdown for a checkpoint's README.

    Args:
        checkpoint: trained and calibrated.
        name: of the model.
        test: figures on phantoms that nothing was chosen on (`evaluation.phantom_score.summarise`);
            empty where nothing was tested.
    """
    training = checkpoint.training
    is_made = all("no patient data" in one.get("data", "unknown") for one in _trace(training))
    parts = [
        _open(checkpoint, is_made=is_made) + f"\n# {name}",
        _say_what(checkpoint),
        f"**Trained on {training['data']}.** "
        + ("It has never seen a patient. " if is_made else "")
        + ("The figures below are on phantoms and say nothing about patients. " if test else "")
        + RESEARCH_USE,
        _list_facts(checkpoint),
        *([_tell_test(test, training)] if test else []),
        *([_LACKS] if is_made and finds_bleed(checkpoint.labels) else []),
    ]
    return "\n\n".join(parts) + "\n"


def _open(checkpoint: Checkpoint, *, is_made: bool) -> str:
    """What a hub reads."""
    tags = ["head-ct", "intracranial-hemorrhage"]
    if checkpoint.labels:
        tags.append("weakly-supervised-segmentation" if checkpoint.kind == "classifier" else "image-segmentation")
    license_name = "apache-2.0" if is_made else "other"
    return f"---\nlicense: {license_name}\nlibrary_name: ichnos\ntags: [{', '.join(tags)}]\n---"


def _say_what(checkpoint: Checkpoint) -> str:
    network, labels = checkpoint.network, checkpoint.labels
    parameters = sum(parameter.numel() for parameter in checkpoint.model.parameters())
    size = checkpoint.preprocessing.get("image_size", network["arguments"].get("image_size"))
    opening = f"A `{network['name']}` ({parameters:,} parameters, {size} pixels)"
    if labels and checkpoint.kind == "classifier":
        method = checkpoint.segmentation.get("method", "hgi-sam")
        return (
            f"{opening} that says whether an axial head-CT slice holds a bleed. Maps of where it looked, by "
            f"{_METHODS.get(method, method)}, become masks."
        )
    if labels:
        found = "blood" if finds_bleed(labels) else ", ".join(labels)
        return f"{opening} that says of each pixel of an axial head-CT slice whether it is {found}."
    parts = ", ".join(checkpoint.training["trained_parts"]) or "all"
    return (
        f"{opening}, pretrained by the pretext task `{checkpoint.training['objective']}`. **It cannot segment.** "
        f"Train a network from it: section `start` of a recipe, with `checkpoint` set to this folder (parts: {parts})."
    )


def _list_facts(checkpoint: Checkpoint) -> str:
    training, segmentation = checkpoint.training, checkpoint.segmentation
    facts = [f"Labels used: {training['labels']}.", f"Data licence: {training['data_licence']}."]
    facts += [
        f"It began with `{one['checkpoint']}`, trained on {one.get('data', 'unknown data')} "
        f"(labels: {one.get('labels', 'unknown')}; data licence: {one.get('data_licence', 'unknown')})."
        for one in _trace(training)[1:]
    ]
    if checkpoint.labels and checkpoint.kind == "classifier":
        chosen = training.get("calibration", {})
        told = {"probability_gate": "Gate", "map_threshold": "Map threshold"}
        facts += [f"{told[key]} {segmentation[key]}, {_tell_choice(key in chosen)}." for key in told]
    elif finds_bleed(checkpoint.labels):
        facts.append(f"A pixel is blood from probability {segmentation['map_threshold']} on; no gate of slices.")
    return "\n".join(f"- {fact}" for fact in [*facts, "Recipe, seed, versions and commit: `ichnos.json`."])


def _trace(training: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """This training, and those that its first weights come from."""
    origin = training.get("started_from")
    return [training, *(_trace(origin) if origin else [])]


def _tell_choice(is_chosen: bool) -> str:
    return "chosen on validation cases, never on those trained or tested on" if is_chosen else "from the recipe"


def _tell_test(test: Mapping[str, float], training: Mapping[str, Any]) -> str:
    plainer = _PLAINER if _is_plainer(training) else ""
    rows = "\n".join(f"| {key.replace('_', ' ')} | {value:.4g} |" for key, value in test.items())
    return f"""| on test phantoms (seeds that nothing was trained or chosen on) | |
|---|---|
{rows}

ROC-AUC is over slices; a slice bleeds from one voxel on. Dice is over whole scans that bleed: a missed bleed counts
0, and scans without a bleed do not enter it; what was invented in those is `mean invented ml`.{plainer}"""


def _is_plainer(training: Mapping[str, Any]) -> bool:
    """Whether it was trained on phantoms with features and tested on some without."""
    data = training.get("recipe", {}).get("data", {})
    features = [(data.get(key) or {}).get("features") for key in ("settings", "test_settings")]
    return bool(features[0]) and not features[1]


_PLAINER = """
Test phantoms had no features: they are plainer than those that it was trained on, and these figures too good."""


_LACKS = """What its phantoms lack, a model does not know. Which features they had stands in the recipe (`ichnos.json`);
what no feature models, in the documentation (concepts/phantoms). Expect misses and false alarms on real scans, and
look at every picture."""
