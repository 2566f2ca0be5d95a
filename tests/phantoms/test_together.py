import numpy as np
import pytest

from ichnos.phantoms.deep_bleeds import FILLINGS, SCATTERED, SITES
from ichnos.phantoms.settings import SUBTYPES
from ichnos.phantoms.surface_bleeds import LAYERS, LENSES, SPREADS
from ichnos.phantoms.together import DISEASE_ODDS, DISEASES, draw_wishes

PLACES = {
    "epidural": LENSES,
    "intraparenchymal": SITES | SCATTERED,
    "intraventricular": FILLINGS,
    "subarachnoid": SPREADS,
    "subdural": LAYERS,
}


def drawn(count=600, subtypes=SUBTYPES):
    return [draw_wishes(np.random.default_rng(seed), subtypes) for seed in range(count)]


def test_every_wish_can_be_granted():
    assert sum(DISEASE_ODDS) == pytest.approx(1.0)
    assert len(DISEASE_ODDS) == len(DISEASES)
    for wishes in drawn():
        assert 1 <= len(wishes) == len({wish.subtype for wish in wishes})
        assert all(not wish.place or wish.place in PLACES[wish.subtype] for wish in wishes)


def test_bleeds_come_together_as_in_patients():
    company = [frozenset(wish.subtype for wish in wishes) for wishes in drawn()]
    share = {name: np.mean([name in one for one in company]) for name in SUBTYPES}
    assert share["intraparenchymal"] > share["epidural"]
    entered = np.mean(["intraventricular" in c for c in company if "intraparenchymal" in c])
    alone = np.mean(["intraventricular" in c for c in company if "epidural" in c])
    assert entered > 2 * alone
    assert 0.4 < np.mean([len(c) > 1 for c in company]) < 0.8


def test_a_blow_wounds_the_other_side_too():
    for wishes in drawn():
        sides = {wish.subtype: wish.side for wish in wishes}
        if {"epidural", "subdural"} <= set(sides):
            assert sides["epidural"] == -sides["subdural"]


def test_only_what_may_be_drawn_is_wished():
    assert {wish.subtype for wishes in drawn(60, ("subdural",)) for wish in wishes} == {"subdural"}
