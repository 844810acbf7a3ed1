"""Tables of case files and of the harvest, as their code knows them. `migrations/versions/tracking_0001.py` and
`views_*.py` make them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

__all__ = ["CARD", "CASE_FILE", "CASE_NUMBER", "HARVEST", "METADATA", "PUSH", "PUSHED", "QUARANTINE"]

METADATA = MetaData()

CASE_FILE = Table(
    "case_file",
    METADATA,
    Column("case_id", Text, primary_key=True),
    Column("system", Text, nullable=False),
    Column("item", Text),
    Column("region", Text),
    Column("department", Text),
    Column("handler", Text),  # masked
    Column("subject", Text),  # reference of the applicant
    Column("state", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("applied_us", BigInteger),
    Column("accepted_us", BigInteger),
    Column("due_us", BigInteger),  # of the promised clock, else of the statutory
    Column("next_check_us", BigInteger),
    Column(
        "level", SmallInteger, nullable=False
    ),  # of the gravest card that stands: 0 none, 1 notice, 2 yellow, 3 red
    Column("as_of_us", BigInteger, nullable=False),  # when the system last told of it
    Column("changed_us", BigInteger, nullable=False),
    Column(
        "unseen", Boolean, nullable=False
    ),  # it has changed since its system last showed it, or never was shown
    Column("record", JSON, nullable=False),  # the canonical Case record, people masked
    Column("step", Text),  # kind of the latest event
    Column("step_us", BigInteger),  # when that was
    Column("basis", Text, nullable=False, server_default=""),  # calendar and rules its clocks were made with
    Column("dues", JSON),  # what was due when by them (`tracking.clocks.recompute.Due`)
    Index("case_file_open", "is_open", "due_us", "case_id"),
    # with what lists are further narrowed by, so that a file is read only if it is shown
    Index("case_file_department", "department", "is_open", "due_us", "case_id", "state", "level"),
    Index("case_file_region", "region", "is_open", "due_us", "case_id", "state", "level"),
    Index("case_file_item", "item", "is_open", "due_us", "case_id"),
    Index("case_file_level", "is_open", "level", "due_us", "case_id"),
    Index("case_file_subject", "subject", "applied_us"),
    Index("case_file_check", "is_open", "next_check_us"),
    Index("case_file_handler", "handler", "is_open", "due_us", "case_id"),
    Index("case_file_step", "is_open", "step_us", "case_id"),
    Index("case_file_item_region", "item", "region", "is_open", "due_us", "case_id"),
    # what supervision sums up, so that it need not read the files; of open cases only
    Index(
        "case_file_counts",
        *("department", "item", "state", "due_us", "level", "region", "is_open"),
        sqlite_where=text("is_open IS 1"),
        postgresql_where=text("is_open IS true"),
    ),
    Index("case_file_unseen", "system", "unseen"),
    Index(
        "case_file_basis",
        *("basis", "changed_us"),
        sqlite_where=text("is_open IS 1"),
        postgresql_where=text("is_open IS true"),
    ),
)

CASE_NUMBER = Table(
    "case_number",
    METADATA,
    Column("number", Text, primary_key=True),  # such as a project code, as its system has it
    Column("case_id", Text, primary_key=True),
    Column("name", Text, nullable=False),  # what it is called there
    Index("case_number_case", "case_id"),
)
"""Other numbers of cases: several systems' cases of one project bear the same."""

CARD = Table(
    "card",
    METADATA,
    Column("card_id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("region", Text),
    Column("department", Text),
    Column("rule", Text, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("raised_us", BigInteger, nullable=False),
    Column("card", JSON, nullable=False),
    Index("card_case", "case_id", "raised_us"),
    Index("card_raised", "raised_us", "card_id"),
    Index("card_department", "department", "raised_us", "card_id"),
)

HARVEST = Table(
    "harvest",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("mapping", Text),  # which declaration read what is there
    Column("watermark", Text),  # moment (ISO 8601) up to which all is known
    Column("position", Text),  # where within the list it goes on, JSON; none between runs that came to an end
    Column("started_us", BigInteger),
    Column("ended_us", BigInteger),
    Column("good_us", BigInteger),  # end of the last run without a fault
    Column("events", BigInteger, nullable=False),  # appended in all
    Column("repeated", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),  # in a row
    Column("fault_code", Text),
    Column("fault", Text),
    Column(
        "unfinished", Boolean, nullable=False
    ),  # the last run came to its limits: the next goes on at once
)

QUARANTINE = Table(
    "quarantine",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # of the raw record
    Column("verb", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False),  # as the system gave it, numbers and names masked
    Column("seen_us", BigInteger, nullable=False),
    Column("tried_us", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("since", Text),  # where to ask again from
)

PUSH = Table(
    "push",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("events", BigInteger, nullable=False),  # appended in all
    Column("repeated", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
)

PUSHED = Table(
    "pushed",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # as in `quarantine`
    Column("mapping", Text, nullable=False),  # which declaration could not read it
    Column("sealed", LargeBinary, nullable=False),  # the event as it came: nobody can be asked for it again
)
