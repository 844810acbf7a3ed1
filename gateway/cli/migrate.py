"""`quanyu migrate`: where systems stand on their way out, what was compared, and the steps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from adapters.migration.placement import Phase
from gateway.cli.database import stop
from gateway.cli.migrate_report import parity, usage
from gateway.cli.migrating import (
    BY,
    JSON,
    PART,
    REASON,
    on_database,
    policy,
    recording,
    settings,
    shown_time,
)
from gateway.cli.screen import GOOD, POOR, WARN, put_json, put_table, say
from gateway.database import Database
from gateway.migration.declared import Declared, declared_of, read_declared
from gateway.migration.gates import Gate
from gateway.migration.numbers import NumberMap
from gateway.migration.operate import Operator, move
from gateway.migration.phases import ORDER, Kind, Wish, next_phase
from gateway.migration.readiness import Readiness
from gateway.migration.store import MigrationStore, State, Step
from gateway.migration.told import told_gate, told_state, told_step

__all__ = ["migrate"]


@click.group()
def migrate() -> None:
    """Move a department off its old system 系统迁移: status, plan, advance, percent, rollback, gates, parity, usage.

    Exit status 0 if done; 1 if a gate is shut, the step is refused or waits for a second person; 2 if the settings or
    the database are at fault.
    """


@migrate.command()
@click.argument("system", required=False)
@JSON
def status(system: str | None, as_json: bool) -> None:
    """Where each migration stands, and its history where SYSTEM is given."""

    async def work(database: Database) -> tuple[dict[str, Declared], list[State], list[Step]]:
        store = MigrationStore(database)
        declared, states = await read_declared(database), await store.states()
        shown = sorted({*declared, *(one for one, _ in states)})
        if system is not None:
            shown = [system] if system in shown else [declared_of(declared, system).system]
        found = [
            *(states.get((one, ""), State(one)) for one in shown),
            *(state for (one, part), state in sorted(states.items()) if part and one in shown),
        ]
        return declared, found, await store.history(system) if system else []

    declared, states, history = on_database(work)
    if as_json:
        put_json(
            {
                "migrations": [told_state(one, declared.get(one.system)) for one in states],
                "history": [told_step(one) for one in history],
            }
        )
        return
    put_table(
        "Migrations 迁移",
        (
            "system 系统",
            "successor 接替",
            "part",
            "phase 阶段",
            "new side 新侧",
            "compared 比对",
            "since 自",
            "version",
        ),
        [_state_row(one, declared.get(one.system)) for one in states],
        {index: WARN for index, one in enumerate(states) if one.placement.frozen},
    )
    if history:
        put_table(
            "History 历史",
            ("when 时间", "step 步骤", "from", "to", "who 操作人", "why 理由", "forced 强制"),
            [
                (
                    shown_time(one.at_us) or "",
                    one.kind,
                    str(one.was),
                    _placed(State(one.system, placement=one.placement)),
                    " + ".join(filter(None, (one.actor, one.second))),
                    one.reason,
                    ", ".join(one.forced),
                )
                for one in history
            ],
        )


@migrate.command()
@click.argument("system")
@JSON
def plan(system: str, as_json: bool) -> None:
    """What comes next for SYSTEM, and what is still in the way of it."""
    state, gates = _gates(system, None)
    to = next_phase(state.placement.phase)
    if as_json:
        put_json(
            {
                **told_state(state),
                "next": to,
                "open": [told_gate(one) for one in gates if not one.ok],
                "back": [str(one) for one in ORDER[: ORDER.index(state.placement.phase)]],
            }
        )
        return
    say(f"{system} is {_placed(state)} since {shown_time(state.since_us) or 'ever'}.")
    if to is None:
        say("It is retired: nothing comes after it.", GOOD)
        return
    shut = [one for one in gates if not one.ok]
    for gate in shut:
        say(f"  shut 未过  {gate.name}: {gate.value}; wanted {gate.threshold}", POOR)
    word = "then" if shut else "ready 可以推进:"
    say(f"  {word}  quanyu migrate advance {system} --to {to} --reason '…'", None if shut else GOOD)
    say(f"  back 回退  quanyu migrate rollback {system} --reason '…'")


@migrate.command()
@click.argument("system")
@click.option(
    "--to", type=click.Choice([str(one) for one in ORDER[1:]]), help="The phase that must come next."
)
@click.option("--percent", type=float, help="Of the canary, to begin with (5).")
@click.option("--sample", type=float, help="Percent of the questions that are compared.")
@click.option("--force", is_flag=True, help="Over shut gates; which ones is recorded.")
@PART
@BY
@REASON
@JSON
def advance(
    system: str,
    to: str | None,
    percent: float | None,
    sample: float | None,
    force: bool,
    part: str,
    by: str,
    reason: str,
    as_json: bool,
) -> None:
    """One phase further, if the gates are open."""
    wish = Wish("advance", Phase(to) if to else None, percent, sample)
    _step(system, wish, Operator(by, reason, force), part, as_json=as_json)


@migrate.command("percent")
@click.argument("system")
@click.argument("percent", type=float)
@click.option("--force", is_flag=True, help="Over shut gates; which ones is recorded.")
@PART
@BY
@REASON
@JSON
def set_percent(
    system: str, percent: float, force: bool, part: str, by: str, reason: str, as_json: bool
) -> None:
    """Share of the cases that the new side answers for, in CANARY."""
    _step(system, Wish("percent", percent=percent), Operator(by, reason, force), part, as_json=as_json)


@migrate.command("sample")
@click.argument("system")
@click.argument("sample", type=float)
@PART
@BY
@REASON
@JSON
def set_sample(system: str, sample: float, part: str, by: str, reason: str, as_json: bool) -> None:
    """Percent of the questions that are asked of both sides and compared."""
    _step(system, Wish("sample", sample=sample), Operator(by, reason), part, as_json=as_json)


@migrate.command()
@click.argument("system")
@click.option("--to", type=click.Choice([str(one) for one in ORDER[:-1]]), help="How far back.")
@PART
@BY
@REASON
@JSON
def rollback(system: str, to: str | None, part: str, by: str, reason: str, as_json: bool) -> None:
    """Back to an earlier phase, at once and without gates."""
    _step(
        system,
        Wish("rollback", Phase(to) if to else None),
        Operator(by, reason),
        part,
        as_json=as_json,
    )


def _plain(kind: Kind, what: str) -> click.Command:
    @click.argument("system")
    @PART
    @BY
    @REASON
    @JSON
    def command(system: str, part: str, by: str, reason: str, as_json: bool) -> None:
        _step(system, Wish(kind), Operator(by, reason), part, as_json=as_json)

    return click.command(kind, help=what)(command)


migrate.add_command(_plain("freeze", "Hold everything where it is; only a rollback is possible."))
migrate.add_command(_plain("thaw", "Let it move again."))


@migrate.command()
@click.argument("system")
@click.option(
    "--to", type=click.Choice([str(one) for one in ORDER[1:]]), help="Of this phase, not of the next."
)
@JSON
def gates(system: str, to: str | None, as_json: bool) -> None:
    """What must hold for the next phase. Exit status 1 if a gate is shut."""
    state, found = _gates(system, Phase(to) if to else None)
    ready = all(one.ok for one in found)
    if as_json:
        wanted = to or next_phase(state.placement.phase)
        put_json({"system": system, "to": wanted, "ready": ready, "gates": [told_gate(one) for one in found]})
    else:
        put_table(
            f"Gates of {system} 门禁",
            ("gate", "", "found 现状", "wanted 要求"),
            [(one.name, "open 通过" if one.ok else "shut 未过", one.value, one.threshold) for one in found],
            {index: GOOD if one.ok else POOR for index, one in enumerate(found)},
        )
    sys.exit(0 if ready else 1)


@migrate.group()
def numbers() -> None:
    """The identifier map: old numbers to new ones."""


@numbers.command("import")
@click.argument("system")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_numbers(system: str, file: Path) -> None:
    """Read pairs `old,new` from a CSV FILE without a header. All or none; the same file again changes nothing."""
    pairs: list[tuple[str, str]] = []
    for index, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        old, comma, new = (part.strip() for part in line.partition(","))
        if not (old and comma and new) or "," in new:
            stop(f"{file}:{index}: `old,new` is wanted, found {line[:60]!r}")
        pairs.append((old, new))

    async def work(database: Database) -> int:
        return await NumberMap(database).bind_all(system, pairs)

    fresh = on_database(work)
    say(f"{fresh} new pairs, {len(pairs) - fresh} were there")


migrate.add_command(parity)
migrate.add_command(usage)


# --- doing ---


def _step(system: str, wish: Wish, by: Operator, part: str, *, as_json: bool) -> None:
    async def work(database: Database) -> State:
        declared = declared_of(await read_declared(database), system)
        readiness = Readiness(database, policy())
        store = MigrationStore(database)

        async def ask(now: State, to: Any) -> Any:
            return await readiness.gates(declared, now, to)

        return await recording(
            database,
            lambda writer: move(
                store,
                writer,
                system,
                wish,
                by,
                part=part,
                gates=ask,
                four_eyes=settings().migration_four_eyes,
            ),
        )

    state = on_database(work)
    if as_json:
        put_json(told_state(state))
    else:
        say(f"{system} is {_placed(state)} (version {state.version})", GOOD)


def _gates(system: str, to: Phase | None) -> tuple[State, list[Gate]]:
    async def work(database: Database) -> tuple[State, list[Gate]]:
        declared = declared_of(await read_declared(database), system)
        state = await MigrationStore(database).state(system)
        wanted = to or next_phase(state.placement.phase)
        if wanted is None:
            return state, []
        return state, list(await Readiness(database, policy()).gates(declared, state, wanted))

    return on_database(work)


# --- showing ---


def _placed(state: State) -> str:
    at = state.placement
    shown = f"{at.phase} {at.percent:g} %" if at.phase is Phase.CANARY else str(at.phase)
    return f"{shown} FROZEN" if at.frozen else shown


def _state_row(state: State, declared: Declared | None) -> tuple[str, ...]:
    at = state.placement
    return (
        state.system,
        declared.successor if declared is not None else "not declared",
        state.part or "all",
        _placed(state),
        f"{at.share:g} %",
        f"{at.sample:g} %" if at.compares else "-",
        shown_time(state.since_us) or "-",
        str(state.version),
    )
