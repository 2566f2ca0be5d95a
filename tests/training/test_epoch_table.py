import csv
from types import SimpleNamespace

from ichnos.training.epoch_table import EpochTable


def end_epoch(table, epoch, loss):
    optimizer = SimpleNamespace(param_groups=[{"lr": 0.5}])
    trainer = SimpleNamespace(current_epoch=epoch, global_step=7 * epoch, optimizers=[optimizer], is_global_zero=True)
    table.on_validation_end(trainer, SimpleNamespace(figures={"loss": loss, "validation_loss": 2 * loss}))


def read(path):
    with path.open(newline="") as stream:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(stream)]


def test_each_epoch_is_a_row(tmp_path):
    table = EpochTable(tmp_path / "metrics.csv")
    end_epoch(table, 0, 0.5)
    end_epoch(table, 1, 0.25)
    first, second = read(tmp_path / "metrics.csv")
    assert first == {"epoch": 0, "steps": 0, "next_learning_rate": 0.5, "loss": 0.5, "validation_loss": 1.0}
    assert (second["epoch"], second["loss"]) == (1, 0.25)


def test_a_resumed_table_goes_on_below_its_rows(tmp_path):
    table, resumed = EpochTable(tmp_path / "a.csv"), EpochTable(tmp_path / "b.csv")
    end_epoch(table, 0, 0.5)
    resumed.load_state_dict(table.state_dict())
    for one in (table, resumed):
        end_epoch(one, 1, 0.25)
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
