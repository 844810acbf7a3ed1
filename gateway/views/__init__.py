"""What is asked of the ledger and the case files: worklists, supervision, trails. Reads, and judges cards; asks no system.

`Records` (`records.py`) is what the schema's resolvers reach, one for each request.
"""
