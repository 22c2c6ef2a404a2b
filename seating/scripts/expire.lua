-- needs: core
-- Frees what is due, boundedly, and tells all performances about shared quotas that moved. Answers how many holds were
-- freed and whether more are due.
local more, freed = purge(PURGE_MAX)
if MANY then
  local told = {}
  for _, id in ipairs(call('SMEMBERS', TAG .. ':stale')) do told[#told + 1] = id end
  call('DEL', TAG .. ':stale')
  read_quotas(told)
  for _, id in ipairs(told) do quotas[id].dirty = true end
  local all = {}
  for perf in string.gmatch(call('HGET', META, 'perfs') or '', '%d+') do all[#all + 1] = tonumber(perf) end
  for id, quota in pairs(quotas) do
    if quota.dirty then
      for _, perf in ipairs(shown_on(id, quota.shown) or all) do
        if call('HEXISTS', META, 'n' .. perf) == 1 then changes_of(perf) end
      end
    end
  end
  -- Everybody hears it in this step: nothing is left to tell.
  MANY = false
end
finish()
return cmsgpack.pack({'ok', freed, more})
