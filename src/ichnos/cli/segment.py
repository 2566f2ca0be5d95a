"""`ichnos segment`: one scan or thousands, resumable, never stopped by one bad case."""

import csv
import io
import json
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ichnos.cli.console import say
from ichnos.errors import IchnosError, MaskFileError, UsageError
from ichnos.reports.overlay import write_overlay
from ichnos.reports.scan_report import write_report
from ichnos.runtime.files import write_json, write_text
from ichnos.runtime.names import name_unknown
from ichnos.runtime.provenance import RESEARCH_USE, collect_versions, find_commit, timestamp
from ichnos.scans import read_scan, write_mask
from ichnos.scans.listing import TRUTH, ListedScan, list_scans
from ichnos.scans.write import write_labels
from ichnos.segmentation.brain_masks import METHODS, find_drawn_mask
from ichnos.segmentation.segmentation import Segmentation
from ichnos.segmentation.segmenter import Segmenter, load_segmenter
from ichnos.segmentation.subtypes import SUBTYPES

_TABLE = (
    "case",
    "status",
    "volume_ml",
    *(f"{name}_ml" for name in SUBTYPES),
    "probability",
    "bleed_slices",
    "slices",
    "brain_ml",
    "flags",
    "message",
)


@dataclass(frozen=True)
class SegmentOptions:
    """What the user asked for; see `ichnos segment --help`."""

    inputs: Path
    output: Path
    model: Path | str | None = None
    series: str | None = None
    strict: bool = False
    device: str = "auto"
    overwrite: bool = False
    quiet: bool = False
    verbose: bool = False
    brain_mask: str | None = None


def run_segment(options: SegmentOptions) -> tuple[dict[str, Any], int]:
    """Segment every scan; returns the run's record and the exit code.

    Writes for each case CASE/bleed.nii.gz, CASE/brain.nii.gz, CASE/overlay.png, CASE/report.html,
    CASE/segmentation.json and, where the model tells them, CASE/subtypes.nii.gz; then volumes.csv and run.json. A
    case whose segmentation.json is there is kept as it is, if it was made with the same model and settings.
    """
    started, began = timestamp(), time.perf_counter()
    listed = list_scans(options.inputs)
    if (options.inputs / "scans").is_dir() and (options.inputs / TRUTH).is_dir():
        say(f"{options.inputs / TRUTH} holds no scans and is left out", quiet=options.quiet)
    segmenter = load_segmenter(options.model, options.device)
    _check_brain_mask(options.brain_mask)
    asked = {
        **segmenter.provenance,
        "series": options.series,
        "strict": options.strict,
        "brain_mask": options.brain_mask,
    }
    _refuse_foreign_results(listed, asked, options)
    records: list[dict[str, Any]] = []
    try:
        for number, scan in enumerate(listed, start=1):
            records.append(_segment_case(scan, segmenter, asked, options))
            is_well = records[-1]["status"] in {"done", "kept"}
            say(f"[{number}/{len(listed)}] {_sentence(records[-1])}", quiet=options.quiet and is_well)
    finally:
        run = {
            "command": "segment",
            "started": started,
            "seconds": round(time.perf_counter() - began, 2),
            "versions": collect_versions(),
            "commit": find_commit(),
            "input": options.inputs,
            "output": options.output,
            "settings": asked,
            "cases": records,
            "not_reached": len(listed) - len(records),
            "notice": RESEARCH_USE,
        }
        write_json(options.output / "run.json", run)
        write_text(options.output / "volumes.csv", _table(records))
    failed = sum(record["status"] == "failed" for record in records)
    nothing_done = all(record["status"] == "skipped" for record in records)
    _say_last(options, len(records), failed)
    return run, 1 if failed or nothing_done else 0


def _segment_case(
    listed: ListedScan, segmenter: Segmenter, asked: dict[str, Any], options: SegmentOptions
) -> dict[str, Any]:
    folder = options.output / listed.case
    description = folder / "segmentation.json"
    if description.is_file() and not options.overwrite:
        kept: dict[str, Any] = json.loads(description.read_text(encoding="utf-8"))
        return {**kept, "status": "kept"}
    began = time.perf_counter()
    record: dict[str, Any] = {"case": listed.case, "input": str(listed.path), "status": "failed"}
    try:
        scan = read_scan(listed.path, series=options.series, strict=options.strict)
        result = _choose_brain_mask(segmenter, listed.case, options.brain_mask)(scan)
        write_mask(result.brain_mask, folder / "brain.nii.gz")
        notes = write_mask(result.bleed_mask, folder / "bleed.nii.gz")
        if result.subtypes is not None:
            write_labels(result.subtypes, scan, folder / "subtypes.nii.gz")
        write_overlay(result, folder / "overlay.png", listed.case)
        write_report(result, folder / "overlay.png", folder / "report.html", listed.case)
    except MaskFileError as error:
        return {**record, "status": "skipped", "message": str(error)}
    except IchnosError as error:
        return {**record, "message": str(error)}
    except Exception as error:
        if options.verbose:
            say(traceback.format_exc())
        return {**record, "message": f"unexpected {type(error).__name__}: {error}; -v shows where"}
    record |= _measure(result, notes)
    record |= {"status": "done", "made_with": asked, "seconds": round(time.perf_counter() - began, 2)}
    write_json(description, record)  # last, so that a case with a description is whole
    return record


