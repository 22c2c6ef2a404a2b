-- needs: core
-- Another tariff for one held item, moving what it counts against. KEYS 7 cart.
-- ARGV 1: msgpack {cart, item, tariff, quotas}.
local cart, id, tariff, after = unpack(cmsgpack.unpack(ARGV[1]))
purge(PURGE_MAX)
local item = item_of(id)
if not item or item[5] ~= cart or item[9] <= now then
  finish()
  return cmsgpack.pack({'refused', {{'unknown_item', item and item[1] or 0, item and item[2] or -1, '', 0, {}}}, false})
end
local change = {}
for _, quota in ipairs(item[4]) do change[quota] = (change[quota] or 0) - 1 end
for _, quota in ipairs(after) do change[quota] = (change[quota] or 0) + 1 end
local reasons = {}
for quota, amount in pairs(change) do
  if amount > 0 then
    read_quotas({quota})
    local known = quotas[quota]
    if known.limit >= 0 and known.used + amount > known.limit then
      reasons[#reasons + 1] = {'quota_exhausted', item[1], item[2], quota, math.max(0, known.limit - known.used), {}}
    end
  end
end
if #reasons == 0 then
  changes_of(item[1])
  for quota, amount in pairs(change) do
    if amount ~= 0 then add_quotas({quota}, amount) end
  end
  item[3], item[4] = tariff, after
  call('HSET', ITEMS, id, cmsgpack.pack(item))
end
finish()
if #reasons > 0 then return cmsgpack.pack({'refused', reasons, false}) end
return cmsgpack.pack({'held', {seen(id, item)}, item[9]})
