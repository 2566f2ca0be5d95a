"""`ichnos info`: what is installed here. Loads no torch."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from ichnos.cli.console import show_json
from ichnos.runtime.provenance import RESEARCH_USE, collect_versions, find_commit
from ichnos.segmentation.bundled import BUNDLED, DEFAULT


def run_info(*, as_json: bool) -> None:
    """Print versions, the bundled models, the networks of the intracranial mask and the recipes."""
    package = Path(str(files("ichnos")))
    models = {path.parent.name: _describe(path) for path in sorted(package.glob("weights/*/ichnos.json"))}
    content: dict[str, Any] = {
        "versions": collect_versions(),
        "commit": find_commit(),
        "models": models,
        "default_model": DEFAULT,
        "recipes": sorted(path.stem for path in package.glob("recipes/*.toml")),
        "notice": RESEARCH_USE,
    }
    if as_json:
        show_json(content)
        return
    import typer

    for name, version in content["versions"].items():
        typer.echo(f"{name:14}{version}")
    typer.echo(f"{'commit':14}{content['commit'] or 'not a source checkout'}")
    for name, model in models.items():
        default = "; the default" if name == DEFAULT else ""
        kind = "model" if name in BUNDLED else "brain mask"
        typer.echo(f"{kind:14}{name}: {model['trained_on']} ({model['megabytes']} MB{default})")
    for recipe in content["recipes"]:
        typer.echo(f"{'recipe':14}{recipe}")
    typer.echo(RESEARCH_USE)


def _describe(path: Path) -> dict[str, object]:
    content = json.loads(path.read_text(encoding="utf-8"))
    size = (path.parent / "model.safetensors").stat().st_size
    return {
        "trained_on": content["training"]["data"],
        "megabytes": round(size / 1e6, 1),
        "sha256": content["sha256"],
    }
