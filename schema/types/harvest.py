"""Types of the harvest: how the network learns what happens in a legacy system."""

import strawberry

from schema.ports import HarvestFacts
from schema.scalars import DateTime
from schema.vocabulary import HarvestMode

__all__ = ["Harvest", "HarvestFault", "harvest_of"]

field = strawberry.field


@strawberry.type(description="Why the last harvest of a system did not go through 归集故障.")
class HarvestFault:
    code: str = field(description="Stable code: HARVEST_…, or one of the system's own SOURCE_… 故障代码.")
    message: str = field(description="In words, without anything personal 说明.")
    runs: int = field(description="Runs in a row that have failed 连续失败次数.")


@strawberry.type(
    description="How the network learns what happens in a system, and how far it has come 归集状况."
)
class Harvest:
    mode: HarvestMode = field(description="What it is asked 归集方式.")
    pushes: bool = field(description="Whether the system may tell of itself, by CloudEvents 是否推送.")
    every_s: float | None = field(description="Seconds between two runs 归集间隔(秒).")
    last_run_at: DateTime | None = field(description="End of the last run 最近归集时间.")
    last_good_at: DateTime | None = field(description="End of the last run that went through 最近成功时间.")
    last_push_at: DateTime | None = field(description="When the system last told of itself 最近推送时间.")
    running_since: DateTime | None = field(
        description="Beginning of the run under way, or of one whose process died; null between runs 本次开始时间."
    )
    watermark: DateTime | None = field(description="Moment up to which all is known 水位时间.")
    lag_s: float | None = field(
        description="Seconds since the last run that went through had begun: how old what is known may be; null before the "
        "first 滞后(秒)."
    )
    more: bool = field(description="The last run came to its limits; the next goes on at once 尚有未取.")
    fault: HarvestFault | None = field(description="Why the last run did not go through 故障.")
    quarantined: int = field(description="Records that could not be read, kept for a mapping fix 隔离记录数.")
    events_total: int = field(description="Events that it has brought, pushed ones too 事件总数.")
    repeated_total: int = field(description="Events that were known already 重复事件总数.")


def harvest_of(facts: HarvestFacts) -> Harvest:
    return Harvest(
        mode=facts.mode,
        pushes=facts.pushes,
        every_s=facts.every_s,
        last_run_at=_moment(facts.last_run_at),
        last_good_at=_moment(facts.last_good_at),
        last_push_at=_moment(facts.last_push_at),
        running_since=_moment(facts.running_since),
        watermark=_moment(facts.watermark),
        lag_s=facts.lag_s,
        more=facts.more,
        fault=HarvestFault(code=facts.fault_code, message=facts.fault or "", runs=facts.failures)
        if facts.fault_code is not None
        else None,
        quarantined=facts.quarantined,
        events_total=facts.events,
        repeated_total=facts.repeated,
    )


def _moment(text: str | None) -> DateTime | None:
    return None if text is None else DateTime(text)
