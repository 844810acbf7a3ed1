"""Frozen models of a declaration's `traffic` part, and the policy that they are. Used by legacy systems and remote
subgraphs alike. No I/O."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from adapters.traffic.maintenance import Maintenance, Once, Weekly
from adapters.traffic.policy import TrafficPolicy
from cache.freshness import Freshness

__all__ = ["Cache", "MaintenanceWindow", "Traffic", "policy_of"]

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")


def _checked_clock(text: str) -> str:
    if not _CLOCK.fullmatch(text):
        raise ValueError("a time of day is HH:mm, such as 22:30")
    return text


def _checked_moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is not None:
        raise ValueError("a local time without offset is expected, such as 2026-10-01T00:00")
    return text


TimeOfDay = Annotated[str, AfterValidator(_checked_clock)]
Moment = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$"),
    AfterValidator(_checked_moment),
]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=100)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, regex_engine="python-re")


class Cache(_Model):
    ttl_s: float = Field(default=0, ge=0, le=86400, description="Seconds for which an answer is fresh.")
    stale_while_revalidate_s: float = Field(
        default=0,
        ge=0,
        le=604800,
        description="Seconds past that for which it is still given at once, and renewed behind the answer.",
    )
    stale_if_error_s: float = Field(
        default=0,
        ge=0,
        le=604800,
        description="Seconds past that for which it may stand in for a failed call.",
    )


class MaintenanceWindow(_Model):
    """When the system is known to be down 维护时段: every week, or once. Times are the system's own."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        default=_DAYS, description="Days of the week on which it begins."
    )
    from_: TimeOfDay | None = Field(default=None, alias="from", description="Time of day, HH:mm.")
    to: TimeOfDay | None = Field(
        default=None, description="Its end, HH:mm; not after `from`: on the next day."
    )
    start: Moment | None = Field(
        default=None, description="Of a single window, such as 2026-10-01T00:00, instead of `from` and `to`."
    )
    end: Moment | None = Field(default=None, description="Its end.")

    @model_validator(mode="after")
    def _one_form(self) -> MaintenanceWindow:
        weekly, once = (self.from_, self.to), (self.start, self.end)
        if (None in weekly) == (None in once) or weekly.count(None) == 1 or once.count(None) == 1:
            raise ValueError("give either `from` and `to`, or `start` and `end`")
        if "days" in self.model_fields_set and self.start is not None:
            raise ValueError("`days` belongs to `from` and `to`")
        if not self.days:
            raise ValueError("`days` is empty: the window would never come")
        rule = self.rule()
        if isinstance(rule, Once) and rule.empty:
            raise ValueError("`end` must come after `start`")
        return self

    def rule(self) -> Weekly | Once:
        if self.start is not None and self.end is not None:
            return Once(datetime.fromisoformat(self.start), datetime.fromisoformat(self.end))
        assert self.from_ is not None and self.to is not None  # noqa: S101, PT018 - the model has one form
        days = frozenset(map(_DAYS.index, self.days))
        return Weekly(days, _minutes(self.from_), _minutes(self.to))


class Traffic(_Model):
    """What the system may be burdened with."""

    timeout_ms: int = Field(default=2000, ge=50, le=60000, description="One attempt, in milliseconds.")
    concurrency: int = Field(default=8, ge=1, le=256, description="Calls at once (bulkhead).")
    queue: int = Field(default=64, ge=0, le=10000, description="Calls that may wait for a place.")
    rate_per_s: float | None = Field(
        default=None,
        gt=0,
        le=10000,
        description="Calls a second, of all workers together where they share a Redis; no limit if absent.",
    )
    retries: int = Field(default=2, ge=0, le=5, description="Further attempts of a failed read.")
    hedge_after_ms: int | None = Field(
        default=None,
        ge=10,
        le=60000,
        description="A read unanswered after so many milliseconds is asked a second time beside the first.",
    )
    deadline_header: HeaderName | None = Field(
        default=None,
        description="Header in which the system is told how many milliseconds its answer is waited for.",
    )
    maintenance: tuple[MaintenanceWindow, ...] = Field(
        default=(), description="When it is known to be down: it is not asked then 维护时段."
    )
    max_body_mb: float = Field(default=16, gt=0, le=256, description="Larger replies are refused.")
    cache: Cache = Cache()


def policy_of(traffic: Traffic, utc_offset: timedelta, *, always_shared: bool) -> TrafficPolicy:
    """utc_offset: of the maintenance windows' times. always_shared: identical calls at the same moment share one
    flight though nothing is kept."""
    cache = traffic.cache
    freshness = Freshness(cache.ttl_s, cache.stale_if_error_s, cache.stale_while_revalidate_s)
    windows = tuple(window.rule() for window in traffic.maintenance)
    return TrafficPolicy(
        timeout_s=traffic.timeout_ms / 1000,
        concurrency=traffic.concurrency,
        queue=traffic.queue,
        rate_per_s=traffic.rate_per_s,
        retries=traffic.retries,
        hedge_after_s=None if traffic.hedge_after_ms is None else traffic.hedge_after_ms / 1000,
        maintenance=Maintenance(windows, utc_offset) if windows else None,
        freshness=freshness if freshness.keep_s or always_shared else None,
    )


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
