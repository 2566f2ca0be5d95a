"""A collection of your own, described by one CSV.

    scan,case,patient,any,subdural,mask,brain_mask,slice_labels,split,licence
    scans/0001,a1,p1,1,1,masks/a1.nii.gz,,labels/a1.csv,train,

Only `scan` is needed. Paths count from the CSV's folder. `mask:NAME` is the mask that NAME drew.
"""

from functools import partial
from pathlib import Path

from ichnos.cohorts.case import Case, Cohort, LabelledScan, Skipped
from ichnos.cohorts.readers.drawn import MAJORITY, check_rater, label_drawn
from ichnos.cohorts.readers.labelling import join_labels, unknown_labels
from ichnos.cohorts.readers.layout import check_case_name, few, visible
from ichnos.cohorts.readers.tables import Row, Table, plain, read_table, read_yes_no
from ichnos.cohorts.slice_store import LABELS, UNKNOWN
from ichnos.errors import CohortError, GeometryError
from ichnos.runtime.names import list_near
from ichnos.scans import read_scan
from ichnos.scans.listing import case_name
from ichnos.scans.nifti import is_nifti

COLUMNS = ("scan", "case", "patient", *LABELS, "mask", "brain_mask", "slice_labels", "split", "licence")
MASK_OF = "mask:"
SLICE_KEYS = ("z", "instance_uid")
UNTOLD_LICENCE = "not told in the CSV (column licence)"


def open_folder(root: Path, *, rater: str = MAJORITY) -> Cohort:
    """List the scans of a CSV.

    A row whose scan, mask or table is not there is left out and named; every other mistake stops, with
    its line and column.

    Args:
        root: the CSV, or a folder with one CSV in it.
        rater: whose masks to take where there are several columns `mask:NAME`.

    Raises:
        CohortError: no CSV, or several; a cell that cannot be understood; two rows of one case or scan;
            one patient written in two ways.
        UsageError: nobody of the rater's name drew.
    """
    path = _find(root)
    table = read_table(path, ["scan"])
    notes = _check_columns(table)
    cases: dict[str, Case] = {}
    skipped: list[Skipped] = []
    scans: dict[Path, Row] = {}
    for row in table.rows:
        lost = _lost(path.parent, row, table)
        if lost:
            skipped.append(Skipped(row.place, lost))
            continue
        case = _case(path.parent, row, table)
        earlier = scans.setdefault(case.files[0].resolve(), row)
        if case.case in cases:
            raise row.error("case", f"{case.case!r} is another row's too; names must differ (column case)")
        if earlier is not row:
            raise row.error("scan", f"{case.files[0]} is the scan of {earlier.place} too; remove one of the rows")
        cases[case.case] = case
    _check_patients(path, table)
    if not cases:
        first = f"{skipped[0].name}, {skipped[0].reason}" if skipped else "it has no rows"
        raise CohortError(f"{path}: lists no scan that is there: {first}")
    found = tuple(cases[name] for name in sorted(cases))
    alone = sum(not row.get("patient") for row in table.rows)
    notes += [f"{alone} row(s) tell no patient; each is taken as a patient"] if alone else []
    load = partial(load_folder, rater=check_rater(found, rater))
    return Cohort("folder", path.parent, _licence(table), found, load, tuple(skipped), tuple(notes))


def load_folder(case: Case, *, rater: str = MAJORITY) -> LabelledScan:
    """Decode a scan, its masks and labels; labels are joined by z (0 at the feet) or SOPInstanceUID.

    Raises:
        ScanError: the scan or a mask cannot be used; labels of slices that the scan does not have, or
            that cannot be told apart.
    """
    scan = read_scan(case.files)
    count = len(scan.voxels_hu)
    by_place = all(key.isdigit() for key in case.slice_labels)
    keys = [str(z) for z in range(count)] if by_place else list(scan.source.instance_uids)
    if case.slice_labels and len(set(keys)) < len(keys):
        raise GeometryError(f"{case.case}: two slices have one SOPInstanceUID; label them by z, 0 at the feet")
    labels, strangers = join_labels(case.slice_labels, keys) if case.slice_labels else (unknown_labels(count), [])
    if strangers:
        raise GeometryError(
            f"{case.case}: {len(strangers)} slice label(s) have no slice: {few(strangers)}; the scan has {count} slices"
            + (", z counts from 0 at the feet" if by_place else f" and {len(keys)} SOPInstanceUIDs")
        )
    return label_drawn(case, scan, labels, rater=rater)


def _check_patients(path: Path, table: Table) -> None:
    """Refuse one patient written in two ways: the two would count as two people, one in each fold."""
    written: dict[str, str] = {}
    for row in table.rows:
        patient = row.get("patient")
        other = written.setdefault(_same_patient(patient), patient)
        if other != patient:
            raise row.error("patient", f"{patient!r} and {other!r} look like one patient; write one of them everywhere")


