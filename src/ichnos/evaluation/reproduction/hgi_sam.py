"""The first paper's experiment as stages (Rasoulian et al. 2023): tables 1 and 2, its t-tests, figures, times."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ichnos.evaluation.reproduction.cohort_stages import (
    describe_source,
    freeze_folds,
    make_test_cohort,
    make_weak_store,
)
from ichnos.evaluation.reproduction.estimate import count_slices, estimate_tracing, estimate_training
from ichnos.evaluation.reproduction.hgi_sam_results import make_results
from ichnos.evaluation.reproduction.hgi_sam_slices import draw_slices, time_slices
from ichnos.evaluation.reproduction.plan import Plan, Stage
from ichnos.evaluation.reproduction.scale import Data, HgiSamScale
from ichnos.evaluation.reproduction.traces import trace_method
from ichnos.evaluation.reproduction.training_stage import train_network


@dataclass(frozen=True)
class Method:
    """A row of the tables.

    Attributes:
        recipe: whose network it uses.
        maps: method of maps; None for a segmentation network.
    """

    recipe: str
    maps: str | None = None


METHODS = {
    "Swin-Grad-CAM": Method("hgi-sam", "grad-cam"),
    "Swin-SAM multi-label": Method("sam-multi", "swin-sam"),
    "Swin-SAM binary": Method("sam-binary", "swin-sam"),
    "Swin-HGI-SAM": Method("hgi-sam", "hgi-sam"),
    "U-Net": Method("unet"),
    "Swin-UNETR": Method("swin-unetr"),
}
"""As table 1 names them, in its order. Grad-CAM explains the network of HGI-SAM (4.2)."""

WEAK = ("sam-multi", "sam-binary", "hgi-sam")
"""Recipes that see labels of slices only."""


def plan_hgi_sam(data: Data, scale: HgiSamScale, device: str) -> Plan:
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
            *_trainings(data, scale, device),
            *_traces(data, scale, device),
            *_ends(data, scale, device),
        )
    )


def _cohorts(data: Data, scale: HgiSamScale) -> Iterator[Stage]:
    grid = scale.recipes["hgi-sam"].content(0)["preprocessing"]
    weak, test = (describe_source(source, grid) for source in (data.weak, data.test))
    yield Stage("weak", make_weak_store, weak, seconds=0.3 * weak.get("count", 20_000), megabytes=100.0)
    yield Stage("test", make_test_cohort, test, seconds=0.5 * test.get("count", 75), megabytes=50.0)
    yield Stage("folds", freeze_folds, {"cohort": "test", "rule": "paper", "count": scale.folds}, ("test",))


def _trainings(data: Data, scale: HgiSamScale, device: str) -> Iterator[Stage]:
    slices = (count_slices(data.weak), count_slices(data.test))
    for name in WEAK:
        for seed in _seeds(scale, name):
            content = scale.recipes[name].content(seed)
            settings: dict[str, Any] = {"recipe": content, "device": device, "store": ["weak", "store"]}
            needs = ["weak"]
            if name == "hgi-sam":
                settings["start"] = f"sam-binary-seed{seed}"
                needs.append(settings["start"])
            yield _train(f"{name}-seed{seed}", settings, needs, slices[0])
    for name in ("unet", "swin-unetr"):
        for seed in _seeds(scale, name):
            for fold in range(scale.folds):
                settings = {
                    "recipe": scale.recipes[name].content(seed),
                    "device": device,
                    "store": ["test", "store"],
                    "folds": "folds",
                    "fold": fold,
                }
                yield _train(f"{name}-seed{seed}-fold{fold}", settings, ["test", "folds"], slices[1])


def _train(name: str, settings: Mapping[str, Any], needs: list[str], slices: int) -> Stage:
    cost = estimate_training(settings["recipe"], slices, settings["device"])
    return Stage(name, train_network, settings, tuple(needs), *cost)


def _traces(data: Data, scale: HgiSamScale, device: str) -> Iterator[Stage]:
    for title, method in METHODS.items():
        for seed in _seeds(scale, method.recipe):
            models = models_of(method, seed, scale)
            settings = {
                "cohort": "test",
                "folds": "folds",
                "models": models,
                "method": method.maps,
                "regions": ["brain"] if method.maps else ["everywhere"],
                "grid": scale.grid,
                "device": device,
            }
            needs = ("test", "folds", *dict.fromkeys(models.values()))
            seconds = estimate_tracing(scale.recipes[method.recipe].content(seed), count_slices(data.test), device)
            yield Stage(trace_stage(title, seed), trace_method, settings, needs, seconds=seconds, megabytes=1.0)


def _ends(data: Data, scale: HgiSamScale, device: str) -> Iterator[Stage]:
    traces = {
        title: {str(seed): trace_stage(title, seed) for seed in _seeds(scale, method.recipe)}
        for title, method in METHODS.items()
    }
    trained = {
        title: {str(seed): _trained_for(method, seed, scale) for seed in _seeds(scale, method.recipe)}
        for title, method in METHODS.items()
    }
    settings = {
        "measured_on": data.measured_on,
        "traces": traces,
        "trained": trained,
        "weak": [title for title, method in METHODS.items() if method.maps],
        "smaller": list(scale.smaller),
        "cohorts": ["weak", "test"],
    }
    stages = [stage for by_seed in traces.values() for stage in by_seed.values()]
    learned = [stage for by_seed in trained.values() for names in by_seed.values() for stage in names]
    yield Stage("results", make_results, settings, ("weak", "test", "folds", *stages, *dict.fromkeys(learned)))
    first = scale.seeds[0]
    methods: dict[str, dict[str, Any]] = {
        title: {
            "models": models_of(method, first, scale),
            "method": method.maps,
            "regions": ["brain"] if method.maps else ["everywhere"],
        }
        for title, method in METHODS.items()
    }
    networks = tuple(dict.fromkeys(stage for one in methods.values() for stage in one["models"].values()))
    shown = {"methods": methods, "device": device, "measured_on": data.measured_on, "slices": 4}
    yield Stage("slices", draw_slices, shown, ("test", "folds", "results", *networks), seconds=30.0)
    yield Stage("times", time_slices, {**shown, "rounds": 20}, ("test", "folds", *networks), seconds=30.0)


def models_of(method: Method, seed: int, scale: HgiSamScale) -> dict[str, str]:
    """Stage that trained the network for each fold, or for all."""
    if method.maps:
        return {"all": f"{method.recipe}-seed{seed}"}
    return {str(fold): f"{method.recipe}-seed{seed}-fold{fold}" for fold in range(scale.folds)}


def trace_stage(title: str, seed: int) -> str:
    """Name of the stage that traced a method."""
    return f"trace-{title.lower().replace(' ', '-')}-seed{seed}"


def _trained_for(method: Method, seed: int, scale: HgiSamScale) -> list[str]:
    """All training that a method stands on."""
    before = [f"sam-binary-seed{seed}"] if method.recipe == "hgi-sam" else []
    return [*before, *models_of(method, seed, scale).values()]


def _seeds(scale: HgiSamScale, recipe: str) -> tuple[int, ...]:
    return scale.seeds if recipe in scale.repeated else scale.seeds[:1]
