"""Trails on both databases."""

from __future__ import annotations

import pytest

from gateway.database import Database
from tests.ledger.conftest import Trail


@pytest.fixture
def trail(database: Database) -> Trail:
    return Trail(database)
