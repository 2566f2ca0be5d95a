"""Which bleeds come together: feature `together`.

Shares are rounded from what series of trauma, hypertensive, amyloid and aneurysmal haemorrhage report.
"""

from collections.abc import Callable

import numpy as np

from ichnos.phantoms.bleed import Wish, random_side


def draw_wishes(rng: np.random.Generator, subtypes: tuple[str, ...]) -> tuple[Wish, ...]:
    """Draw a disease and what bleeds in it.

    Args:
        rng: randomness.
        subtypes: those that may be drawn.

    Returns:
        none where the disease has only subtypes that may not be drawn.
    """
    disease = str(rng.choice(list(DISEASES), p=DISEASE_ODDS))
    wishes = DISEASES[disease](rng, random_side(rng))
    return tuple(wish for wish in wishes if wish.subtype in subtypes)


def _pressure(rng: np.random.Generator, side: float) -> list[Wish]:
    """High blood pressure: deep in the brain, often broken into a ventricle."""
    place = str(rng.choice(["putamen", "thalamus", "caudate", "cerebellum", "pons"], p=(0.5, 0.28, 0.05, 0.11, 0.06)))
    wishes, breach, filling = [Wish("intraparenchymal", place, side)], rng.random(), rng.random()
    if breach < 0.45:
        kind = "clot" if filling < 0.4 else "cast" if filling < 0.65 else "one side" if filling < 0.8 else "horns"
        wishes.append(Wish("intraventricular", kind, side))
    return wishes


def _amyloid(rng: np.random.Generator, side: float) -> list[Wish]:
    """Old vessels: in a lobe, often with blood in the sulci over it."""
    wishes, over, under = [Wish("intraparenchymal", "lobar", side)], rng.random(), rng.random()
    if over < 0.4:
        wishes.append(Wish("subarachnoid", "sulcal", side))
    if under < 0.12:
        wishes.append(Wish("subdural", "thin", side))
    return wishes


def _aneurysm(rng: np.random.Generator, side: float) -> list[Wish]:
    """A burst aneurysm: cisterns, then ventricles, then brain."""
    wishes = [Wish("subarachnoid", str(rng.choice(["star", "sylvian", "between"], p=(0.7, 0.18, 0.12))), side)]
    enters, kind, torn, place = rng.random(), str(rng.choice(["horns", "cast", "middle"])), rng.random(), rng.random()
    if enters < 0.5:
        wishes.append(Wish("intraventricular", kind))
    if torn < 0.25:
        wishes.append(Wish("intraparenchymal", "temporal" if place < 0.6 else "frontobasal", side))
    return wishes


def _trauma(rng: np.random.Generator, side: float) -> list[Wish]:
    """A blow: layers and sulci on one side, bruises, a lens where the bone was struck on the other."""
    under, sulci, bruise, lens, horns = rng.random(5)
    wishes = []
    if under < 0.65:
        wishes.append(Wish("subdural", "", side))
    if sulci < 0.65 or not wishes:
        wishes.append(Wish("subarachnoid", "sulcal", side))
    if bruise < 0.5:
        wishes.append(Wish("intraparenchymal", "contusions", side))
    if lens < 0.2:
        wishes.append(Wish("epidural", "", -side))
    if horns < 0.12:
        wishes.append(Wish("intraventricular", "horns"))
    return wishes


def _fall(rng: np.random.Generator, side: float) -> list[Wish]:
    """A fall in old age: subdural alone."""
    return [Wish("subdural", "", side)]


def _blow(rng: np.random.Generator, side: float) -> list[Wish]:
    """A fracture: epidural, alone or with a bruise on the other side."""
    wishes = [Wish("epidural", "", side)]
    if rng.random() < 0.3:
        wishes.append(Wish("intraparenchymal", "contusions", -side))
    return wishes


DISEASES: dict[str, Callable[[np.random.Generator, float], list[Wish]]] = {
    "pressure": _pressure,
    "amyloid": _amyloid,
    "aneurysm": _aneurysm,
    "trauma": _trauma,
    "fall": _fall,
    "blow": _blow,
}
"""What makes heads bleed, and what bleeds then."""

DISEASE_ODDS = (0.27, 0.15, 0.15, 0.24, 0.13, 0.06)
"""Share of each disease."""
