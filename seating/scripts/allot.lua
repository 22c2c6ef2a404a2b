-- needs: core quotas carts
-- Keeps seats or quantities for whoever has the key (AHEAD-2): all of them, or nothing. ARGV 1: msgpack
-- {id, label, perf, ordinals, {{ordinal, key}, ...}, quantity, quotas, release date or 0}, 2: the call's name. An
-- allotment that is there gets these in addition. Answers {"ok"} or {"refused", reasons}.
local said = answered(ARGV[2])
if said then return said end
local id, label, perf, ordinals, seat_keys, quantity, ids, release = unpack(cmsgpack.unpack(ARGV[1]))
purge(PURGE_ON_THE_WAY)
local known, reasons = performance_of(perf), {}
if not known then return cmsgpack.pack({'refused', {{'unknown_performance', perf, -1, '', 0, {}}}}) end
local allotment = allotment_of(id) or {label, release, perf, 0, 0, {}}
local function refuse(code, ordinal, quota, left)
  reasons[#reasons + 1] = {code, perf, ordinal or -1, quota or '', left or 0, {}}
end
-- One is for seats or for quantities, of one performance and of the same quotas throughout.
local others = #allotment[6] > 0 and table.concat(allotment[6], '\n') ~= table.concat(ids, '\n')
if allotment[3] ~= perf or (#ordinals > 0 and (#allotment[6] > 0 or quantity > 0))
  or (quantity > 0 and (allotment[4] > 0 or others)) then
  refuse('unknown_allotment', -1, id)
end
local byte = allotment[4]
if #ordinals > 0 and byte == 0 and #reasons == 0 then
  byte = ALLOTMENT_FIRST
  while byte < 256 and call('HEXISTS', META, 'b' .. perf .. ':' .. byte) == 1 do byte = byte + 1 end
  if byte == 256 then refuse('allotment_exhausted', -1, id) end
  known.lengths[byte] = math.huge
end
for _, ordinal in ipairs(ordinals) do
  if ordinal < 0 or ordinal >= known.n then
    refuse('unknown_seat', ordinal)
  elseif byte_at(known, ordinal) ~= S_FREE then
    refuse('seat_taken', ordinal)
  elseif #reasons == 0 then
    take(known, ordinal, byte, 'allotment', label, '', 0)
    tell(perf, ordinal, S_ALLOTTED, 'allotment', label, '', 0)
  end
end
if quantity > 0 then
  read_quotas(ids)
  for _, quota in ipairs(ids) do
    local left = quotas[quota].limit - quotas[quota].used - quotas[quota].kept
    if quotas[quota].limit >= 0 and left < quantity then refuse('quota_exhausted', -1, quota, math.max(0, left)) end
  end
end
if #reasons > 0 then return cmsgpack.pack({'refused', reasons}) end

allotments[id] = allotment
allotment[1], allotment[2], allotment[4] = label, release, byte
if byte > 0 then call('HSET', META, 'a' .. perf .. ':' .. id, byte, 'b' .. perf .. ':' .. byte, id) end
if known.lengths[byte] == math.huge then
  call('SET', key(perf, 'i' .. byte), string.rep('\0', call('STRLEN', known.base .. ':stretches') / 16))
end
if #ordinals > 0 then
  -- A key from an allotment that was released opens nothing any more.
  bulk('HDEL', key(perf, 'keys'), ordinals, 1)
  for _, each in ipairs(seat_keys) do call('HSET', key(perf, 'keys'), each[1], each[2]) end
  call('HSET', META, 'y' .. perf, call('HLEN', key(perf, 'keys')))
end
if quantity > 0 then
  allotment[6] = ids
  changes_of(perf)
  draw(id, -quantity)
end
allotment.dirty = true
if release > 0 then call('ZADD', DUE, release, '@' .. id) else call('ZREM', DUE, '@' .. id) end
finish()
return answer(ARGV[2], {'ok'})
