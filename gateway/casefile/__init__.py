"""Case files 案卷: what the ledger's events and the systems' records come to, one row a case, for worklists and trails.

A read model: everything in it is made again from the ledger and the systems. Nothing personal is in it: names and numbers
are masked before they are stored, the applicant is a keyed reference.
"""
