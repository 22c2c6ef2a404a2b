-- needs: core quotas carts sold
-- Pending, sold or used -> free, quotas returned. ARGV 1: msgpack {order, items or false}, an item being
-- {id, perf, ordinal, quotas}, found by its seat, or else by its id. What the order no longer has is left alone, so
-- asking again changes nothing, and a seat that belongs to another order is never touched. Answers how many places.
local order, some = unpack(cmsgpack.unpack(ARGV[1]))
local where, record, lines = order_of(order)
if not where then return cmsgpack.pack({'ok', 0}) end
local by_id, by_seat = {}, {}
for _, item in ipairs(some or {}) do
  by_id[item[1]] = item
  if item[3] >= 0 then by_seat[item[2] .. ':' .. item[3]] = item end
end
local kept, freed = {}, 0
for _, line in ipairs(lines) do
  local gone, stays, named = line, nil, nil
  if some then
    gone, stays = split_line(line, function(id, ordinal)
      local item = ordinal >= 0 and by_seat[line[1] .. ':' .. ordinal] or by_id[text_of(id)]
      named = named or item
      return item
    end)
  end
  if gone then
    -- A group loaded with owners only does not know what its seats count against; who gives back may.
    if #gone[3] == 0 and named then gone[3] = named[4] end
    for i = 2, #gone[8], 2 do
      -- Used seats are sold ones that went through a gate.
      local house = gone[8][i] >= 0 and house_of(gone[1])
      if house and byte_at(house, gone[8][i]) == S_USED then take(house, gone[8][i], S_SOLD) end
    end
    freed = freed + free_line(gone, where == PENDING and S_PENDING or S_SOLD)
  end
  kept[#kept + 1] = stays
end
if freed > 0 then
  save_order(where, order, record, kept)
  finish()
end
return cmsgpack.pack({'ok', freed})
