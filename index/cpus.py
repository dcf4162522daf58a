"""The number of processors that this process may use; limits of a container count."""

import os
from functools import cache
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@cache
def usable_cpus() -> int:
    """Return the number of processors that this process may run on, at least 1.

    A smaller CPU quota of the container (cgroup v2, rounded up) takes its place.
    """
    allowed = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return max(1, min(allowed, quota(_QUOTA) or allowed))


def quota(path: Path) -> int | None:
    """Return the number of processors that a `cpu.max` file allows, None if it sets no limit."""
    try:
        quota, period = path.read_text().split()
        return None if quota == "max" else -(-int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return None
