-- needs: core quotas carts sold
-- Another seat for one that an order has (SEA-9), in one step with its quotas: the new seat gets the old one's state,
-- the old one goes back to where it came from. ARGV 1: msgpack {order, perf, from, to, tariff, quotas, keys}, 2: the
-- call's name. Answers {"held", 0, line} or {"refused", reasons}.
local said = answered(ARGV[2])
if said then return said end
local order, perf, from, to, tariff, after, keys = unpack(cmsgpack.unpack(ARGV[1]))
purge(PURGE_ON_THE_WAY)
local function refused(code, ordinal, quota, left)
  return cmsgpack.pack({'refused', {{code, perf, ordinal, quota or '', left or 0, {}}}})
end
local house, where, record, lines = house_of(perf), order_of(order)
if not house then return refused('unknown_performance', from) end
local item, kept = nil, {}
for _, line in ipairs(lines or {}) do
  local stays = line
  if not item and line[1] == perf then
    item, stays = split_line(line, function(_, ordinal) return ordinal == from end)
  end
  kept[#kept + 1] = stays
end
if not item then return refused('unknown_item', from) end
if to < 0 or to >= house.n then return refused('unknown_seat', to) end
local byte, origin = byte_at(house, to), ''
if byte >= ALLOTMENT_FIRST then
  origin = allotment_by_byte(perf, byte)
  local opens = false
  for _, each in ipairs(keys) do opens = opens or each == opener_of(house, to, origin) end
  if not opens then return refused('not_yours', to) end
elseif byte ~= S_FREE then
  return refused('seat_taken', to)
end
local short = shift_quotas(item[3], after)[1]
if short then return refused('quota_exhausted', to, short[1], short[2]) end
local state = byte_at(house, from)
if where == PENDING then
  take(house, to, state, record[3], record[4], record[5], 0)
else
  take(house, to, state)
end
free(house, from, item[5])
item[2], item[3], item[5], item[8][2] = tariff, after, origin, to
kept[#kept + 1] = item
save_order(where, order, record, kept)
finish()
return answer(ARGV[2], {'held', 0, {item}, {}})
