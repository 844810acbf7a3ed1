"""The writing fields of the `cases` subgraph: who may hand in what where, as one order to the desk; and receipts.

One for each generation of declarations; the desk behind it is for all. No GraphQL execution; answers are plain objects
for the shapers. Nothing that names a person leaves but masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.applicant import filter_number
from adapters.case_fields import masked_applicant, network_time
from adapters.case_questions import CaseQuestions, QuestionRefused
from adapters.declaration import Declaration, Write
from adapters.fetch import Caller, FetchError
from adapters.reach import Reach, area_of
from adapters.shape import FieldRule, Run, Selection
from adapters.submission.compiled import is_found_by_reference, mode_of
from adapters.submission.desk import Desk, Order
from adapters.submission.form import (
    FormProblem,
    SubmissionRefused,
    applicant_args,
    form_args,
    free_text,
    key_problem,
)
from adapters.submission.row import Submission
from adapters.submission.sides import Plan, Sides
from adapters.submission.writer import Writer
from schema.canonical import WRITES
from schema.errors import SchemaError
from schema.identifiers import applicant_ref, case_id, parse_case_id

__all__ = ["SubmissionQuestions"]

Path = tuple[str | int, ...]
FILE, FILE_OWN = "cases:file", "cases:file-own"
_TAKES_NEW = frozenset({"CONNECTED"})
_TAKES_MORE = frozenset({"CONNECTED", "FROZEN", "MERGED"})
"""Lifecycles in which a system takes new applications, and what belongs to those that it has."""
ANSWER_MARGIN_S = 0.25


@dataclass(frozen=True, slots=True)
class _Target:
    """The case that something belongs to. number: None while its system has not given one."""

    writer: Writer
    number: str | None
    lane: tuple[str, ...] | str
    follows: str | None = None
    item_code: str | None = None
    applicant_ref: str | None = None
    echo: Mapping[str, Any] = field(default_factory=dict)
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class SubmissionQuestions:
    """cases: the reading questions of the same generation; writers: by system, without those that take the place of
    another; sides: by the code of a system that is being replaced and takes something."""

    cases: CaseQuestions
    writers: Mapping[str, Writer]
    desk: Desk
    sides: Mapping[str, Sides] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cases.add_rule("SubmissionReceipt", "case", FieldRule(self._case, later=True))

    # --- what can be done ---

    async def submit_case(self, run: Run, arguments: dict[str, Any]) -> dict[str, Any]:
        given = arguments["input"]
        writer, write, plan = self._for_item(str(given["itemCode"]), given.get("system"))
        applicant, problems = applicant_args(given["applicant"], write.accepts)
        _may_file(run.context.caller, writer.source.declaration, applicant["idNumber"])
        self._may_file_in(run.context.caller, given.get("region"))
        form, more = form_args(write.accepts, given.get("fields"), given.get("materials"))
        title, worded = free_text(given.get("title"), "title")
        self._refuse(arguments, problems + more + worded)
        ref = self._ref(applicant)
        item = str(given["itemCode"])
        order = Order(
            operation="submit",
            system=writer.code,
            department=writer.source.declaration.system.owner,
            args={
                **form,
                "applicant": applicant,
                "itemCode": item,
                "taskCode": given.get("taskCode"),
                "regionCode": given.get("region"),
                "title": title,
                "case": {"number": None},
                "at": self._now(),
            },
            asked=given,
            who=_who(run.context.caller),
            key=arguments["idempotencyKey"],
            echo=self._echo(form, applicant, mode_of("submit", write)),
            lane=None if _is_found_by_reference(write, plan) else ("applicant", ref, item),
            item_code=item,
            applicant_ref=ref,
            plan=plan,
        )
        return await self._hand_in(run, arguments, order)

    async def supplement_case(self, run: Run, arguments: dict[str, Any]) -> dict[str, Any]:
        note, worded = free_text(arguments["input"].get("note"), "note")
        return await self._for_case(run, arguments, "supplement", {"note": note}, worded)

    async def withdraw_case(self, run: Run, arguments: dict[str, Any]) -> dict[str, Any]:
        reason, worded = free_text(arguments["input"]["reason"], "reason", required=True)
        return await self._for_case(run, arguments, "withdraw", {"reason": reason}, worded)

    async def book_appointment(self, run: Run, arguments: dict[str, Any]) -> dict[str, Any]:
        given = arguments["input"]
        target: _Target | None = None
        plan: Plan | None = None
        if given.get("case") is not None:
            target = await self._target(run, given["case"], "appointment")
            writer = target.writer
        elif given.get("system") is not None:
            writer, plan = self._planned(str(given["system"]), "appointment", _TAKES_MORE)
        else:
            problem = FormProblem(
                "FIELD_MISSING", "system", "give `system`, or the `case` that it belongs to"
            )
            raise SubmissionRefused(problem)
        write = writer.writes["appointment"].write
        applicant, problems = applicant_args(given["applicant"], write.accepts)
        _may_file(run.context.caller, writer.source.declaration, applicant["idNumber"])
        form, more = form_args(write.accepts, given.get("fields"), None)
        place, worded = free_text(given.get("place"), "place")
        self._refuse(arguments, problems + more + worded)
        ref, item = self._ref(applicant), given.get("itemCode") or (target.item_code if target else None)
        slot = {"start": given["startsAt"], "end": given.get("endsAt"), "place": place}
        order = Order(
            operation="appointment",
            system=writer.code,
            department=writer.source.declaration.system.owner,
            args={
                **form,
                "applicant": applicant,
                "itemCode": item,
                "case": {"number": target.number if target else None},
                "slot": slot,
                "at": self._now(),
            },
            asked=given,
            who=_who(run.context.caller),
            key=arguments["idempotencyKey"],
            echo={
                **self._echo(form, applicant, mode_of("appointment", write)),
                "caseNo": target.number if target else None,
            },
            lane=target.lane if target else None,
            item_code=item,
            applicant_ref=ref,
            follows=target.follows if target else None,
            plan=target.plan if target else plan,
        )
        return await self._hand_in(run, arguments, order)

    async def receipt(self, run: Run, arguments: dict[str, Any]) -> dict[str, Any]:
        return self._view(await self._own_row(run.context.caller, str(arguments["token"])))

    async def application_forms(self, run: Run, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        del run
        item, system = arguments.get("itemCode"), arguments.get("system")
        if system is not None and system not in self.writers:
            raise QuestionRefused("SYSTEM_UNKNOWN", f"No system {system!r} takes anything; {self._known()}.")
        forms = [
            _form(writer, name, code)
            for code, writer, name in self._taken()
            if system in (None, code) and writer.source.declaration.system.lifecycle in _TAKES_MORE
        ]
        return [one for one in forms if item is None or not one["itemCodes"] or item in one["itemCodes"]]

    def _taken(self) -> list[tuple[str, Writer, str]]:
        """(code, who has the word, operation) of all that is taken."""
        found = [
            (code, writer, name)
            for code, writer in self.writers.items()
            if code not in self.sides
            for name in writer.writes
            if name in WRITES
        ]
        for code, sides in self.sides.items():
            plans = {name: sides.plan(name) for name in WRITES}
            found += [(code, plan.first, name) for name, plan in plans.items() if plan is not None]
        return sorted(found, key=lambda one: one[0])

    # --- where it goes ---

    def _for_item(self, item: str, system: str | None) -> tuple[Writer, Write, Plan | None]:
        if system is not None:
            writer, plan = self._planned(system, "submit", _TAKES_NEW)
            if not _takes(writer, item):
                message = f"{system} does not take item {item!r}; see applicationForms."
                raise QuestionRefused("ITEM_NOT_ACCEPTED", message)
            return writer, writer.writes["submit"].write, plan
        plans = {code: sides.plan("submit") for code, sides in self.sides.items()}
        found = [
            writer
            for writer in (
                *(one for code, one in sorted(self.writers.items()) if code not in self.sides),
                *(plan.first for plan in plans.values() if plan is not None),
            )
            if "submit" in writer.writes
            and writer.source.declaration.system.lifecycle in _TAKES_NEW
            and _takes(writer, item)
        ]
        if not found:
            raise QuestionRefused(
                "ITEM_NOT_ACCEPTED", f"No system takes item {item!r}; see applicationForms."
            )
        if len(found) > 1:
            codes = ", ".join(self._public(writer.code) for writer in found)
            raise QuestionRefused(
                "SYSTEM_AMBIGUOUS", f"Several systems take item {item!r}; give `system`: {codes}."
            )
        plan = next((one for one in plans.values() if one is not None and one.first is found[0]), None)
        return found[0], found[0].writes["submit"].write, plan

    def _public(self, code: str) -> str:
        """The code that what a system takes is known under."""
        return next((one for one, sides in self.sides.items() if sides.new.code == code), code)

    def _planned(
        self, system: str, operation: str, lifecycles: frozenset[str], *, at_old: bool = False
    ) -> tuple[Writer, Plan | None]:
        """Who has the word, and what else is to be done where the system is being replaced."""
        sides = self.sides.get(system)
        if sides is None:
            return self._writer(system, operation, lifecycles), None
        plan = sides.plan(operation, at_old=at_old)
        if plan is None:
            raise QuestionRefused("CAPABILITY_MISSING", f"{system} declares no {operation!r}.")
        return self._taking(system, plan.first, operation, lifecycles), plan

    def _writer(self, system: str, operation: str, lifecycles: frozenset[str]) -> Writer:
        network = self.cases.network
        if system not in network.sources and system not in network.absent:
            raise QuestionRefused("SYSTEM_UNKNOWN", f"No system {system!r}; {self._known()}.")
        writer = self.writers.get(system)
        if system in network.absent:
            raise QuestionRefused(
                "SOURCE_UNAVAILABLE", f"{system}: its description (WSDL) could not be fetched yet."
            )
        if writer is None or operation not in writer.writes:
            raise QuestionRefused("CAPABILITY_MISSING", f"{system} declares no {operation!r}.")
        return self._taking(system, writer, operation, lifecycles)

    def _taking(self, system: str, writer: Writer, operation: str, lifecycles: frozenset[str]) -> Writer:
        lifecycle = writer.source.declaration.system.lifecycle
        if lifecycle not in lifecycles:
            raise QuestionRefused(
                "CAPABILITY_MISSING", f"{system} is {lifecycle} and takes no {operation!r} any more."
            )
        return writer

    def _known(self) -> str:
        return "there is " + (", ".join(sorted(self.writers)) or "none")

    async def _for_case(
        self,
        run: Run,
        arguments: dict[str, Any],
        operation: str,
        words: Mapping[str, Any],
        problems: list[FormProblem],
    ) -> dict[str, Any]:
        given = arguments["input"]
        target = await self._target(run, given["case"], operation)
        write = target.writer.writes[operation].write
        form, more = form_args(write.accepts, given.get("fields"), given.get("materials"))
        self._refuse(arguments, problems + more)
        order = Order(
            operation=operation,
            system=target.writer.code,
            department=target.writer.source.declaration.system.owner,
            args={
                **form,
                **words,
                "case": {"number": target.number},
                "itemCode": target.item_code,
                "at": self._now(),
            },
            asked=given,
            who=_who(run.context.caller),
            key=arguments["idempotencyKey"],
            echo={
                **self._echo(form, None, mode_of(operation, write)),
                "applicant": target.echo.get("applicant"),
                "caseNo": target.number,
            },
            lane=target.lane,
            item_code=target.item_code,
            applicant_ref=target.applicant_ref,
            follows=target.follows,
            plan=target.plan,
        )
        return await self._hand_in(run, arguments, order)

    async def _target(self, run: Run, reference: Mapping[str, Any], operation: str) -> _Target:
        """The case meant, if the caller may hand something in for it."""
        text, token = reference.get("id"), reference.get("receipt")
        if (text is None) == (token is None):
            message = "give either the case's `id` or the `receipt` of its application"
            raise SubmissionRefused(FormProblem("ARGUMENT_INVALID", "case", message))
        if token is not None:
            row = await self._own_row(run.context.caller, str(token))
            if row.operation != "submit":
                message = f"receipt {token} is of no application"
                raise SubmissionRefused(FormProblem("RECEIPT_NOT_FOUND", "case.receipt", message))
            return await self._target_of(row, operation)
        wanted = parse_case_id(str(text))
        writer, plan = await self._for_number(wanted.system, wanted.local_no, operation)
        filed = await self._filed_as(wanted.system, wanted.local_no)
        if filed is not None and self._sees(run.context.caller, filed):
            return await self._target_of(filed, operation)
        caller, owner = run.context.caller, writer.source.declaration.system.owner
        if FILE in caller.scopes and owner == caller.department:
            area = area_of(caller, self.cases.regions)
            if area.regions is not None:  # of a district's office: the case must be of the district
                await self._is_in_reach(run, wanted.system, wanted.local_no, Reach(areas=(area,)))
            return _Target(writer, wanted.local_no, ("case", wanted.local_no), plan=plan)
        if FILE_OWN not in caller.scopes or caller.subject is None:
            raise QuestionRefused("FORBIDDEN", f"{wanted.system} is of another department.")
        id_type, number = filter_number(None, caller.subject)
        await self._is_in_reach(run, wanted.system, wanted.local_no, Reach(numbers=((id_type, number),)))
        ref = applicant_ref(self.cases.ref_key, id_type, number)
        return _Target(writer, wanted.local_no, ("case", wanted.local_no), applicant_ref=ref, plan=plan)

    async def _target_of(self, row: Submission, operation: str) -> _Target:
        system, number = row.under or row.system, row.public or row.number
        if number is not None:
            writer, plan = await self._for_number(system, number, operation)
        else:  # what has no number yet goes on where it began
            writer, plan = self._planned(system, operation, _TAKES_MORE, at_old=row.system == system)
            if plan is not None and writer.code != row.system:
                raise QuestionRefused(
                    "SOURCE_UNAVAILABLE", f"{system} has moved and the application has no number yet; later."
                )
        follows = row.token if number is None else None
        echo = row.echo
        return _Target(writer, number, row.lane, follows, row.item_code, row.applicant_ref, echo, plan)

    async def _for_number(self, system: str, number: str, operation: str) -> tuple[Writer, Plan | None]:
        """Who has the word on a case. One that the new side does not have goes to the old one while that stands."""
        writer, plan = self._planned(system, operation, _TAKES_MORE)
        if plan is None or not plan.mapped:
            return writer, plan
        route = self.sides[system].route
        if route.is_born_new(number):  # the other side has no number of it
            return writer, replace(plan, mapped=False, second=None)
        if plan.first.code == system or await route.port.new_number(system, number) is not None:
            return writer, plan
        return self._planned(system, operation, _TAKES_MORE, at_old=True)

    async def _filed_as(self, system: str, number: str) -> Submission | None:
        """The application that became this case: its first row, whichever side has the word."""
        outbox = self.desk.outbox
        found = await outbox.filed_as(system, number)
        sides = self.sides.get(system)
        if found is None and sides is not None:
            new = number
            if sides.mapped and not sides.route.is_born_new(number):
                new = await sides.route.port.new_number(system, number) or number
            found = await outbox.filed_as(sides.new.code, new)
        if found is not None and found.is_second and found.after is not None:
            return await outbox.by_token(found.after)
        return found

    async def _is_in_reach(self, run: Run, system: str, local_no: str, reach: Reach) -> None:
        """Raises QuestionRefused. Another's case is as if it were not there."""
        found, outcomes = await self.cases.network.by_number(
            local_no,
            {"localNo", "appliedAt"} | reach.needs(),
            deadline=run.context.deadline,
            only=system,
            trace=run.context.trace_headers,
        )
        if self.cases.within(reach, found):
            return
        silent = not outcomes or any(not outcome.answered for outcome in outcomes)
        if silent:
            message = f"{system} does not say whose case {local_no!r} is; try again later."
            raise QuestionRefused("NO_SOURCE_ANSWERED", message)
        raise QuestionRefused("CASE_NOT_FOUND", f"{system} has no case {local_no!r}.")

    def _may_file_in(self, caller: Caller, region: str | None) -> None:
        """A clerk of a district files for the district. Raises QuestionRefused."""
        if FILE not in caller.scopes or region is None:
            return
        regions = area_of(caller, self.cases.regions).regions
        if regions is not None and region not in regions:
            raise QuestionRefused("FORBIDDEN", f"Division {region} is not below the token's own.")

    # --- handing in ---

    def _refuse(self, arguments: Mapping[str, Any], problems: list[FormProblem]) -> None:
        bad_key = key_problem(arguments["idempotencyKey"])
        found = ([bad_key] if bad_key is not None else []) + problems
        if found:
            raise SubmissionRefused(*found)

    async def _hand_in(self, run: Run, arguments: Mapping[str, Any], order: Order) -> dict[str, Any]:
        asked_ms = arguments.get("waitMs")
        if asked_ms is not None and asked_ms < 0:
            raise SubmissionRefused(FormProblem("LIMIT_EXCEEDED", "waitMs", "waitMs must be at least 0"))
        wanted_s = self.cases.default_deadline_s if asked_ms is None else asked_ms / 1000
        left_s = run.context.remaining_s() - ANSWER_MARGIN_S
        row = await self.desk.take(order, wait_s=max(0.0, min(wanted_s, left_s, self.cases.max_deadline_s)))
        return {"receipt": self._view(row)}

    def _ref(self, applicant: Mapping[str, Any]) -> str:
        return applicant_ref(self.cases.ref_key, applicant["idType"], applicant["idNumber"])

    def _echo(
        self, form: Mapping[str, Any], applicant: Mapping[str, Any] | None, mode: str
    ) -> dict[str, Any]:
        papers = [{"code": code, "size": one["size"]} for code, one in form["materials"].items()]
        masked = masked_applicant(applicant, self.cases.ref_key) if applicant is not None else None
        return {"applicant": masked, "fields": sorted(form["fields"]), "materials": papers, "mode": mode}

    def _now(self) -> str | None:
        return network_time(self.desk.dispatcher.now() / 1000)

    # --- receipts ---

    async def _own_row(self, caller: Caller, token: str) -> Submission:
        row = await self.desk.outbox.by_token(token.strip().upper())
        if row is None or not self._sees(caller, row):  # another's is as if it were not there
            raise QuestionRefused(
                "RECEIPT_NOT_FOUND", f"There is no receipt {token[:40]!r} that you may see."
            )
        return row

    def _sees(self, caller: Caller, row: Submission) -> bool:
        if FILE in caller.scopes and row.department == caller.department:
            return True
        if FILE_OWN not in caller.scopes or caller.subject is None or row.applicant_ref is None:
            return False
        return row.applicant_ref == applicant_ref(self.cases.ref_key, *filter_number(None, caller.subject))

    def _view(self, row: Submission) -> dict[str, Any]:
        echo = row.echo
        system, number = row.under or row.system, echo.get("caseNo")
        if row.operation == "submit":
            number = row.public or row.number
        elif row.operation != "appointment":
            number = number or row.number
        appointment = None
        if row.operation == "appointment" and row.state == "FILED":
            appointment = {"number": row.number, "startsAt": row.starts_at, "place": row.place}
        return {
            "token": row.token,
            "operation": row.operation.upper(),
            "state": str(row.state),
            "mode": echo.get("mode") or "NEVER",
            "systemCode": system,
            "system": {"code": system},
            "itemCode": row.item_code,
            "item": {"baseCode": row.item_code} if row.item_code else None,
            "caseId": case_id(system, number) if number else None,
            "localNo": number,
            "appointment": appointment,
            "applicant": echo.get("applicant"),
            "fields": echo.get("fields") or [],
            "materials": echo.get("materials") or [],
            "code": row.code,
            "reason": row.reason,
            "recordedAt": network_time(row.recorded_at / 1000),
            "sentAt": network_time(row.sent_at / 1000) if row.sent_at else None,
            "settledAt": network_time(row.settled_at / 1000) if row.settled_at else None,
            "attempts": row.attempts,
            "steps": [{"at": network_time(step.at / 1000), "state": step.state} for step in row.history],
        }

    def _case(self, receipt: Mapping[str, Any], run: Run, _arguments: Any, selection: Selection) -> Any:
        async def ask(path: Path) -> Any:
            if receipt["caseId"] is None:
                return None
            try:
                return await self.cases.case_by_id(run, receipt["caseId"], selection.names(), path, live=True)
            except (QuestionRefused, SchemaError) as error:
                run.errors.append(FetchError(str(error), path, {"code": error.code}))
                return None

        return ask


