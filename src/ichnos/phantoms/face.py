"""What lies outside the cavity: orbits, air spaces, bones of the face, muscle and fat."""

import numpy as np

from ichnos.phantoms.fields import Field, Points, bump, capsule, ellipsoid, folded, rod, step
from ichnos.phantoms.head import Head, petrous_ridge

FAR_MM = 60.0
"""A distance that means: not near."""


def face_fields(head: Head, points: Points, surfaces: dict[str, Field]) -> dict[str, Field]:
    """Fields outside the cavity.

    Returns:
        air: below 0 in sinuses, nose, ear canals; cells: above 0 where bone is full of air cells;
        face_bone: below 0 in facial and neck bones; orbit, globe, lens, nerve: below 0 inside;
        lean_meat: muscle (above 0) against fat (below 0).
    """
    sides = folded(points)
    orbit = ellipsoid(sides, (30.0, 50.0, -46.0), (18.0, 27.0, 17.0))
    rough, fine = surfaces["rough"], head.fine.at(points)
    return {
        "orbit": orbit,
        "globe": ellipsoid(sides, (31.0, 64.0, -46.0), (12.0, 12.5, 12.0)),
        "lens": ellipsoid(sides, (31.0, 74.0, -46.0), (4.5, 1.8, 4.5)),
        "nerve": _orbit_strands(sides),
        "air": _air(head, points, sides, fine),
        "cells": _cells(points, sides),
        "face_bone": _bones(points, sides, orbit, rough),
        "lean_meat": _muscle(points, sides, surfaces["skull"], 0.5 * rough + 0.8 * fine),
    }


def _orbit_strands(sides: Points) -> Field:
    nerve = capsule(sides, (30.0, 54.0, -46.0), (8.0, 20.0, -38.0), (1.8, 2.0))
    medial = capsule(sides, (20.0, 64.0, -46.0), (10.0, 26.0, -42.0), (1.4, 2.0))
    lateral = capsule(sides, (43.0, 62.0, -46.0), (16.0, 26.0, -42.0), (1.4, 2.0))
    return np.minimum(np.minimum(nerve, medial), lateral)


def _air(head: Head, points: Points, sides: Points, fine: Field) -> Field:
    nose = np.maximum(np.abs(points.x) - 13.0, np.maximum(points.z + 42.0, 24.0 - points.y))
    nose = np.maximum(nose, np.maximum(points.y - 78.0, -120.0 - points.z))
    walls = 2.2 - np.abs(fine) * 4.0
    nose = np.maximum(nose, walls)
    maxillary = ellipsoid(sides, (30.0, 46.0, -82.0), (14.0, 17.0, 16.0))
    sphenoid = ellipsoid(sides, (7.0, 16.0, -42.0), (6.5, 12.0, 8.0))
    frontal = ellipsoid(sides, (11.0, head.front_mm - 1.0, -20.0), (13.0, 4.0, 12.0))
    frontal = frontal + 1.2 * fine + np.float32(head.sinus_mm)
    pharynx = ellipsoid(points, (0.0, 8.0, -92.0), (14.0, 9.0, 26.0))
    canal = capsule(sides, (48.0, -16.0, -45.0), (84.0, -19.0, -42.0), (2.5, 4.0))
    distance = np.minimum(np.minimum(nose, maxillary), np.minimum(sphenoid, frontal))
    return np.minimum(np.minimum(distance, pharynx), canal)


def _cells(points: Points, sides: Points) -> Field:
    mastoid = bump(sides.x - 57.0, 9.0) * bump(sides.y + 36.0, 11.0) * bump(points.z + 50.0, 15.0)
    apex = 0.6 * bump(sides.x - 42.0, 9.0) * bump(sides.y - petrous_ridge(sides.x), 4.0) * bump(points.z + 42.0, 6.0)
    return mastoid + apex - 0.25


def _bones(points: Points, sides: Points, orbit: Field, rough: Field) -> Field:
    shell = np.maximum(np.abs(orbit - 1.5) - 1.3 - 0.6 * rough, points.y - 68.0)
    sinus = ellipsoid(sides, (30.0, 46.0, -82.0), (14.0, 17.0, 16.0))
    shell = np.minimum(shell, np.abs(sinus - 0.8) - 0.8)
    nasal = np.maximum(np.abs(sides.x - 13.0) - 0.8, np.maximum(points.z + 40.0, np.abs(points.y - 50.0) - 28.0))
    septum = np.maximum(np.abs(points.x + rough) - 0.8, np.maximum(points.z + 36.0, np.abs(points.y - 52.0) - 34.0))
    arch = rod(
        sides, ((48.0, 50.0, -62.0, 5.0), (60.0, 36.0, -62.0, 3.5), (68.0, 10.0, -58.0, 2.5), (66.0, -8.0, -52.0, 4.0))
    )
    jaw = rod(sides, ((50.0, -6.0, -56.0, 5.5), (48.0, 2.0, -84.0, 5.0), (46.0, 14.0, -120.0, 6.0)))
    wing = capsule(sides, (10.0, 22.0, -60.0), (12.0, 20.0, -95.0), (3.0, 3.5))
    ring = np.abs(np.sqrt((points.x / 20.0) ** 2 + ((points.y + 40.0) / 18.0) ** 2) - 1.0) * 18.0
    ring = np.maximum(ring - 5.0 - 8.0 * bump(sides.x - 20.0, 6.0), points.z + 82.0)
    dens = capsule(points, (0.0, -26.0, -86.0), (0.0, -26.0, -130.0), (5.0, 7.0))
    distance = np.minimum(np.minimum(shell, nasal), np.minimum(septum, arch))
    distance = np.minimum(np.minimum(distance, jaw), np.minimum(wing, ring))
    return np.minimum(distance, dens)


def _muscle(points: Points, sides: Points, skull: Field, patches: Field) -> Field:
    temporal = 1.5 * bump(sides.x - 62.0, 22.0) * bump(points.y - 28.0, 24.0) * step(12.0 - points.z, 18.0)
    nape = 0.9 * step(-points.y - 5.0, 20.0) * step(-points.z - 35.0, 15.0)
    deep = 0.6 * step(-points.z - 50.0, 15.0) * step(40.0 - points.y, 15.0)
    hugging = np.clip(1.0 - skull * 0.3, -0.8, 1.0)
    patchy = 0.3 + 0.45 * step(-points.z - 30.0, 20.0)
    return patchy * patches + temporal + nape + deep + 0.6 * hugging - 0.75
