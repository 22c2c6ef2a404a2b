-- needs: core quotas carts
-- Gives a cart's live holds more time, never less. ARGV: cart, ttl in ms. Answers how many now last longer.
local cart, ttl_ms = ARGV[1], tonumber(ARGV[2])
purge(PURGE_ON_THE_WAY)
local record, expires, extended = cart_of(cart), now + ttl_ms, 0
for _, line in ipairs(record and record[5] or {}) do
  if line[4] > now and line[4] < expires then
    line[4] = expires
    extended = extended + #line[8] / 2
    for i = 2, #line[8], 2 do
      if line[8][i] >= 0 then
        tell(line[1], line[8][i], S_HELD, record[2], record[3], record[1], expires)
      end
    end
  end
end
if extended > 0 then
  save_cart(cart, record)
  finish()
end
return cmsgpack.pack({'ok', extended})
