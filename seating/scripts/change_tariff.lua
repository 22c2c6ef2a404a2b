-- needs: core quotas carts
-- Another tariff for one held item, moving what it counts against. ARGV 1: msgpack {cart, item, tariff, quotas}.
local cart, id, tariff, after = unpack(cmsgpack.unpack(ARGV[1]))
purge(PURGE_ON_THE_WAY)
local record, at, item, rest = cart_of(cart), nil, nil, nil
for i, line in ipairs(record and record[5] or {}) do
  if not item and line[4] > now then
    item, rest = split_line(line, function(each) return text_of(each) == id end)
    at = i
  end
end
if not item then
  return cmsgpack.pack({'refused', {{'unknown_item', 0, -1, '', 0, {}}}})
end
local reasons = shift_quotas(item[3], after)
for i, short in ipairs(reasons) do
  reasons[i] = {'quota_exhausted', item[1], item[8][2], short[1], short[2], {}}
end
if #reasons > 0 then return cmsgpack.pack({'refused', reasons}) end
changes_of(item[1])
item[2], item[3] = tariff, after
-- The cart's order is that in which its places were taken, whatever they cost.
local lines = {}
for i, line in ipairs(record[5]) do
  if i ~= at then
    lines[#lines + 1] = line
  else
    local before, behind = nil, nil
    if rest then before, behind = split_line(rest, function(each) return each < item[8][1] end) end
    for _, part in ipairs({before or false, item, behind or false}) do
      if part then lines[#lines + 1] = part end
    end
  end
end
record[5] = lines
save_cart(cart, record)
finish()
return cmsgpack.pack({'held', item[4], {item}, {}})
