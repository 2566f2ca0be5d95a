"""The tables of PhysioNet ct-ich: a row a slice, and a row a patient.

`hemorrhage_diagnosis_raw_ct.csv` numbers the slices of the NIfTI scans (1.3), and
`hemorrhage_diagnosis.csv` those of the pictures (1.0 to 1.2). The two differ: patient 51 starts
nine slices later in the second.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Int8

from ichnos.cohorts.readers.labelling import labels_of_masks
from ichnos.cohorts.readers.masks import DrawnMasks
from ichnos.cohorts.readers.notes import listed
from ichnos.cohorts.readers.tables import Row, plain, read_cells, read_table, read_yes_no
from ichnos.cohorts.slice_store import LABELS, UNKNOWN
from ichnos.errors import CohortError

SUBTYPES = LABELS[1:]
UNTOLD = (UNKNOWN,) * len(LABELS)
NEEDED = ("PatientNumber", "SliceNumber", *SUBTYPES, "No_Hemorrhage")
FRACTURE = "Fracture_Yes_No"


@dataclass(frozen=True)
class SliceRows:
    """What the table of slices says.

    Attributes:
        labels: by patient number and slice number, in the order of `LABELS`.
        fractured: by patient number, slices with a fracture.
        notes: what was odd.
    """

    labels: Mapping[int, Mapping[int, tuple[int, ...]]]
    fractured: Mapping[int, Collection[int]]
    notes: tuple[str, ...] = ()

    def by_key(self, patient: int) -> dict[str, tuple[int, ...]]:
        """Labels of a patient as `Case.slice_labels` wants them."""
        labels = self.labels.get(patient, {})
        return {str(number): labels[number] for number in sorted(labels)}

    def hints(self, patient: int) -> dict[str, str]:
        """What is known of a patient beside labels."""
        fractured = sorted(self.fractured.get(patient, ()))
        return {"fractured_slices": " ".join(map(str, fractured))} if fractured else {}


@dataclass
class _Gathered:
    """Rows as they are read, and the names of slices where something is odd."""

    labels: dict[int, dict[int, tuple[int, ...]]] = field(default_factory=dict)
    fractured: dict[int, set[int]] = field(default_factory=dict)
    repeated: set[str] = field(default_factory=set)
    contrary: set[str] = field(default_factory=set)
    at_odds: set[str] = field(default_factory=set)
    passed_over: int = 0


def read_slice_rows(path: Path) -> SliceRows:
    """Read the labels of slices, whatever the order of rows and columns.

    - a row that is there twice and says the same counts once; if it says something else, all
      labels of that slice are unknown;
    - where No_Hemorrhage contradicts the subtypes, all labels of that slice are unknown; where it
      is 0 and no subtype is named, the slice bleeds and its subtype is unknown.

    Raises:
        CohortError: a column is missing, or a value is neither yes nor no.
    """
    gathered = _Gathered()
    for row in read_table(path, NEEDED).rows:
        _gather(gathered, row)
    return SliceRows(gathered.labels, gathered.fractured, _notes(gathered, path.name))


def read_patient_labels(path: Path) -> dict[int, dict[str, bool]]:
    """Read which subtypes each patient has, from a table with one or two header rows and a footer.

    Rows whose first cell is no whole number are headers and footers. Empty means no.

    Raises:
        CohortError: a column of a subtype is missing.
    """
    lines = [cells for _, cells in read_cells(path)]
    first = next((place for place, cells in enumerate(lines) if _whole(cells[0]) is not None), len(lines))
    columns = {plain(name): place for cells in lines[:first] for place, name in enumerate(cells) if name.strip()}
    absent = [name for name in SUBTYPES if name not in columns]
    if absent:
        raise CohortError(f"{path}: has no column for {', '.join(absent)}; give the table as PhysioNet publishes it")
    patients: dict[int, dict[str, bool]] = {}
    for cells in lines[first:]:
        number = _whole(cells[0])
        if number is not None and len(cells) > max(columns[name] for name in SUBTYPES):
            patients[number] = {name: _whole(cells[columns[name]]) == 1 for name in SUBTYPES}
    return patients


def scan_labels(labels: Mapping[int, tuple[int, ...]], *, complete: bool) -> dict[str, bool]:
    """What slices say of their scan: yes if one says yes, no if all say no.

    Args:
        labels: of slices, in the order of `LABELS`.
        complete: whether these are all slices of the scan; otherwise they cannot say no.
    """
    columns = dict(zip(LABELS, zip(*labels.values(), strict=True), strict=True)) if labels else {}
    told = {name: True for name, values in columns.items() if 1 in values}
    return told | {name: False for name, values in columns.items() if complete and set(values) == {0}}


def compare_with_patients(
    scans: Mapping[int, Mapping[str, bool]], patients: Mapping[int, Mapping[str, bool]]
) -> list[str]:
    """Notes on patients whose subtypes differ between the table of slices and that of patients."""
    differing = []
    for number in sorted(set(scans) & set(patients)):
        names = [name for name in SUBTYPES if name in scans[number] and scans[number][name] != patients[number][name]]
        differing += [f"{number:03d} ({', '.join(names)})"] if names else []
    if not differing:
        return []
    return [f"slices and demographics disagree on {len(differing)} patients, slices are taken: {listed(differing)}"]


def disagreements(labels: Int8[np.ndarray, "slices 6"], masks: DrawnMasks | None) -> tuple[str, ...]:
    """Warnings on slices, counted from 0 at the feet, where labels and masks say different things."""
    drawn = labels_of_masks(masks, len(labels), ())[:, 0]
    told = {
        "labelled as bleeding, but nothing is drawn": (labels[:, 0] == 1) & (drawn == 0),
        "labelled as free of blood, but blood is drawn": (labels[:, 0] == 0) & (drawn == 1),
    }
    return tuple(
        f"{what}, on slice(s) z = {listed(np.nonzero(where)[0])}" for what, where in told.items() if where.any()
    )


def three_digits(numbers: Collection[int]) -> list[str]:
    """Patients as files name them, sorted."""
    return [f"{number:03d}" for number in sorted(numbers)]


def _gather(gathered: _Gathered, row: Row) -> None:
    patient, number = _whole(row["PatientNumber"]), _whole(row["SliceNumber"])
    if patient is None or number is None:
        gathered.passed_over += 1
        return
    name, labels = f"{patient:03d}:{number}", _labels(row)
    known = gathered.labels.setdefault(patient, {})
    if number in known:
        gathered.repeated.add(name)
        if known[number] != labels:
            gathered.contrary.add(name)
            labels = UNTOLD
    elif labels == UNTOLD:
        gathered.at_odds.add(name)
    known[number] = labels
    if row.get(FRACTURE) and read_yes_no(row, FRACTURE):
        gathered.fractured.setdefault(patient, set()).add(number)


def _labels(row: Row) -> tuple[int, ...]:
    """Labels in the order of `LABELS`; all unknown where the row contradicts itself."""
    told = [read_yes_no(row, name) for name in SUBTYPES]
    without = read_yes_no(row, "No_Hemorrhage")
    subtypes = tuple(UNKNOWN if yes is None else int(yes) for yes in told)
    if without:
        return UNTOLD if True in told else (0,) * len(LABELS)
    if True in told:
        return (1, *subtypes)
    if without is False:
        return (1, *UNTOLD[1:])
    return (UNKNOWN if None in told else 0, *subtypes)


def _notes(gathered: _Gathered, name: str) -> tuple[str, ...]:
    tellers = {
        "rows are there twice and count once": gathered.repeated - gathered.contrary,
        "slices have rows that contradict each other, their labels are unknown": gathered.contrary,
        "rows contradict themselves or say nothing, their labels are unknown": gathered.at_odds,
    }
    notes = [f"{name}: {len(names)} {what}: {listed(sorted(names))}" for what, names in tellers.items() if names]
    if gathered.passed_over:
        notes.append(f"{name}: {gathered.passed_over} rows without patient and slice number were passed over")
    return tuple(notes)


def _whole(text: str) -> int | None:
    """A whole number such as 49, 049 or 49.0; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() else None
