-- needs: core quotas carts
-- Frees what is due, boundedly, and tells all performances about shared quotas that moved. Answers how many places were
-- freed and whether more is due.
local more, freed = purge(PURGE_MAX)
if MANY then
  local told = call('SMEMBERS', TAG .. ':stale')
  if #told > 0 then
    call('DEL', TAG .. ':stale')
    read_quotas(told)
    local all = {}
    for perf in string.gmatch(call('HGET', META, 'perfs') or '', '%d+') do all[#all + 1] = tonumber(perf) end
    for _, id in ipairs(told) do
      quotas[id].dirty = true
      for _, perf in ipairs(shown_on(id, quotas[id].shown) or all) do
        if performance_of(perf) then changes_of(perf) end
      end
    end
    finish()
    -- Everybody has heard it in this step: nothing is left to tell.
    call('DEL', TAG .. ':stale')
  end
end
return cmsgpack.pack({'ok', freed, more})
