-- needs: core
-- Pending, sold or used -> free, quotas returned. ARGV 1: msgpack {order, items or nil}, an item being
-- {id, perf, ordinal, quotas}, found by its id or by its seat. What the order no longer has is left alone, so asking
-- again changes nothing, and a seat that belongs to another order is never touched.
local order, some = unpack(cmsgpack.unpack(ARGV[1]))
local place = PENDING
local raw = call('HGET', PENDING, order)
if not raw then
  place = SOLD
  raw = call('HGET', SOLD, order)
end
if not raw then return cmsgpack.pack({'ok', 0}) end
local record = cmsgpack.unpack(raw)
local by_id, by_seat = {}, {}
for _, item in ipairs(some or {}) do
  by_id[item[1]] = item
  if item[3] >= 0 then by_seat[item[2] .. ':' .. item[3]] = item end
end
local kept, freed = {}, 0
for _, item in ipairs(record[5]) do
  local id, perf, ordinal, counted = item[1], item[2], item[3], item[5]
  local named = by_id[id] or (ordinal >= 0 and by_seat[perf .. ':' .. ordinal])
  if some and not named then
    kept[#kept + 1] = item
  else
    freed = freed + 1
    -- A group loaded with owners only does not know what its seats count against; who gives back may.
    if #counted == 0 and named then counted = named[4] end
    if ordinal >= 0 and call('HGET', key(perf, 'own'), ordinal) == 'o' .. order then
      call('HDEL', key(perf, 'own'), ordinal)
      set_seat(perf, ordinal, S_FREE)
    else
      changes_of(perf)
    end
    add_quotas(counted, -1)
  end
end
if #kept == 0 then
  call('HDEL', place, order)
else
  record[5] = kept
  call('HSET', place, order, cmsgpack.pack(record))
end
finish()
return cmsgpack.pack({'ok', freed})
