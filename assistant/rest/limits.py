"""How much a caller may ask: a moving window, in memory or in Redis for several servers."""

import time
from dataclasses import dataclass

import limits
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string

# Pages, searches while typing and the like cost less than questions.
_REQUESTS = 10


@dataclass(frozen=True)
class Standing:
    """What a caller has left, as the RateLimit fields say it
    (draft-ietf-httpapi-ratelimit-headers-07). reset: in seconds."""

    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """Return the fields of a response."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class TooMany(Exception):
    """A caller asked more than it may."""

    def __init__(self, standing: Standing) -> None:
        super().__init__("The limit is reached.")
        self.standing = standing


class Limits:
    """Counts each caller's questions and requests against a rate, as `60/minute`."""

    def __init__(self, rate: str, redis_url: str) -> None:
        item = limits.parse(rate)
        address = f"async+{redis_url}" if redis_url else "async+memory://"
        storage = storage_from_string(address)
        assert isinstance(storage, Storage)
        self._window = MovingWindowRateLimiter(storage)
        self._questions = item
        self._requests = type(item)(item.amount * _REQUESTS, item.multiples, namespace="requests")

    async def questions(self, caller: str, count: int) -> Standing:
        """Count questions, and return what is left. Raises TooMany where they are too many."""
        return await self._spend(self._questions, caller, count)

    async def request(self, caller: str) -> Standing:
        """Count a request that is no question, likewise."""
        return await self._spend(self._requests, caller, 1)

    async def _spend(self, item: limits.RateLimitItem, caller: str, cost: int) -> Standing:
        allowed = await self._window.hit(item, caller, cost=cost)
        stats = await self._window.get_window_stats(item, caller)
        reset = max(1, round(stats.reset_time - time.time()))
        standing = Standing(item.amount, max(0, stats.remaining), reset)
        if not allowed:
            raise TooMany(standing)
        return standing
