-- needs: core
-- Held -> pending under an order: the whole cart or nothing. Pending seats wait for a payment's verdict, not for a
-- clock. KEYS 7 cart. ARGV 1: msgpack {cart, ref, order, expected items or nil}.
-- Asked again for the same order and cart, it answers what it did the first time.
local CART = KEYS[7]
local cart, ref, order, expected = unpack(cmsgpack.unpack(ARGV[1]))
local before = call('HGET', PENDING, order) or call('HGET', SOLD, order)
if before then
  before = cmsgpack.unpack(before)
  if before[1] ~= ref then return cmsgpack.pack({'expired', {}}) end
  local items = {}
  for i, item in ipairs(before[5]) do items[i] = {item[1], item[2], item[3], item[4], item[5], 0} end
  return cmsgpack.pack({'promised', items})
end
purge(PURGE_MAX)
local ids, live, lapsed, here = call('LRANGE', CART, 0, -1), {}, {}, {}
for _, id in ipairs(ids) do
  local item = item_of(id)
  if item and item[9] > now then
    live[#live + 1] = {id, item}
    here[id] = true
  else
    lapsed[#lapsed + 1] = id
  end
end
if expected then
  lapsed = {}
  for _, id in ipairs(expected) do
    if not here[id] then lapsed[#lapsed + 1] = id end
  end
end
if #lapsed > 0 or #live == 0 or (expected and #expected ~= #live) then
  -- The buyer is told once; what is left of the cart can then be ordered by itself.
  for _, id in ipairs(ids) do
    if not here[id] then call('LREM', CART, 1, id) end
  end
  finish()
  return cmsgpack.pack({'expired', lapsed})
end
local items, kind, label = {}, '', ''
for i, each in ipairs(live) do
  local id, item = each[1], each[2]
  kind, label = item[6], item[7]
  items[i] = {id, item[1], item[2], item[3], item[4]}
  call('HDEL', ITEMS, id)
  call('ZREM', DUE, id)
  if item[2] >= 0 then
    call('HSET', key(item[1], 'own'), item[2], 'o' .. order)
    set_seat(item[1], item[2], S_PENDING, kind, label, ref, 0)
  else
    changes_of(item[1])
  end
end
call('DEL', CART)
call('HSET', PENDING, order, cmsgpack.pack({ref, now, kind, label, items}))
finish()
for i, item in ipairs(items) do items[i] = {item[1], item[2], item[3], item[4], item[5], 0} end
return cmsgpack.pack({'promised', items})
