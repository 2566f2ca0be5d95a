"""What a result was made with: versions, commit, command, machine. No torch is imported."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESEARCH_USE = "Research use only. Not a medical device; not for diagnosis or treatment."
"""Shown wherever a result is shown."""

_PACKAGES = ("torch", "transformers", "lightning", "numpy", "scipy", "pydicom", "nibabel", "safetensors")


def package_version(name: str = "ichnos") -> str:
    """Installed version of a package, or `not installed`."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def collect_versions() -> dict[str, str]:
    """Versions of ichnos, Python and what decides numbers, by name."""
    versions = {"ichnos": package_version(), "python": platform.python_version()}
    versions.update((name, package_version(name)) for name in _PACKAGES)
    return versions


def find_commit() -> str | None:
    """Commit of the source tree that ichnos runs from; None if it is not a git checkout."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip() or None


def timestamp() -> str:
    """Now, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
