"""Folds of a cohort: by patient, stratified by scan label, frozen to a file."""

import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int
from sklearn.model_selection import StratifiedKFold

from ichnos.cohorts.case_labels import label_cases
from ichnos.cohorts.slice_store import SliceStore
from ichnos.errors import CohortError, UsageError
from ichnos.runtime.files import write_text

_KIND = "ichnos folds 1"


@dataclass(frozen=True)
class Folds:
    """Which fold each case of a cohort is tested in.

    Attributes:
        cohort: name of the collection.
        count: of folds, numbered from 0.
        names: of the cases.
        patients: of the cases; those of one patient are in one fold.
        folds: of the cases.
        seed: they were drawn with; None for folds that are not drawn.

    Raises:
        CohortError: a patient is in two folds, a case is named twice, or a fold is empty.
    """

    cohort: str
    count: int
    names: tuple[str, ...]
    patients: tuple[str, ...]
    folds: tuple[int, ...]
    seed: int | None = None

    def __post_init__(self) -> None:
        name, times = Counter(self.names).most_common(1)[0]
        if times > 1:
            raise CohortError(f"folds name case {name} {times} times; each case has one fold")
        first: dict[str, tuple[str, int]] = {}
        for name, patient, fold in zip(self.names, self.patients, self.folds, strict=True):
            other, there = first.setdefault(patient, (name, fold))
            if there != fold:
                raise CohortError(
                    f"cases {other} and {name} are of one patient, but in folds {there} and {fold}; "
                    "make the folds again"
                )
        if set(self.folds) != set(range(self.count)):
            raise CohortError(f"{self.count} folds must each hold a case; there are cases in {sorted(set(self.folds))}")

    def split_rows(self, store: SliceStore, fold: int) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]]:
        """Rows of a store to train on and to test on.

        Raises:
            UsageError: no such fold.
            CohortError: the store does not hold these cases; see `check`.
        """
        if not 0 <= fold < self.count:
            raise UsageError(f"there are folds 0 to {self.count - 1}; got {fold}")
        self.check(store)
        tested = dict(zip(self.names, self.folds, strict=True))
        is_test = np.array([tested[name] == fold for name in store.names])[store.cases]
        return np.flatnonzero(~is_test), np.flatnonzero(is_test)

    def check(self, store: SliceStore) -> None:
        """Compare with a store.

        Raises:
            CohortError: a case is missing on either side, or is of another patient.
        """
        there = dict(zip(store.names, store.patients, strict=True))
        here = dict(zip(self.names, self.patients, strict=True))
        _refuse("the folds name", "that the store does not hold", [name for name in here if name not in there])
        _refuse("the store holds", "that the folds do not name", [name for name in there if name not in here])
        _refuse("store and folds give", "to different patients", [name for name in here if here[name] != there[name]])


def make_folds(store: SliceStore, count: int, seed: int) -> Folds:
    """Deal patients into folds so that bleeding, healthy and unlabelled scans spread evenly.

    A patient bleeds if one of their scans does. Patients with most scans are dealt first, each to the
    fold with the fewest scans of its kind, then to that with the fewest scans.

    Args:
        store: whose cases.
        count: of folds, 2 or more.
        seed: same seed and cases, same folds, in whatever order the store holds them.

    Raises:
        UsageError: fewer patients than folds, or fewer patients who bleed.
    """
    kinds = _kinds_of_patients(store)
    bleeding = sum(kind == 1 for kind in kinds.values())
    if count < 2:
        raise UsageError(f"a cross-validation needs at least 2 folds; got {count}")
    if len(kinds) < count:
        raise UsageError(f"{count} folds need at least {count} patients; there are {len(kinds)}")
    if 0 < bleeding < count:
        raise UsageError(f"{count} folds need at least {count} patients who bleed, one each; there are {bleeding}")
    scans = Counter(store.patients)
    order = [sorted(kinds)[place] for place in np.random.default_rng(seed).permutation(len(kinds))]
    order.sort(key=lambda patient: (-kinds[patient], -scans[patient]))
    of_kind = {kind: [0] * count for kind in (1, 0, -1)}
    total, chosen = [0] * count, {}
    for patient in order:
        same = of_kind[kinds[patient]]
        fold = min(range(count), key=lambda one: (same[one], total[one], one))
        same[fold] += scans[patient]
        total[fold] += scans[patient]
        chosen[patient] = fold
    folds = tuple(chosen[patient] for patient in store.patients)
    return Folds(store.cohort, count, store.names, store.patients, folds, seed)


