"""The page of migrations: server-rendered, without scripts, behind a sign-in of its own."""

from gateway.web.migration_page.endpoint import MigrationPage
from gateway.web.migration_page.session import Sessions

__all__ = ["MigrationPage", "Sessions"]
