"""How many processors this process may use, in a container too."""

import os
from functools import cache
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@cache
def usable_cpus() -> int:
    """Return the processors that it may run on, or fewer where a container's quota is less.

    The quota is that of cgroup v2, rounded up.
    """
    allowed = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return max(1, min(allowed, quota(_QUOTA) or allowed))


def quota(path: Path) -> int | None:
    """Return what a `cpu.max` file allows, None where it sets no limit."""
    try:
        quota, period = path.read_text().split()
        return None if quota == "max" else -(-int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return None