def paper_folds(positive_slices: Mapping[str, int], count: int = 5) -> dict[str, int]:
    """The folds of Rasoulian et al. 2023 on PhysioNet ct-ich, as their released code makes them.

    scikit-learn's StratifiedKFold without shuffling, on scans sorted by name, with the number of
    positive slices of a scan as its class. Each scan is a patient there.

    Args:
        positive_slices: of each scan.
        count: of folds.

    Raises:
        UsageError: every number of positive slices is had by fewer scans than there are folds.
    """
    names = sorted(positive_slices)
    classes = np.array([positive_slices[name] for name in names])
    if max(Counter(classes.tolist()).values(), default=0) < count:
        raise UsageError(f"{count} folds need {count} scans with as many positive slices as each other")
    folds: dict[str, int] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # most classes have fewer scans than there are folds
        for fold, (_, tested) in enumerate(StratifiedKFold(count).split(names, classes)):
            folds.update({names[place]: fold for place in tested})
    return {name: folds[name] for name in names}


def write_folds(folds: Folds, path: Path) -> None:
    """Freeze folds to a JSON file."""
    cases = zip(folds.names, folds.patients, folds.folds, strict=True)
    content = {
        "kind": _KIND,
        "cohort": folds.cohort,
        "folds": folds.count,
        "seed": folds.seed,
        "digest": _digest(folds),
        "cases": [{"case": name, "patient": patient, "fold": fold} for name, patient, fold in cases],
    }
    write_text(path, json.dumps(content, indent=1) + "\n")


def read_folds(path: Path) -> Folds:
    """Read frozen folds; compare them with a store by `Folds.check`.

    Raises:
        CohortError: not there, not folds, altered, or a patient in two folds.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["kind"] != _KIND:
            raise KeyError("kind")
        cases = content["cases"]
        folds = Folds(
            str(content["cohort"]),
            int(content["folds"]),
            tuple(str(case["case"]) for case in cases),
            tuple(str(case["patient"]) for case in cases),
            tuple(int(case["fold"]) for case in cases),
            content["seed"],
        )
        digest = content["digest"]
    except OSError as error:
        raise CohortError(f"{path} cannot be read: {error.strerror}; make it with: ichnos cohort split") from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise CohortError(f"{path} holds no folds ({error}); make them with: ichnos cohort split") from error
    if digest != _digest(folds):
        raise CohortError(f"{path} was altered after it was made (its digest differs); make the folds again")
    return folds


def _digest(folds: Folds) -> str:
    lines = sorted(zip(folds.names, folds.patients, folds.folds, strict=True))
    return hashlib.sha256(json.dumps([folds.cohort, folds.seed, lines]).encode()).hexdigest()


def _kinds_of_patients(store: SliceStore) -> dict[str, int]:
    """1 for patients with a scan that bleeds, else 0 with a healthy one, else -1."""
    kinds: dict[str, int] = {}
    for patient, label in zip(store.patients, label_cases(store)[:, 0].tolist(), strict=True):
        kinds[patient] = max(kinds.get(patient, -1), label)
    return kinds


def _refuse(before: str, after: str, names: Sequence[str]) -> None:
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise CohortError(f"{before} {names[0]}{more} {after}; make the folds again for this store")