def _same_patient(patient: str) -> str:
    """What 49, 049 and 49.0 share, and what P-1 and p-1 share."""
    whole = patient.removesuffix(".0")
    return whole.lstrip("0") or "0" if whole.isascii() and whole.isdigit() else patient.casefold()


def _find(root: Path) -> Path:
    if root.is_file():
        return root
    tables = [child for child in visible(root) if child.is_file() and child.suffix.lower() == ".csv"]
    if len(tables) != 1:
        raise CohortError(f"{root}: holds {len(tables)} CSV files; give the CSV that lists the scans")
    return tables[0]


def _check_columns(table: Table) -> list[str]:
    """Notes on columns that mean nothing here; one that is nearly a known name is a mistake."""
    known = {plain(name): name for name in COLUMNS} | {"license": "licence"}
    strange = [name for name in table.columns if name and plain(name) not in known and not _rater(name)]
    for name in strange:
        near = list_near(plain(name), known, likeness=0.8)
        if near:
            raise CohortError(f"{table.path}: column {name!r} is not known; did you mean {known[near[0]]!r}?")
    return [f"columns that mean nothing here were passed over: {', '.join(strange)}"] if strange else []


def _rater(column: str) -> str:
    """The name in `mask:NAME`; empty for other columns."""
    start, _, name = column.partition(":")
    return name.strip() if plain(start) == plain(MASK_OF[:-1]) else ""


def _place(base: Path, cell: str) -> Path:
    """The path in a cell; one that was written on Windows is understood."""
    place = base / cell
    return place if place.exists() or "\\" not in cell else base / cell.replace("\\", "/")


def _mask_columns(table: Table) -> dict[str, str]:
    """Columns of masks by rater."""
    raters = {_rater(name): name for name in table.columns if _rater(name)}
    return ({"": "mask"} if "mask" in map(plain, table.columns) else {}) | raters


def _lost(base: Path, row: Row, table: Table) -> str:
    """The first file that a row names and that is not there; empty if all are."""
    if not row["scan"]:
        raise row.error("scan", "is empty; name the scan or remove the row")
    for column in ("scan", *_mask_columns(table).values(), "brain_mask", "slice_labels"):
        if row.get(column) and not _place(base, row.get(column)).exists():
            return f"column {column}: no file or folder {row.get(column)}"
    return ""


def _case(base: Path, row: Row, table: Table) -> Case:
    scan = _place(base, row["scan"])
    name = check_case_name(row.get("case") or case_name(scan), row.place)
    told = {label: read_yes_no(row, label) for label in LABELS}
    return Case(
        case=name,
        patient=row.get("patient") or name,
        files=(scan,),
        slice_labels=_slice_labels(base, row, name),
        scan_labels={label: yes for label, yes in told.items() if yes is not None},
        masks={rater: _mask(base, row, column) for rater, column in _mask_columns(table).items() if row.get(column)},
        brain_mask=_mask(base, row, "brain_mask") if row.get("brain_mask") else None,
        hints={"split": row.get("split")} if row.get("split") else {},
    )


def _mask(base: Path, row: Row, column: str) -> Path:
    path = _place(base, row[column])
    if not is_nifti(path) or path.is_dir():
        raise row.error(column, f"{row[column]!r} is no NIfTI file; masks are .nii or .nii.gz")
    return path


def _slice_labels(base: Path, row: Row, case: str) -> dict[str, tuple[int, ...]]:
    """Labels by z or SOPInstanceUID from a table; of a table for several cases, its rows."""
    if not row.get("slice_labels"):
        return {}
    table = read_table(_place(base, row["slice_labels"]), [])
    named = [column for column in SLICE_KEYS if plain(column) in map(plain, table.columns)]
    if len(named) != 1 or not any(label in map(plain, table.columns) for label in LABELS):
        raise CohortError(f"{table.path}: needs a column z or instance_uid, and one of {', '.join(LABELS)}")
    labels: dict[str, tuple[int, ...]] = {}
    for own in table.rows:
        if own.get("case") not in {"", case}:
            continue
        key = _slice_key(own, named[0])
        told = tuple(UNKNOWN if (yes := read_yes_no(own, label)) is None else int(yes) for label in LABELS)
        if labels.setdefault(key, told) != told:
            raise own.error(named[0], f"slice {key} stands there twice with different labels; correct one")
    if not labels:
        raise CohortError(f"{table.path}: has no row for case {case}; correct it or empty the cell slice_labels")
    return labels


def _slice_key(row: Row, column: str) -> str:
    key = row[column]
    if column == "z":
        whole = key.removesuffix(".0")
        if not (whole.isascii() and whole.isdigit()):
            raise row.error("z", f"{key!r} is no slice number; the slice at the feet is 0")
        return str(int(whole))
    if not key or key.isdigit():
        raise row.error(column, f"{key!r} is no SOPInstanceUID")
    return key


def _licence(table: Table) -> str:
    told = sorted({row.get("licence") or row.get("license") for row in table.rows} - {""})
    return "; ".join(told) or UNTOLD_LICENCE
