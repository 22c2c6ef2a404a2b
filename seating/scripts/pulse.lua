-- needs: core
-- Whether every key that should be there is there, whole. Reads only. ARGV 1: the server's run, or ""; further ones:
-- performances that should be among its. Answers {"ok"} or raises what is damaged.
-- A server that was started again, or took over, may have gone back in time: what it did not write down in time, or was
-- not told in time, it does not know that it ever knew.
if ARGV[1] ~= '' and call('HGET', META, 'run') ~= ARGV[1] then damaged('time: another run of the server') end
for _, name in ipairs({QUOTAS, CARTS, PENDING, SOLD, TAG .. ':qsets', TAG .. ':allot'}) do
  if call('HEXISTS', name, '') == 0 then damaged(name) end
end
if not call('ZSCORE', DUE, '') then damaged(DUE) end
for perf in string.gmatch(call('HGET', META, 'perfs') or '', '%d+') do
  local house = house_of(tonumber(perf))
  if house then
    local count = call('STRLEN', house.base .. ':stretches') / 16
    if count == 0 then damaged('plan of ' .. perf) end
    if call('STRLEN', key(perf, 'states')) ~= house.n then damaged('states of ' .. perf) end
    if call('STRLEN', key(perf, 'i0')) ~= count then damaged('index of ' .. perf) end
    house.positions = count
  end
end
for at = 2, #ARGV do
  if not performance_of(tonumber(ARGV[at])) then damaged('performance ' .. ARGV[at]) end
end
for part, size in string.gmatch(call('HGET', META, 'parts') or '', '([^ =]+)=(%d+)') do
  if call('STRLEN', TAG .. ':plan:' .. part) ~= tonumber(size) then damaged('plan ' .. part) end
end
local held = {}
for _, id in ipairs(call('HKEYS', TAG .. ':allot')) do held[id] = true end
for _, field in ipairs(call('HKEYS', META)) do
  local id = string.match(field, '^a%d+:(.*)$')
  if id and not held[id] then damaged('allotments') end
  local perf, byte = string.match(field, '^b(%d+):(%d+)$')
  local house = perf and house_of(tonumber(perf))
  if house and call('STRLEN', key(perf, 'i' .. byte)) ~= house.positions then damaged('index of ' .. perf) end
  perf = string.match(field, '^y(%d+)$')
  local count = perf and tonumber(call('HGET', META, field))
  if count and call('HLEN', key(perf, 'keys')) ~= count then damaged('keys of ' .. perf) end
end
return cmsgpack.pack({'ok'})