def _check_brain_mask(asked: str | None) -> None:
    if asked is not None and asked not in METHODS and not Path(asked).exists():
        raise UsageError(f"--brain-mask: {name_unknown(asked, METHODS, 'way')}; or give a NIfTI mask or a folder")


def _choose_brain_mask(segmenter: Segmenter, case: str, asked: str | None) -> Segmenter:
    if asked is None:
        return segmenter
    how = asked if asked in METHODS else str(find_drawn_mask(Path(asked), case))
    return segmenter.with_settings(segmenter.settings.model_copy(update={"brain_mask": how}))


def _measure(result: Segmentation, notes: tuple[str, ...]) -> dict[str, Any]:
    geometry = result.scan.geometry
    bleed_slices = result.bleed_mask.voxels.any(axis=(1, 2))
    return {
        "volume_ml": round(result.volume_ml, 3),
        "subtypes_ml": {name: round(volume_ml, 3) for name, volume_ml in result.subtype_volumes_ml.items()},
        "subtype_numbers": {name: number for number, name in enumerate(result.subtype_volumes_ml, start=1)},
        "probability": round(result.probability, 4),
        "slice_probabilities": [round(float(value), 4) for value in result.slice_probabilities],
        "slices": geometry.shape[0],
        "bleed_slices": int(bleed_slices.sum()),
        "brain_ml": round(result.brain_mask.volume_ml, 1),
        "centroid_ras_mm": result.bleed_mask.centroid_mm.round(2).tolist() if bleed_slices.any() else None,
        "spacing_mm": [round(value, 4) for value in geometry.spacing_mm],
        "tilt_degrees": round(geometry.tilt_degrees, 2),
        "evenly_spaced": geometry.is_affine,
        "series_choice": result.scan.source.series_choice,
        "flags": [*result.flags, *notes],
        "notice": RESEARCH_USE,
    }


def _refuse_foreign_results(listed: list[ListedScan], asked: dict[str, Any], options: SegmentOptions) -> None:
    """Results made otherwise must not be mixed into one table."""
    if options.overwrite:
        return
    for scan in listed:
        description = options.output / scan.case / "segmentation.json"
        if not description.is_file():
            continue
        try:
            made_with = json.loads(description.read_text(encoding="utf-8")).get("made_with")
        except (json.JSONDecodeError, UnicodeDecodeError, AttributeError):
            made_with = None
        if made_with != json.loads(json.dumps(asked, default=str)):
            raise UsageError(
                f"{description.parent} holds a result of another model or other settings; "
                "give --overwrite to replace it, or another -o"
            )


def _sentence(record: dict[str, Any]) -> str:
    if record["status"] in {"failed", "skipped"}:
        return f"{record['case']}: {record['status']}: {record['message']}"
    kept = " (kept)" if record["status"] == "kept" else ""
    flags = f"; {'; '.join(record['flags'])}" if record["flags"] else ""
    found = [f"{name} {volume_ml:.1f}" for name, volume_ml in record.get("subtypes_ml", {}).items() if volume_ml]
    subtypes = f" ({', '.join(found)})" if found else ""
    return (
        f"{record['case']}: {record['volume_ml']:.1f} mL{subtypes} in {record['bleed_slices']} of "
        f"{record['slices']} slices, P(bleed) {record['probability']:.2f}{kept}{flags}"
    )


def _table(records: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _TABLE, extrasaction="ignore", restval="", lineterminator="\n")
    writer.writeheader()
    for record in records:
        subtypes = {f"{name}_ml": volume_ml for name, volume_ml in record.get("subtypes_ml", {}).items()}
        writer.writerow({**record, **subtypes, "flags": "; ".join(record.get("flags", ()))})
    return text.getvalue()


def _say_last(options: SegmentOptions, count: int, failed: int) -> None:
    if failed:
        say(f"ichnos: {failed} of {count} scans failed; {options.output / 'volumes.csv'} says why")
    say(
        f"Wrote masks, pictures, volumes.csv and run.json to {options.output}; "
        f"look at the overlay.png of each case. {RESEARCH_USE}",
        quiet=options.quiet,
    )
