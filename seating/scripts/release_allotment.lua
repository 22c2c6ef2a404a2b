-- needs: core quotas carts
-- What an allotment still keeps goes on sale, boundedly, or only these of its seats. ARGV 1: msgpack {id, ordinals or
-- false}. Answers {"ok", how many places, whether all is done}.
local id, ordinals = unpack(cmsgpack.unpack(ARGV[1]))
if not ordinals then
  local freed, done = release_allotment(id)
  return cmsgpack.pack({'ok', freed, done})
end
local allotment, freed = allotment_of(id), 0
local house = allotment and allotment[4] > 0 and house_of(allotment[3])
for _, ordinal in ipairs(house and ordinals or {}) do
  if ordinal >= 0 and ordinal < house.n and byte_at(house, ordinal) == allotment[4] then
    free(house, ordinal, '')
    freed = freed + 1
  end
end
if freed > 0 then finish() end
return cmsgpack.pack({'ok', freed, true})
