-- Puts a group in place that was laid out beside it, under a new epoch; load.lua then adds what only Redis knew. It
-- precedes core.lua, which can only read a group that is there. ARGV 1: msgpack {staging prefix, names staged, epoch,
-- force, as_of ms or -1, perfs {{id, seats, digest, links}}, plan parts, allotments {{id, record}}, orders known, run}.
-- Answers 0 when a group was there.
local survivors, promised, orders_known = {}, {}, {}
do
local META = KEYS[1]
local TAG = string.sub(META, 1, -6)
local staging, names, epoch, force, as_of, perfs, parts, allotted, known, run =
  unpack(cmsgpack.unpack(ARGV[1]), 1, 10)

local function each_staged(what)
  for _, name in ipairs(names) do what(TAG .. ':' .. staging .. ':' .. name, TAG .. ':' .. name) end
end
local before = redis.call('HMGET', META, 'epoch', 'perfs', 'parts', 'seq')
-- Already in place, when the answer to this very load was lost: what was staged is no longer there to be put in place.
if before[1] and (not force or before[1] == epoch) then
  each_staged(function(from) redis.call('UNLINK', from) end)
  return 0
end

if before[1] then
  survivors = redis.call('HGETALL', KEYS[3])
  local raw = redis.call('HGETALL', KEYS[5])
  for i = 1, #raw, 2 do
    if raw[i] ~= '' then
      local order = cmsgpack.unpack(raw[i + 1])
      if as_of >= 0 and order[2] >= as_of then promised[#promised + 1] = {raw[i], order} end
    end
  end
  for perf in string.gmatch(before[2] or '', '%d+') do
    local name = TAG .. ':p:' .. perf .. ':'
    redis.call('UNLINK', name .. 'states', name .. 'log', name .. 'keys', name .. 'i0')
  end
  for _, field in ipairs(redis.call('HKEYS', META)) do
    local perf, byte = string.match(field, '^b(%d+):(%d+)$')
    if perf then redis.call('UNLINK', TAG .. ':p:' .. perf .. ':i' .. byte) end
  end
  for part in string.gmatch(before[3] or '', '([^ =]+)=%d+') do redis.call('UNLINK', TAG .. ':plan:' .. part) end
end
-- Nothing is taken over from a group whose heart was lost.
for _, perf in ipairs(perfs) do
  redis.call('UNLINK', TAG .. ':p:' .. perf[1] .. ':log', TAG .. ':p:' .. perf[1] .. ':keys')
end
redis.call('UNLINK', META, KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6],
  TAG .. ':stale', TAG .. ':qsets', TAG .. ':allot')

each_staged(function(from, to)
  if redis.call('EXISTS', from) == 1 then
    redis.call('RENAME', from, to)
    redis.call('PERSIST', to)
  end
end)
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local seq = math.max(now, tonumber(before[4] or 0))
local ids, meta = {}, {'epoch', epoch, 'run', run, 'many', #perfs > 1 and 1 or 0, 'seq', seq}
local function with(...)
  for _, each in ipairs({...}) do meta[#meta + 1] = each end
end
for i, perf in ipairs(perfs) do
  ids[i] = perf[1]
  with('v' .. perf[1], 0, 'n' .. perf[1], perf[2], 'pl' .. perf[1], perf[3])
  if perf[4] ~= '' then with('k' .. perf[1], perf[4]) end
  local keyed = redis.call('HLEN', TAG .. ':p:' .. perf[1] .. ':keys')
  if keyed > 0 then with('y' .. perf[1], keyed) end
end
with('perfs', table.concat(ids, ','), 'parts', table.concat(parts, ' '))
for _, each in ipairs(allotted) do
  local id, record = each[1], each[2]
  redis.call('HSET', TAG .. ':allot', id, cmsgpack.pack(record))
  if record[4] > 0 then
    with('a' .. record[3] .. ':' .. id, record[4], 'b' .. record[3] .. ':' .. record[4], id)
  end
  if record[2] > 0 then redis.call('ZADD', KEYS[4], record[2], '@' .. id) end
end
for from = 1, #meta, 2000 do redis.call('HSET', META, unpack(meta, from, math.min(from + 1999, #meta))) end
for _, name in ipairs({KEYS[2], KEYS[3], KEYS[5], KEYS[6], TAG .. ':qsets', TAG .. ':allot'}) do
  redis.call('HSET', name, '', epoch)
end
redis.call('ZADD', KEYS[4], '+inf', '')
for _, order in ipairs(known) do orders_known[order] = true end
for _, perf in ipairs(perfs) do
  redis.call('PUBLISH', TAG .. ':p:' .. perf[1] .. ':feed', '{"e":"' .. epoch .. '","v":0,"s":[],"q":{}}')
end
end
