-- Lays a group down as PostgreSQL knows it, under a new epoch. What is only known here survives a forced load where it
-- still fits: carts that are shopping, and orders promised after the caller read its tables (`as_of`).
-- ARGV: 1 msgpack {epoch, force, as_of, perfs {{id, seats, digest}}, plans {digest}, quotas {{id, limit, used, shown}},
-- orders {{order, sold, {{id, perf, ordinal, tariff, quotas}}}}}; then per performance its states; then per plan its
-- runs, seats, near (binary), names (msgpack). Answers 1 when loaded, 0 when it was there.
local call = redis.call
local META, QUOTAS, ITEMS, DUE, PENDING, SOLD = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local TAG = string.sub(META, 1, -6)
local spec = cmsgpack.unpack(ARGV[1])
local epoch, force, as_of, perfs, plans, limits, orders = unpack(spec)

local function key(perf, name) return TAG .. ':p:' .. perf .. ':' .. name end
local function pack_all(name, args)
  for from = 1, #args, 4000 do call('HSET', name, unpack(args, from, math.min(from + 3999, #args))) end
end

local before = call('HMGET', META, 'epoch', 'perfs', 'plans')
if before[1] and not force then return 0 end

local held, promised = {}, {}
if before[1] then
  local flat = call('HGETALL', ITEMS)
  for i = 1, #flat, 2 do held[#held + 1] = {flat[i], cmsgpack.unpack(flat[i + 1])} end
  for sold, name in ipairs({PENDING, SOLD}) do
    local raw = call('HGETALL', name)
    for i = 1, #raw, 2 do
      local order = cmsgpack.unpack(raw[i + 1])
      if as_of >= 0 and order[2] >= as_of then promised[#promised + 1] = {raw[i], order, sold == 2} end
    end
  end
  for perf in string.gmatch(before[2] or '', '%d+') do
    call('DEL', key(perf, 'states'), key(perf, 'own'), key(perf, 'log'))
  end
  for digest in string.gmatch(before[3] or '', '%x+') do
    local base = TAG .. ':plan:' .. digest
    call('DEL', base .. ':runs', base .. ':seats', base .. ':near', base .. ':names')
  end
end
call('DEL', META, QUOTAS, ITEMS, DUE, PENDING, SOLD, TAG .. ':stale')

local ids, meta, argument, size_of = {}, {'epoch', epoch, 'many', #perfs > 1 and 1 or 0}, 2, {}
for i, perf in ipairs(perfs) do
  ids[i] = perf[1]
  size_of[perf[1]] = perf[2]
  for _, each in ipairs({'v' .. perf[1], 0, 'n' .. perf[1], perf[2], 'pl' .. perf[1], perf[3]}) do
    meta[#meta + 1] = each
  end
  if perf[2] > 0 then call('SET', key(perf[1], 'states'), ARGV[argument]) end
  argument = argument + 1
end
meta[#meta + 1] = 'perfs'
meta[#meta + 1] = table.concat(ids, ',')
meta[#meta + 1] = 'plans'
meta[#meta + 1] = table.concat(plans, ',')
pack_all(META, meta)

for _, digest in ipairs(plans) do
  local base = TAG .. ':plan:' .. digest
  call('SET', base .. ':runs', ARGV[argument])
  call('SET', base .. ':seats', ARGV[argument + 1])
  call('SET', base .. ':near', ARGV[argument + 2])
  pack_all(base .. ':names', cmsgpack.unpack(ARGV[argument + 3]))
  argument = argument + 4
end

local fields = {}
for _, quota in ipairs(limits) do
  fields[#fields + 1] = 'u' .. quota[1]
  fields[#fields + 1] = string.format('%.0f', quota[3])
  if quota[2] >= 0 then
    fields[#fields + 1] = 'l' .. quota[1]
    fields[#fields + 1] = string.format('%.0f', quota[2])
  end
  if quota[4] ~= '' then
    fields[#fields + 1] = 'p' .. quota[1]
    fields[#fields + 1] = quota[4]
  end
end
pack_all(QUOTAS, fields)

local now = call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local known = {}
for _, each in ipairs(orders) do
  local order, sold, items = unpack(each)
  known[order] = true
  call('HSET', sold and SOLD or PENDING, order, cmsgpack.pack({'', now, '', '', items}))
  for _, item in ipairs(items) do
    if item[3] >= 0 then call('HSET', key(item[2], 'own'), item[3], 'o' .. order) end
  end
end

-- What lived here only. A seat that PostgreSQL has given away meanwhile wins; the cart finds its hold lapsed.
local function still_fits(item)
  local size = size_of[item[1]]
  if not size or item[2] >= size then return false end
  return item[2] < 0 or string.byte(call('GETRANGE', key(item[1], 'states'), item[2], item[2])) == 0
end
local function put_back(item, state, owner)
  if item[2] >= 0 then
    call('SETRANGE', key(item[1], 'states'), item[2], string.char(state))
    call('HSET', key(item[1], 'own'), item[2], owner)
  end
  for _, quota in ipairs(item[4]) do call('HINCRBY', QUOTAS, 'u' .. quota, 1) end
end
for _, each in ipairs(promised) do
  local code, order, sold = unpack(each)
  if not known[code] then
    local kept = {}
    for _, item in ipairs(order[5]) do
      local place = {item[2], item[3], item[4], item[5]}
      if still_fits(place) then
        put_back(place, sold and 3 or 2, 'o' .. code)
        kept[#kept + 1] = item
      end
    end
    order[5] = kept
    if #kept > 0 then call('HSET', sold and SOLD or PENDING, code, cmsgpack.pack(order)) end
  end
end
for _, each in ipairs(held) do
  local id, item = unpack(each)
  if item[9] > now and still_fits(item) then
    put_back(item, 1, id)
    call('HSET', ITEMS, id, cmsgpack.pack(item))
    call('ZADD', DUE, item[9], id)
  end
end

for _, perf in ipairs(perfs) do
  call('PUBLISH', key(perf[1], 'feed'), '{"e":"' .. epoch .. '","v":0,"s":[],"q":{}}')
end
return 1