def _may_file(caller: Caller, declaration: Declaration, number: str) -> None:
    """A clerk for the systems of the own department, an applicant for oneself. Raises QuestionRefused."""
    if FILE in caller.scopes and declaration.system.owner == caller.department:
        return
    if FILE_OWN in caller.scopes and caller.subject is not None:
        if filter_number(None, caller.subject)[1] == number:
            return
        raise QuestionRefused("FORBIDDEN", "An applicant files for nobody but the one that the token names.")
    raise QuestionRefused(
        "FORBIDDEN",
        f"{declaration.system.code} is of a department that the token is not of; its `department` says whose systems it files in.",
    )


def _who(caller: Caller) -> str:
    """Idempotency keys are one client's own: those of two never meet."""
    return f"{caller.name}\x00{caller.subject or ''}"


def _takes(writer: Writer, item: str) -> bool:
    items = _items(writer)
    return not items or item in items


def _items(writer: Writer) -> tuple[str, ...]:
    submit = writer.declared("submit")
    own = submit.accepts.items if submit is not None else ()
    return own or writer.source.declaration.system.items


def _is_found_by_reference(write: Write, plan: Plan | None) -> bool:
    """On both sides, where there are two."""
    second = plan.second.declared("submit") if plan is not None and plan.second is not None else None
    return is_found_by_reference(write) and (second is None or is_found_by_reference(second))


def _form(writer: Writer, name: str, system: str) -> dict[str, Any]:
    write = writer.writes[name].write
    items = _items(writer)
    return {
        "systemCode": system,
        "system": {"code": system},
        "operation": name.upper(),
        "mode": mode_of(name, write),
        "itemCodes": list(items),
        "items": [{"baseCode": item} for item in items],
        "applicant": list(write.accepts.applicant) if name in ("submit", "appointment") else [],
        "fields": [
            {
                "name": field_name,
                "label": rule.label or field_name,
                "type": rule.type,
                "required": rule.required,
                "pattern": rule.pattern,
                "maxLength": rule.max_length if rule.type == "text" else None,
                "least": rule.least,
                "most": rule.most,
                "choices": [{"value": value, "label": label} for value, label in rule.choices.items()],
            }
            for field_name, rule in write.accepts.fields.items()
        ],
        "materials": [
            {
                "code": code,
                "name": rule.name or code,
                "required": rule.required,
                "maxKb": rule.max_kb,
                "mediaTypes": list(rule.types),
            }
            for code, rule in write.accepts.materials.items()
        ],
    }
