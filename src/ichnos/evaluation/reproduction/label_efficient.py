"""The second paper's experiment as stages (Spahr et al. 2023): table 3, figures 3 to 5, and a curve over budgets.

The curve is ours: the paper always trains on all masks.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ichnos.evaluation.reproduction.budget_curve import draw_curve
from ichnos.evaluation.reproduction.cohort_stages import (
    describe_source,
    freeze_folds,
    make_test_cohort,
    make_weak_store,
    split_for_budgets,
)
from ichnos.evaluation.reproduction.embedding import embed_slices
from ichnos.evaluation.reproduction.estimate import count_slices, estimate_tracing, estimate_training
from ichnos.evaluation.reproduction.label_efficient_results import make_results
from ichnos.evaluation.reproduction.label_efficient_scale import PRETEXTS
from ichnos.evaluation.reproduction.plan import Plan, Stage
from ichnos.evaluation.reproduction.scale import Data, LabelEfficientScale
from ichnos.evaluation.reproduction.traces import REGIONS, trace_method
from ichnos.evaluation.reproduction.training_stage import train_network

BASELINES = {"ich-only": "U-Net 2D ICH-only", "mixed": "U-Net 2D mixed"}
"""Without a pretext, as table 3 names them."""

NONE = "no pretext"
"""How the curve names training from random weights."""

SPLIT_SEED = 0
"""Of folds and of the parts of the budget curve."""


def plan_label_efficient(data: Data, scale: LabelEfficientScale, device: str) -> Plan:
    """All stages.

    Args:
        data: where scans come from.
        scale: how large it is.
        device: auto, cpu or cuda:N.

    Raises:
        UsageError: a recipe of the scale is wrong.
    """
    return Plan(
        (
            *_cohorts(data, scale),
            *_pretexts(data, scale, device),
            *_cross_validation(data, scale, device),
            *_budgets(data, scale, device),
            *_ends(data, scale),
        )
    )


def _cohorts(data: Data, scale: LabelEfficientScale) -> Iterator[Stage]:
    grid = scale.mixed.content(0)["preprocessing"]
    weak, test = (describe_source(source, grid) for source in (data.weak, data.test))
    yield Stage("test", make_test_cohort, test, seconds=0.5 * test.get("count", 75), megabytes=50.0)
    yield Stage("weak", make_weak_store, weak, seconds=0.3 * weak.get("count", 20_000), megabytes=100.0)
    folds = {"cohort": "test", "rule": "stratified", "count": scale.folds, "seed": SPLIT_SEED}
    yield Stage("folds", freeze_folds, folds, ("test",))
    split = {
        "cohort": "test",
        "parts": dict(scale.parts),
        "seed": SPLIT_SEED,
        "largest": max(scale.budgets),
        "preprocessing": grid,
        "workers": 1,
    }
    yield Stage("budgets", split_for_budgets, split, ("test",), seconds=10.0, megabytes=20.0)


def _pretexts(data: Data, scale: LabelEfficientScale, device: str) -> Iterator[Stage]:
    in_turn = sorted(PRETEXTS, key=lambda name: name == "local-contrastive")  # it starts from the global one
    for seed in scale.seeds:
        for name in in_turn:
            settings: dict[str, Any] = {
                "recipe": scale.pretexts[name].content(seed),
                "device": device,
                "store": ["weak", "store"],
            }
            needs = ["weak"]
            if name == "local-contrastive":
                settings["start"] = pretext_stage("global-contrastive", seed)
                needs.append(settings["start"])
            yield _train(pretext_stage(name, seed), settings, needs, count_slices(data.weak))


def _cross_validation(data: Data, scale: LabelEfficientScale, device: str) -> Iterator[Stage]:
    seed = scale.seeds[0]
    for method in (*BASELINES, *PRETEXTS):
        models = {}
        for fold in range(scale.folds):
            settings = {
                "device": device,
                "store": ["test", "store"],
                "folds": "folds",
                "fold": fold,
                **_start(scale, method, seed),
            }
            models[str(fold)] = f"{method}-seed{seed}-fold{fold}"
            needs = ["test", "folds", *([settings["start"]] if "start" in settings else [])]
            yield _train(models[str(fold)], settings, needs, count_slices(data.test) // 2)
        yield _trace(f"trace-{method}", {"models": models, "folds": "folds"}, data, scale, device)


def _budgets(data: Data, scale: LabelEfficientScale, device: str) -> Iterator[Stage]:
    for seed in scale.seeds:
        for size in scale.budgets:
            for method in ("mixed", *PRETEXTS):
                start = _start(scale, method, seed)
                start["recipe"]["optimisation"] |= scale.budget_fits[size]
                settings = {
                    "device": device,
                    "store": ["budgets", "pool"],
                    "validation": ["budgets", "validation"],
                    "budget": size,
                    **start,
                }
                name = budget_stage(method, size, seed)
                needs = ["budgets", *([settings["start"]] if "start" in settings else [])]
                slices = size * count_slices(data.test) // max(1, _cases(data))
                yield _train(name, settings, needs, slices)
                how = {"models": {"all": name}, "parts": "budgets", "regions": ["everywhere"]}
                yield _trace(f"trace-{name}", how, data, scale, device)


def _start(scale: LabelEfficientScale, method: str, seed: int) -> dict[str, Any]:
    """Recipe of a method, and where its network begins."""
    if method in BASELINES:
        choice = scale.ich_only if method == "ich-only" else scale.mixed
        return {"recipe": choice.content(seed)}
    return {"recipe": scale.fine_tune.content(seed), "start": pretext_stage(method, seed)}


def _ends(data: Data, scale: LabelEfficientScale) -> Iterator[Stage]:
    seed = scale.seeds[0]
    titles = {**BASELINES, **PRETEXTS}
    traces = {titles[method]: f"trace-{method}" for method in titles}
    pretexts = {PRETEXTS[name]: [pretext_stage(name, one) for one in scale.seeds] for name in PRETEXTS}
    shown = {"measured_on": data.measured_on}
    learned = [stage for stages in pretexts.values() for stage in stages]
    results = {**shown, "traces": traces, "baselines": list(BASELINES.values()), "pretexts": pretexts}
    yield Stage("results", make_results, results, ("test", *traces.values(), *learned), seconds=20.0)
    curve: dict[str, Any] = {}
    for method, title in {"mixed": NONE, **PRETEXTS}.items():
        curve[title] = {
            str(size): [f"trace-{budget_stage(method, size, one)}" for one in scale.seeds] for size in scale.budgets
        }
    needs = tuple(stage for sizes in curve.values() for stages in sizes.values() for stage in stages)
    yield Stage("budget-curve", draw_curve, {**shown, "traces": curve, "baseline": NONE}, needs, seconds=20.0)
    networks = {PRETEXTS[name]: pretext_stage(name, seed) for name in PRETEXTS}
    embedded = {**shown, "networks": networks, "most": 1000, "seed": SPLIT_SEED}
    yield Stage("embedding", embed_slices, embedded, ("test", *networks.values()), seconds=60.0)


def pretext_stage(name: str, seed: int) -> str:
    """Name of the stage that trained a pretext."""
    return f"pretext-{name}-seed{seed}"


def budget_stage(method: str, size: int, seed: int) -> str:
    """Name of the stage that trained on a budget of masks."""
    return f"budget{size}-{method}-seed{seed}"


def _train(name: str, settings: Mapping[str, Any], needs: list[str], slices: int) -> Stage:
    cost = estimate_training(settings["recipe"], slices, settings["device"])
    return Stage(name, train_network, settings, tuple(needs), *cost)


def _trace(name: str, how: Mapping[str, Any], data: Data, scale: LabelEfficientScale, device: str) -> Stage:
    settings = {
        "cohort": "test",
        "method": None,
        "regions": list(REGIONS),
        "grid": scale.grid,
        "device": device,
        **how,
    }
    share = scale.parts["test"] / sum(scale.parts.values()) if "parts" in how else 1.0
    seconds = estimate_tracing(scale.mixed.content(0), round(share * count_slices(data.test)), device)
    others = [how[key] for key in ("folds", "parts") if key in how]
    needs = ("test", *others, *how["models"].values())
    return Stage(name, trace_method, settings, needs, seconds=seconds, megabytes=1.0)


def _cases(data: Data) -> int:
    return getattr(data.test, "count", 75)
