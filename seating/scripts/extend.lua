-- needs: core
-- Gives a cart's live holds more time, never less. KEYS 7 cart. ARGV 1: ttl in ms. Answers how many now last longer.
local CART, ttl_ms = KEYS[7], tonumber(ARGV[1])
purge(PURGE_MAX)
local expires, extended = now + ttl_ms, 0
for _, id in ipairs(call('LRANGE', CART, 0, -1)) do
  local item = item_of(id)
  if item and item[9] > now and item[9] < expires then
    item[9] = expires
    call('HSET', ITEMS, id, cmsgpack.pack(item))
    call('ZADD', DUE, expires, id)
    if item[2] >= 0 then set_seat(item[1], item[2], S_HELD, item[6], item[7], item[8], expires) end
    extended = extended + 1
  end
end
if extended > 0 then call('PEXPIRE', CART, ttl_ms + 3600000) end
finish()
return cmsgpack.pack({'ok', extended})
