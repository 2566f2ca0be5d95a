"""Seg-CQ500 (Spahr et al., Frontiers in Neuroimaging 2023, Zenodo 8063221): 51 scans of CQ500 with masks.

    Seg-CQ500/data/volumes/CQ500-CT-N/{CT.nii, ICH_mask.nii.gz, brain.nii.gz}
    Seg-CQ500/data/volumes/info.csv         name, CT_fn, mask_fn and probabilities

Affines may be sheared by gantry tilt and are taken as they are. The probabilities are not labels:
they become hints. Slices are labelled by the masks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ichnos.cohorts.case import Case, Cohort, LabelledScan, Skipped
from ichnos.cohorts.readers.cq500 import study_name, study_number
from ichnos.cohorts.readers.labelling import label_scan, unknown_labels
from ichnos.cohorts.readers.layout import visible
from ichnos.cohorts.readers.masks import read_bleed_masks, read_brain_mask
from ichnos.cohorts.readers.notes import noted
from ichnos.cohorts.readers.places import find_child
from ichnos.cohorts.readers.tables import plain, read_table
from ichnos.errors import CohortError
from ichnos.scans import read_scan

NAME = "seg-cq500"
LICENCE = "masks CC BY 4.0, scans CC BY-NC-SA 4.0; cite doi:10.5281/zenodo.8063221"
SCANS = 51
SCAN_NAMES = ("CT.nii", "CT.nii.gz")
MASK_NAMES = ("ICH_mask.nii.gz", "ICH_mask.nii")
BRAIN_NAMES = ("brain.nii.gz", "brain.nii")
FILE_COLUMNS = {"name", "ctfn", "maskfn"}
"""Plain names of the columns of info.csv that are no probability."""


@dataclass(frozen=True)
class _Info:
    """What info.csv says, by study number."""

    hints: Mapping[int, Mapping[str, str]]
    notes: tuple[str, ...] = ()


def open_seg_cq500(root: Path) -> Cohort:
    """List the scans of studies at or below `root`.

    Raises:
        CohortError: none is there, or only the zip; info.csv cannot be understood.
    """
    found, skipped = _find_folders(root)
    if not found:
        zips = [root] if root.is_file() else [path for path in visible(root) if path.suffix.lower() == ".zip"]
        if zips:
            raise CohortError(
                f"{zips[0]}: is still packed; unpack it (NIfTI is not read inside a zip), give the folder"
            )
        raise CohortError(f"{root}: no CQ500-CT-<number>/CT.nii there; give the unpacked folder of Seg-CQ500")
    volumes = next(iter(found.values())).parent
    table = find_child(volumes, "info.csv")
    info = _read_info(table) if table else _Info({}, ("no info.csv, so no probabilities",))
    cases = sorted((_case(number, folder, info) for number, folder in found.items()), key=lambda case: case.case)
    return Cohort(
        name=NAME,
        root=root,
        licence=LICENCE,
        cases=tuple(cases),
        load=load_seg_cq500,
        skipped=tuple(skipped),
        notes=(*info.notes, *_compare(cases, info)),
    )


def load_seg_cq500(case: Case) -> LabelledScan:
    """Read a scan with its masks, and label its slices by them; subtypes are not told.

    Raises:
        ScanError: the scan cannot be used, or a mask does not lie on its grid.
    """
    scan = read_scan(case.files[0])
    masks = read_bleed_masks(case.masks[""], scan) if case.masks else None
    brain_mask = read_brain_mask(case.brain_mask, scan) if case.brain_mask else None
    return label_scan(case, scan, unknown_labels(len(scan.voxels_hu)), masks, brain_mask=brain_mask)


def _find_folders(root: Path, depth: int = 4) -> tuple[dict[int, Path], list[Skipped]]:
    """Folders of studies by number, and those that are left out."""
    found: dict[int, Path] = {}
    skipped = []
    level = [root] if root.is_dir() else []
    for _ in range(depth + 1):
        below: list[Path] = []
        for folder in level:
            number = study_number(folder.name)
            if number is None:
                below += [path for path in visible(folder) if path.is_dir()]
                if find_child(folder, *SCAN_NAMES) is not None:
                    skipped.append(Skipped(str(folder), "not named CQ500-CT-<number>"))
            elif find_child(folder, *SCAN_NAMES) is None:
                skipped.append(Skipped(str(folder), "no CT.nii in it"))
            elif number in found:
                skipped.append(Skipped(str(folder), f"{found[number]} is taken for this study"))
            else:
                found[number] = folder
        level = below
    return found, skipped


def _case(number: int, folder: Path, info: _Info) -> Case:
    scan, mask = find_child(folder, *SCAN_NAMES), find_child(folder, *MASK_NAMES)
    assert scan is not None  # _find_folders looked
    return Case(
        case=study_name(number),
        patient=study_name(number),
        files=(scan,),
        masks={"": mask} if mask else {},
        brain_mask=find_child(folder, *BRAIN_NAMES),
        identifiers={"cq500": study_name(number)},
        hints=info.hints.get(number, {}),
    )


def _read_info(path: Path) -> _Info:
    table = read_table(path, ["name"])
    columns = [name for name in table.columns if name and plain(name) not in FILE_COLUMNS]
    hints: dict[int, dict[str, str]] = {}
    strange, astray, repeated = [], [], []
    for row in table.rows:
        number = study_number(row["name"])
        if number is None:
            strange.append(row["name"])
            continue
        if number in hints:
            repeated.append(study_name(number))
        hints[number] = {f"probability of {name}": row.get(name) for name in columns if row.get(name)}
        named = {study_number(part) for name in ("CT_fn", "mask_fn") for part in Path(row.get(name)).parts}
        if named - {number, None}:
            astray.append(study_name(number))
    notes = noted(
        {
            f"{path.name}: rows that are no study were passed over": strange,
            f"{path.name}: studies with two rows, the last is taken": repeated,
            f"{path.name}: names files of another study, which are not taken, for": astray,
        }
    )
    return _Info(hints, tuple(notes))


def _compare(cases: Sequence[Case], info: _Info) -> list[str]:
    here = {case.case for case in cases}
    listed_there = {study_name(number) for number in info.hints}
    count = [] if len(cases) == SCANS else [f"{len(cases)} of {SCANS} published scans are here"]
    return count + noted(
        {
            "scans without a bleed mask": [case.case for case in cases if not case.masks],
            "scans without an intracranial mask": [case.case for case in cases if case.brain_mask is None],
            "scans that info.csv does not list": sorted(here - listed_there) if info.hints else [],
            "listed in info.csv, but not here": sorted(listed_there - here),
        }
    )
