from ichnos.evaluation.evidence.worlds import GROUP_STARTS, group_features, list_worlds
from ichnos.phantoms import PhantomSettings
from ichnos.phantoms.features import FEATURES, WIDE


def test_groups_divide_the_features():
    groups = group_features()
    assert list(groups) == list(GROUP_STARTS)
    assert [name for names in groups.values() for name in names] == list(FEATURES)
    assert "table" in groups["scanner"]
    assert "tumour" in groups["look-alikes"]
    assert "oedema" in groups["pathology"]
    assert "veins" in groups["anatomy"]


def test_each_world_lacks_its_group_and_nothing_else():
    worlds = list_worlds()
    assert worlds["all features"] == WIDE
    assert worlds["no features"] == {}
    for group, names in group_features().items():
        world = worlds[f"without {group}"]
        assert set(WIDE) - set(world) == set(names) & set(WIDE)
        PhantomSettings(features=world)
