"""What every domain stands on: money, clock, ids, errors, database, jobs, journal, languages, web pages.

Owns the journal and the idempotency keys. Imports no domain.
"""
