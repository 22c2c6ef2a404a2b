-- needs: core quotas carts
-- New limits (QUO-1: changeable at any time; -1: none), also of quotas that nothing has counted against yet. ARGV 1:
-- msgpack {{quota, limit}}. A limit below what is used takes nothing away, it only stops the sale.
local limits, ids = cmsgpack.unpack(ARGV[1]), {}
for i, each in ipairs(limits) do
  ids[i] = each[1]
  call('HSETNX', QUOTAS, 'u' .. each[1], 0)
end
read_quotas(ids)
for _, each in ipairs(limits) do
  local id, limit = each[1], each[2]
  quotas[id].limit = limit
  quotas[id].dirty = true
  if limit < 0 then call('HDEL', QUOTAS, 'l' .. id) else call('HSET', QUOTAS, 'l' .. id, limit) end
end
for perf in string.gmatch(call('HGET', META, 'perfs') or '', '%d+') do changes_of(tonumber(perf)) end
finish()
return cmsgpack.pack({'ok', #limits})
