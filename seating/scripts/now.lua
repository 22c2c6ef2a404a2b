-- The clock of the node that has this group, whether it is loaded or not. Reads only.
return redis.call('TIME')
