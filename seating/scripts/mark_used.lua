-- needs: core quotas carts
-- Sold <-> used. ARGV: performance, ordinal, 1 used or 0 not. Answers how many seats changed; another state stays.
local house, ordinal, used = house_of(tonumber(ARGV[1])), tonumber(ARGV[2]), ARGV[3] == '1'
local fits = house and ordinal >= 0 and ordinal < house.n and byte_at(house, ordinal) == (used and S_SOLD or S_USED)
if fits then
  take(house, ordinal, used and S_USED or S_SOLD)
  finish()
end
return cmsgpack.pack({'ok', fits and 1 or 0})
