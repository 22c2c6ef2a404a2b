-- needs: core
-- Sold <-> used. ARGV: performance, ordinal, 1 used or 0 not. Answers how many seats changed; another state stays.
local perf, ordinal, used = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local size = tonumber(call('HGET', META, 'n' .. perf) or 0)
local changed_seats = 0
if ordinal >= 0 and ordinal < size and state_of(perf, ordinal) == (used and S_SOLD or S_USED) then
  set_seat(perf, ordinal, used and S_USED or S_SOLD)
  changed_seats = 1
end
finish()
return cmsgpack.pack({'ok', changed_seats})
