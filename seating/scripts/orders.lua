-- needs: core
-- All pending orders of the group, for reconciliation with PostgreSQL. Reads only.
local all = call('HGETALL', PENDING)
if #all == 0 then damaged('pending') end
return all
