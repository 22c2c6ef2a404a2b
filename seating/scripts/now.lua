-- The clock of the node that has this group, whether it is loaded or not. Reads only.
local call = redis.call
local clock = call('TIME')
return clock
