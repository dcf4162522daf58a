"""Rate limits for each caller, by a moving window, in memory or in Redis for several servers."""

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from index.errors import LimitsUnusable, SettingsError

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.aio.storage import Storage

# Pages, searches while typing and the like cost less than questions.
_REQUESTS = 10


@dataclass(frozen=True)
class Standing:
    """The remaining allowance of a caller, as in the RateLimit fields
    (draft-ietf-httpapi-ratelimit-headers-07). reset: in seconds."""

    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """Return the RateLimit fields for a response."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class TooMany(Exception):
    """Raised when a caller has reached a limit; cost: the count of the refused request."""

    def __init__(self, standing: Standing, cost: int) -> None:
        super().__init__("The limit is reached.")
        self.standing = standing
        self.cost = cost


class Limits:
    """Counts each caller's questions and requests against a rate, as `60/minute`.

    Every method raises LimitsUnusable where Redis cannot be reached.
    """

    def __init__(self, rate: str, redis_url: str) -> None:
        # A server without limits does not wait for the library.
        from limits import parse
        from limits.aio.strategies import MovingWindowRateLimiter

        item = parse(rate)
        self._window = MovingWindowRateLimiter(_storage(redis_url))
        self._questions = item
        self._requests, self._attempts = (
            type(item)(item.amount * _REQUESTS, item.multiples, namespace=name)
            for name in ("requests", "attempts")
        )

    async def questions(self, caller: str, count: int) -> Standing:
        """Count questions, and return the remaining allowance. Raises TooMany at the limit."""
        return await self._spend(self._questions, caller, count)

    async def attempt(self, caller: str) -> None:
        """Count a request that may have an invalid body or key. Raises TooMany at the limit.

        Attempts have a count of their own, so that the counts of questions and requests are exact.
        """
        await self._spend(self._attempts, caller, 1)

    async def request(self, caller: str) -> Standing:
        """Count a request that is no question, and return the remaining allowance.

        Raises TooMany at the limit.
        """
        return await self._spend(self._requests, caller, 1)

    async def _spend(self, item: "RateLimitItem", caller: str, cost: int) -> Standing:
        from limits.errors import StorageError

        try:
            allowed = await self._window.hit(item, caller, cost=cost)
            stats = await self._window.get_window_stats(item, caller)
        except StorageError as error:
            raise LimitsUnusable(f"The counts in Redis cannot be used: {error}.") from error
        # Rounded up: who comes back after so many seconds is let in.
        reset = max(1, math.ceil(stats.reset_time - time.time()))
        standing = Standing(item.amount, max(0, stats.remaining), reset)
        if not allowed:
            raise TooMany(standing, cost)
        return standing


def _storage(redis_url: str) -> "Storage":
    from limits.aio.storage import Storage
    from limits.errors import ConfigurationError
    from limits.storage import storage_from_string

    try:
        if redis_url:
            storage = storage_from_string(
                f"async+{redis_url}", implementation="redispy", wrap_exceptions=True
            )
        else:
            storage = storage_from_string("async+memory://")
    except ConfigurationError as error:
        raise SettingsError(
            f"NOTES_REDIS_URL is {redis_url!r}: {error}. Write redis://host:6379, and install "
            "what talks to it: pip install 'notes-assistant[redis]'"
        ) from error
    assert isinstance(storage, Storage)
    return storage
