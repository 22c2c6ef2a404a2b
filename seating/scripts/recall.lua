-- needs: core quotas carts
-- Pending -> held again: an order that was not made after all goes back into its cart, or another. ARGV 1: msgpack
-- {order, cart, ref, kind, label, ttl_ms}, 2: the call's name. Answers how many places; 0 when it is not
-- pending.
local said = answered(ARGV[2])
if said then return said end
local order, cart, ref, kind, label, ttl_ms = unpack(cmsgpack.unpack(ARGV[1]))
local known = call('HMGET', PENDING, '', order)
if not known[1] then damaged('pending') end
local raw = known[2]
if not raw then return cmsgpack.pack({'ok', 0}) end
local record, expires, count = cart_of(cart) or {ref, kind, label, {}, {}}, now + ttl_ms, 0
record[1], record[2], record[3] = ref, kind, label
for _, line in ipairs(cmsgpack.unpack(raw)[6]) do
  line[4] = expires
  changes_of(line[1])
  local house, places = house_of(line[1]), line[8]
  for i = 1, #places, 2 do
    -- A place that came from the ledger has its ticket's number; in a cart it gets one of ours.
    if type(places[i]) ~= 'number' then
      SEQ = SEQ + 1
      places[i] = SEQ
    end
    if places[i + 1] >= 0 then take(house, places[i + 1], S_HELD, kind, label, ref, expires) end
    count = count + 1
  end
  record[5][#record[5] + 1] = line
end
call('HDEL', PENDING, order)
save_cart(cart, record)
finish()
return answer(ARGV[2], {'ok', count})
