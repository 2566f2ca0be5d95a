"""The page that a reproduction ends with: what its stages found, what is smaller than in the paper, how it was made."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ichnos.evaluation.reproduction.content import Part, read_parts
from ichnos.evaluation.reproduction.plan import stage_folder
from ichnos.reports.overlap import ComparedSlice, write_overlaps
from ichnos.reports.page import Picture, Section, write_page
from ichnos.runtime.provenance import RESEARCH_USE

PICTURES = "pictures"
"""Folder of a page's pictures."""


@dataclass(frozen=True)
class Account:
    """What a page says of how its figures were made.

    Attributes:
        title: of the page.
        measured_on: such as `phantoms`.
        command: that makes the page again.
        commit: of the code.
        seeds: of training.
        minutes: that processors worked, all stages together.
        cohorts: a line for each.
        smaller: what is smaller than in the paper.
    """

    title: str
    measured_on: str
    command: str
    commit: str
    seeds: tuple[int, ...]
    minutes: float
    cohorts: tuple[str, ...]
    smaller: tuple[str, ...]


def write_reproduction(folder: Path, stages: Sequence[str], account: Account) -> Path:
    """Write `index.html`, `index.md` and `pictures/` into `folder`; returns the path of the HTML file.

    Args:
        folder: of the experiment.
        stages: names of finished ones whose parts or slices are shown, in this order.
        account: of how it was made.
    """
    sections = [_tell_how(account)]
    for name in stages:
        own = stage_folder(folder, name)
        if (own / "parts.json").is_file():
            sections += [_show(part, own, folder) for part in read_parts(own)]
        if (own / "slices.npz").is_file():
            sections.append(_show_slices(own, folder, account.measured_on))
    notice = f"{RESEARCH_USE} All figures of ours were measured on {account.measured_on}."
    return write_page(account.title, sections, folder, notice)


def _tell_how(account: Account) -> Section:
    seeds = ", ".join(map(str, account.seeds))
    paragraphs = [
        f"Made by `{account.command}` at commit {account.commit}, training seeds {seeds}; all stages together took "
        f"{account.minutes:.0f} minutes of one core. Seeds fix the data, the first weights and the order of training.",
        *account.cohorts,
    ]
    if account.smaller:
        paragraphs.append("Smaller than in the paper: " + "; ".join(account.smaller) + ".")
    return Section("How this was made", tuple(paragraphs))


def _show(part: Part, own: Path, folder: Path) -> Section:
    pictures = []
    for name, caption in part.pictures:
        (folder / PICTURES).mkdir(exist_ok=True)
        shutil.copyfile(own / "pictures" / name, folder / PICTURES / name)
        pictures.append(Picture(folder / PICTURES / name, caption))
    return Section(part.title, part.paragraphs, part.tables, tuple(pictures))


def _show_slices(own: Path, folder: Path, measured_on: str) -> Section:
    with np.load(own / "slices.npz", allow_pickle=False) as arrays:
        methods = [str(name) for name in arrays["methods"]]
        slices = [
            ComparedSlice(
                name=str(name),
                slice_hu=arrays[f"hu-{row}"],
                label=arrays[f"label-{row}"],
                predicted={title: arrays[f"predicted-{row}-{column}"] for column, title in enumerate(methods)},
            )
            for row, name in enumerate(arrays["names"])
        ]
    path = folder / PICTURES / "hgi-sam-slices.png"
    write_overlaps(slices, path, f"{measured_on}")
    caption = (
        f"The slice with most blood in the fullest scan of each fold in turn, {measured_on}. Red: predicted only, "
        "green: labelled only, yellow: both."
    )
    return Section("Slices", (), (), (Picture(path, caption),))
