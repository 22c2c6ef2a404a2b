-- needs: core quotas carts sold
-- Pending -> sold. ARGV 1: order. Asked again, it says ok again.
local order = ARGV[1]
local found = call('HMGET', PENDING, '', order)
if not found[1] or call('HEXISTS', SOLD, '') == 0 then damaged('orders') end
if not found[2] then return cmsgpack.pack({call('HEXISTS', SOLD, order) == 1 and 'ok' or 'unknown'}) end
local record = cmsgpack.unpack(found[2])
for _, line in ipairs(record[6]) do
  local house = house_of(line[1])
  changes_of(line[1])
  for i = 2, #line[8], 2 do
    local ordinal = line[8][i]
    if ordinal >= 0 and byte_at(house, ordinal) == S_PENDING then take(house, ordinal, S_SOLD) end
  end
end
save_order(SOLD, order, {math.floor(record[2] / 1000), {}}, record[6])
call('HDEL', PENDING, order)
finish()
return cmsgpack.pack({'ok'})
