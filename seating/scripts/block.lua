-- needs: core
-- Free <-> blocked. ARGV 1: msgpack {perf, ordinals, blocked}. Answers the ordinals that changed.
local perf, ordinals, blocked = unpack(cmsgpack.unpack(ARGV[1]))
local size = tonumber(call('HGET', META, 'n' .. perf) or 0)
purge(PURGE_MAX)
local done = {}
for _, ordinal in ipairs(ordinals) do
  if ordinal >= 0 and ordinal < size and state_of(perf, ordinal) == (blocked and S_FREE or S_BLOCKED) then
    set_seat(perf, ordinal, blocked and S_BLOCKED or S_FREE)
    done[#done + 1] = ordinal
  end
end
finish()
return cmsgpack.pack({'ok', done})
