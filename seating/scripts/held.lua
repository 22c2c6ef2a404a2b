-- needs: core quotas carts
-- A cart's live holds, in the order they were made. Reads only. ARGV 1: cart.
local record, live = cart_of(ARGV[1]), {}
for _, line in ipairs(record and record[5] or {}) do
  if line[4] > now then live[#live + 1] = line end
end
return cmsgpack.pack({'held', 0, live, {}})
