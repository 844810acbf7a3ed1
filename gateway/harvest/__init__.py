"""The harvest 归集: systems are asked what has changed, again and again, and the ledger learns of it.

store.py where each system stands; run.py one run; schedule.py when, on a task engine; push.py for systems that tell.
"""
