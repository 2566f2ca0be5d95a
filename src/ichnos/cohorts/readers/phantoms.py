"""Phantoms as `ichnos phantom` writes them: every command runs on them as on real collections.

scans/NAME.nii.gz or scans/NAME/*.dcm
truth/NAME/{bleed.nii.gz, bleed-SUBTYPE.nii.gz, brain.nii.gz, labels.csv}
"""

from pathlib import Path

from ichnos.cohorts.case import Case, Cohort, LabelledScan, Skipped
from ichnos.cohorts.readers.labelling import join_labels, label_scan
from ichnos.cohorts.readers.layout import nifti_stem, visible
from ichnos.cohorts.readers.masks import DrawnMasks, read_bleed_masks, read_brain_mask
from ichnos.cohorts.readers.notes import listed, noted
from ichnos.cohorts.readers.places import find_child, find_place
from ichnos.cohorts.readers.tables import read_table, read_yes_no
from ichnos.cohorts.slice_store import LABELS, UNKNOWN
from ichnos.errors import CohortError, ScanError
from ichnos.scans import Scan, read_scan
from ichnos.scans.nifti import is_nifti

NAME = "phantoms"
LICENCE = "synthetic: no patient data, no restrictions"


def open_phantoms(root: Path) -> Cohort:
    """List the phantoms that `ichnos phantom -o root` wrote; each is a patient of its own.

    Raises:
        CohortError: no scans/ and truth/ there, no scan or two of one name in it, or broken labels.
    """
    place = find_place(root, "truth", depth=1)
    scans, truth = (find_child(place, name) if place else None for name in ("scans", "truth"))
    if scans is None or truth is None:
        raise CohortError(f"{root}: no scans/ and truth/ there; give the folder that `ichnos phantom -o` wrote")
    found, skipped = _find_scans(scans)
    folders = {path.name: path for path in visible(truth) if path.is_dir()}
    skipped += [Skipped(f"truth/{name}", "truth without a scan") for name in sorted(set(folders) - set(found))]
    return Cohort(
        name=NAME,
        root=place or root,
        licence=LICENCE,
        cases=tuple(_case(name, path, folders.get(name)) for name, path in sorted(found.items())),
        load=load_phantom,
        skipped=tuple(skipped),
        notes=tuple(noted({"scans without truth": sorted(set(found) - set(folders))})),
    )


def load_phantom(case: Case) -> LabelledScan:
    """Read a phantom with its labels and its masks by subtype.

    Raises:
        ScanError: a file cannot be used, or the labels are not those of as many slices.
    """
    scan = read_scan(case.files[0])
    slices = len(scan.voxels_hu)
    labels, beyond = join_labels(case.slice_labels, [str(z) for z in range(slices)])
    if beyond:
        raise ScanError(
            f"{case.files[0]}: has {slices} slices, but labels.csv has slice {listed(beyond)}; make it again"
        )
    masks = _read_masks(case.masks[""], scan) if case.masks else None
    brain_mask = read_brain_mask(case.brain_mask, scan) if case.brain_mask else None
    return label_scan(case, scan, labels, masks, told=LABELS[1:], brain_mask=brain_mask)


def _find_scans(folder: Path) -> tuple[dict[str, Path], list[Skipped]]:
    found: dict[str, Path] = {}
    skipped = []
    for path in visible(folder):
        if is_nifti(path) or path.is_dir():
            name = path.name if path.is_dir() else nifti_stem(path)
            if name in found:
                raise CohortError(f"{folder}: holds {found[name].name} and {path.name}; remove the older one")
            found[name] = path
        elif path.suffix.lower() != ".json":
            skipped.append(Skipped(f"scans/{path.name}", "neither NIfTI nor a folder"))
    if not found:
        raise CohortError(f"{folder}: holds no scan; make phantoms with `ichnos phantom -o`")
    return found, skipped


def _read_masks(union: Path, scan: Scan) -> DrawnMasks:
    """Masks by subtype; blood of the union that no subtype claims comes under `any`."""
    masks: DrawnMasks = {}
    rest = read_bleed_masks(union, scan).get("any")
    for subtype in LABELS[1:]:
        path = union.with_name(f"bleed-{subtype}.nii.gz")
        if path.exists():
            drawn = read_bleed_masks(path, scan).get("any")
            masks |= {} if drawn is None else {subtype: drawn}
    for voxels in masks.values():
        rest = None if rest is None else rest & ~voxels
    return masks | ({"any": rest} if rest is not None and rest.any() else {})


def _case(name: str, path: Path, truth: Path | None) -> Case:
    labels = _read_labels(truth / "labels.csv") if truth else {}
    columns = dict(zip(LABELS, zip(*labels.values(), strict=True), strict=True)) if labels else {}
    union, brain = (truth / file if truth else None for file in ("bleed.nii.gz", "brain.nii.gz"))
    return Case(
        case=name,
        patient=name,
        files=(path,),
        slice_labels=labels,
        scan_labels={label: 1 in values for label, values in columns.items() if UNKNOWN not in values},
        masks={"": union} if union is not None and union.exists() else {},
        brain_mask=brain if brain is not None and brain.exists() else None,
        identifiers={"phantom": name},
    )


def _read_labels(path: Path) -> dict[str, tuple[int, ...]]:
    """Labels by z, counted from 0 at the feet."""
    labels: dict[str, tuple[int, ...]] = {}
    for row in read_table(path, ["z", *LABELS]).rows:
        told = [read_yes_no(row, name) for name in LABELS]
        if row["z"] in labels:
            raise row.error("z", f"slice {row['z']} stands there twice; make the phantom again")
        labels[row["z"]] = tuple(UNKNOWN if yes is None else int(yes) for yes in told)
    return labels
