-- needs: core quotas carts
-- Everything a cart holds goes to another, which shows on the map: a counter takes over an online cart. ARGV 1: msgpack
-- {from, to, ref, kind, label, ttl_ms}, 2: the call's name. Answers how many places.
local said = answered(ARGV[2])
if said then return said end
local from, to, ref, kind, label, ttl_ms = unpack(cmsgpack.unpack(ARGV[1]))
purge(PURGE_ON_THE_WAY)
local source, moved = cart_of(from), 0
if not source or from == to then return cmsgpack.pack({'ok', 0}) end
local target = cart_of(to) or {ref, kind, label, {}, {}}
target[1], target[2], target[3] = ref, kind, label
lapse(from, source)
for _, line in ipairs(source[5]) do
  line[4] = math.max(line[4], now + ttl_ms)
  changes_of(line[1])
  for i = 2, #line[8], 2 do
    if line[8][i] >= 0 then tell(line[1], line[8][i], S_HELD, kind, label, ref, line[4]) end
  end
  moved = moved + #line[8] / 2
  target[5][#target[5] + 1] = line
end
source[5] = {}
save_cart(from, source)
save_cart(to, target)
finish()
return answer(ARGV[2], {'ok', moved})
