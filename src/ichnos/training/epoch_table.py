"""One row an epoch: `metrics.csv`, whole again after an interruption."""

import csv
from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import Callback

from ichnos.runtime.files import replacing


class EpochTable(Callback):
    """Writes epoch, steps, learning rate, mean training loss and the figures of validation.

    Its rows are part of every checkpoint, so that a resumed run ends with the table of one that was
    not interrupted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, float]] = []

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ANN401 - Lightning's own
        """Add the row of the epoch that ends."""
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        where = {"epoch": trainer.current_epoch, "steps": trainer.global_step, "next_learning_rate": rate}
        self.rows.append({**where, **pl_module.figures})
        if trainer.is_global_zero:
            self._write()

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on below them."""
        self.rows = list(state_dict["rows"])

    def _write(self) -> None:
        with replacing(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
            table = csv.DictWriter(stream, list(self.rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(self.rows)
