"""Stages that bring scans: stores of slices, a test cohort, frozen folds."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from ichnos.cohorts.budgets import make_budgets
from ichnos.cohorts.case import Cohort
from ichnos.cohorts.case_slices import GridSettings
from ichnos.cohorts.folds import Folds, make_folds, paper_folds, write_folds
from ichnos.cohorts.phantom_slices import LABELLED_MM2, prepare_phantoms
from ichnos.cohorts.prepare import prepare
from ichnos.cohorts.readers.registry import OPTIONS, open_cohort
from ichnos.cohorts.slice_store import SliceStore, load_store
from ichnos.errors import UsageError
from ichnos.evaluation.reproduction.scale import Collection, Source
from ichnos.phantoms import PhantomSettings, make_phantom, phantom_name, write_phantom
from ichnos.preprocessing.recipe import Recipe
from ichnos.runtime.files import write_json


def describe_source(source: Source, preprocessing: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the first two stages."""
    grid = {"preprocessing": preprocessing, "workers": 2}
    if isinstance(source, Collection):
        return {**grid, "reader": source.reader, "root": str(source.root)}
    return {**grid, "count": source.count, "first_seed": source.first_seed, "phantoms": dict(source.settings)}


def make_weak_store(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`store`: slices that only labels are taken of."""
    recipe = Recipe.model_validate(settings["preprocessing"])
    if "reader" in settings:
        cohort = _open_collection(settings["reader"], Path(settings["root"]), own, settings["workers"])
        store = prepare(cohort, GridSettings.of(recipe), own / "store", settings["workers"])
    else:
        seeds = range(settings["first_seed"], settings["first_seed"] + settings["count"])
        store = prepare_phantoms(seeds, _phantom_settings(settings), recipe, own / "store", settings["workers"])
    return _count(store)


def make_test_cohort(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`cohort` (phantoms as files) and `store` (their slices, with masks)."""
    recipe = Recipe.model_validate(settings["preprocessing"])
    if "reader" not in settings:
        _write_phantoms(own / "cohort", settings)
    origin = {"reader": settings.get("reader", "phantoms"), "root": settings.get("root")}
    write_json(own / "cohort.json", origin)
    store = prepare(open_test_cohort(own), GridSettings.of(recipe), own / "store", settings["workers"])
    return _count(store)


def open_test_cohort(stage: Path) -> Cohort:
    """The cohort of a finished `make_test_cohort`, without cases that could not be used."""
    origin = json.loads((stage / "cohort.json").read_text(encoding="utf-8"))
    cohort = open_cohort(origin["reader"], Path(origin["root"]) if origin["root"] else stage / "cohort")
    if not (stage / "store" / "store.json").is_file():
        return cohort
    usable = set(load_store(stage / "store").names)
    return replace(cohort, cases=tuple(case for case in cohort.cases if case.case in usable))


def freeze_folds(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`folds.json`.

    The rule is `paper` (Rasoulian et al. 2023, by number of bleeding slices) or `stratified` (by scan label).
    """
    store = load_store(needs[settings["cohort"]] / "store")
    if settings["rule"] == "paper":
        positives = np.bincount(store.cases[store.is_positive], minlength=len(store.names))
        numbers = paper_folds(dict(zip(store.names, positives.tolist(), strict=True)), settings["count"])
        folds = tuple(numbers[name] for name in store.names)
        frozen = Folds(store.cohort, settings["count"], store.names, store.patients, folds)
    else:
        frozen = make_folds(store, settings["count"], settings["seed"])
    write_folds(frozen, own / "folds.json")
    counts = np.bincount(frozen.folds, minlength=frozen.count)
    return {"cases": counts.tolist()}


def split_for_budgets(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Three parts of a cohort, by patient: `pool` to draw masks from, `validation`, `test`.

    `parts.json` holds the names of all; `pool` and `validation` are stores to train with.

    Raises:
        UsageError: fewer bleeding scans with masks in the pool than the largest budget.
    """
    stage = needs[settings["cohort"]]
    of_fold = [part for part, count in settings["parts"].items() for _ in range(count)]
    dealt = make_folds(load_store(stage / "store"), len(of_fold), settings["seed"])
    pairs = list(zip(dealt.names, dealt.folds, strict=True))
    parts = {part: [name for name, fold in pairs if of_fold[fold] == part] for part in settings["parts"]}
    write_json(own / "parts.json", parts)
    stores = {part: _prepare_part(stage, parts[part], own / part, settings) for part in ("pool", "validation")}
    drawn = len(make_budgets(stores["pool"], settings["seed"]).bleeding)
    if drawn < settings["largest"]:
        raise UsageError(
            f"the pool holds {drawn} bleeding scans with masks, and the largest budget is {settings['largest']}; "
            "give a larger collection"
        )
    return {**{part: len(names) for part, names in parts.items()}, "masks": drawn}


def read_parts(stage: Path) -> dict[str, list[str]]:
    """Names of cases by part of a finished `split_for_budgets`."""
    parts: dict[str, list[str]] = json.loads((stage / "parts.json").read_text(encoding="utf-8"))
    return parts


def _prepare_part(stage: Path, names: list[str], folder: Path, settings: Mapping[str, Any]) -> SliceStore:
    cohort = open_test_cohort(stage)
    part = replace(cohort, cases=tuple(case for case in cohort.cases if case.case in set(names)), skipped=())
    recipe = Recipe.model_validate(settings["preprocessing"])
    return prepare(part, GridSettings.of(recipe), folder, settings["workers"])


def _open_collection(reader: str, root: Path, own: Path, workers: int) -> Cohort:
    """What is slow to find out while listing is kept, so that a stage that was killed does not begin anew."""
    told = {"cache": own / ".listing", "workers": workers}
    return open_cohort(reader, root, **{name: value for name, value in told.items() if name in OPTIONS.get(reader, ())})


def _write_phantoms(folder: Path, settings: Mapping[str, Any]) -> None:
    """Those that are not there yet; the labels are written last."""
    for seed in range(settings["first_seed"], settings["first_seed"] + settings["count"]):
        if not (folder / "truth" / phantom_name(seed) / "labels.csv").is_file():
            write_phantom(make_phantom(seed, _phantom_settings(settings)), folder, "nifti", LABELLED_MM2)


def _phantom_settings(settings: Mapping[str, Any]) -> PhantomSettings:
    return TypeAdapter(PhantomSettings).validate_python(settings["phantoms"])


def _count(store: SliceStore) -> dict[str, Any]:
    return {
        "cases": len(store.names),
        "patients": len(set(store.patients)),
        "slices": len(store),
        "bleeding_slices": int(store.is_positive.sum()),
    }
