-- needs: core
-- Everything about one performance at one instant. Reads only. ARGV: performance, 1 to include who has what.
-- Answers {epoch, version, states, owners, quotas, now}, owners as {ordinal, kind, label, ref, expires, order, item}.
local perf = tonumber(ARGV[1])
local found = call('HMGET', META, 'v' .. perf, 'n' .. perf)
if not found[2] then return cmsgpack.pack({'unknown'}) end
local owners, orders = {}, {}
if ARGV[2] == '1' then
  local own = call('HGETALL', key(perf, 'own'))
  local ids, at = {}, {}
  for i = 1, #own, 2 do
    local ordinal, owner = tonumber(own[i]), own[i + 1]
    if string.sub(owner, 1, 1) == 'o' then
      local order = string.sub(owner, 2)
      if orders[order] == nil then
        local raw = call('HGET', PENDING, order)
        orders[order] = raw and cmsgpack.unpack(raw) or false
      end
      local who = orders[order] or {'', 0, '', ''}
      owners[#owners + 1] = {ordinal, who[3], who[4], who[1], 0, order, ''}
    else
      ids[#ids + 1] = owner
      at[#at + 1] = ordinal
    end
  end
  if #ids > 0 then
    local raws = many('HMGET', ITEMS, ids)
    for i, ordinal in ipairs(at) do
      if raws[i] then
        local item = cmsgpack.unpack(raws[i])
        owners[#owners + 1] = {ordinal, item[6], item[7], item[8], item[9], '', ids[i]}
      end
    end
  end
end
return {
  EPOCH, tonumber(found[1]), call('GET', key(perf, 'states')) or '', cmsgpack.pack(owners),
  call('HGETALL', QUOTAS), '' .. now,
}
