-- needs: core quotas carts
-- Free <-> blocked. ARGV 1: msgpack {perf, ordinals, blocked}, 2: the call's name. Answers the ordinals that changed.
local said = answered(ARGV[2])
if said then return said end
local perf, ordinals, blocked = unpack(cmsgpack.unpack(ARGV[1]))
purge(PURGE_ON_THE_WAY)
local house, done = house_of(perf), {}
for _, ordinal in ipairs(house and ordinals or {}) do
  if ordinal >= 0 and ordinal < house.n and byte_at(house, ordinal) == (blocked and S_FREE or S_BLOCKED) then
    if blocked then take(house, ordinal, S_BLOCKED) else free(house, ordinal, '') end
    done[#done + 1] = ordinal
  end
end
if #done > 0 then finish() end
return answer(ARGV[2], {'ok', done})
