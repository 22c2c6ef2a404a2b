-- needs: core
-- Pending -> sold. ARGV 1: order. Asked again, it says ok again.
local order = ARGV[1]
local raw = call('HGET', PENDING, order)
if not raw then return cmsgpack.pack({call('HEXISTS', SOLD, order) == 1 and 'ok' or 'unknown'}) end
for _, item in ipairs(cmsgpack.unpack(raw)[5]) do
  local perf, ordinal = item[2], item[3]
  if ordinal < 0 then
    changes_of(perf)
  elseif call('HGET', key(perf, 'own'), ordinal) == 'o' .. order and state_of(perf, ordinal) == S_PENDING then
    set_seat(perf, ordinal, S_SOLD)
  end
end
call('HDEL', PENDING, order)
call('HSET', SOLD, order, raw)
finish()
return cmsgpack.pack({'ok'})
