"""Worlds that a small network is trained on to see which group of features matters."""

from collections.abc import Mapping

from ichnos.phantoms.features import FEATURES, WIDE

GROUP_STARTS = {"anatomy": "template", "pathology": "any-size", "look-alikes": "scalp-haematoma", "scanner": "kernel"}
"""First feature of each group; `FEATURES` stands in the order of groups."""


def group_features() -> dict[str, tuple[str, ...]]:
    """Names of features by group."""
    groups: dict[str, tuple[str, ...]] = {}
    group = ""
    starts = {name: group for group, name in GROUP_STARTS.items()}
    for name in FEATURES:
        group = starts.get(name, group)
        groups[group] = (*groups.get(group, ()), name)
    return groups


def list_worlds() -> Mapping[str, dict[str, float]]:
    """Odds of features by world: all, none, and all without each group."""
    worlds = {"all features": dict(WIDE), "no features": {}}
    for group, names in group_features().items():
        worlds[f"without {group}"] = {name: odds for name, odds in WIDE.items() if name not in names}
    return worlds
