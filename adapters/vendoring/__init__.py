"""Descriptions of systems kept beside their declarations: fetched once with all that they name, compared later."""
