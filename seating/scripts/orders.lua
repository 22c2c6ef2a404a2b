-- needs: core
-- All pending orders of the group, for reconciliation with PostgreSQL. Reads only.
return call('HGETALL', PENDING)
