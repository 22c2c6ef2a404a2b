-- needs: core choose
-- Holds every line or none. KEYS 7 cart, 8 remembered answer ("" of none is never asked for).
-- ARGV 1: msgpack {cart, ref, kind, label, ttl_ms, remember_ms, lines}; a line is {"n", perf, tariff, quotas, ordinals},
-- {"b", perf, tariff, quotas, count, categories, zones, accessible} or {"q", perf, tariff, quotas, count}.
local CART, ANSWER = KEYS[7], KEYS[8]
local said = call('GET', ANSWER)
if said then return said end

local cart, ref, kind, label, ttl_ms, remember_ms, lines = unpack(cmsgpack.unpack(ARGV[1]))
local backlog = purge(PURGE_MAX)

local reasons, asked, wanted, named, failed = {}, {}, {}, {}, false
local function refuse(code, perf, ordinal, quota, left, nearest)
  failed = true
  reasons[#reasons + 1] = {code, perf, ordinal or -1, quota or '', left or 0, nearest or {}}
end

local seats_in = {}
for _, line in ipairs(lines) do
  local perf = line[2]
  if seats_in[perf] == nil then
    seats_in[perf] = tonumber(call('HGET', META, 'n' .. perf) or nil) or false
    asked[perf] = {}
    if not seats_in[perf] then refuse('unknown_performance', perf) end
  end
end

-- Named seats first, so that best seats never take what another line names.
local taken_seats = {}
for _, line in ipairs(lines) do
  local perf, size = line[2], seats_in[line[2]]
  if line[1] == 'n' and size then
    for _, ordinal in ipairs(line[5]) do
      if ordinal < 0 or ordinal >= size then
        refuse('unknown_seat', perf, ordinal)
      else
        local state = state_of(perf, ordinal)
        if backlog and state == S_HELD then
          -- Due, but behind more lapsed holds than one step may free.
          local id = call('HGET', key(perf, 'own'), ordinal)
          local item = id and item_of(id)
          if item and item[9] <= now then
            free_items({id}, {item})
            state = S_FREE
          end
        end
        if state ~= S_FREE or asked[perf][ordinal] then
          failed = true
          taken_seats[#taken_seats + 1] = {perf, ordinal}
        end
        asked[perf][ordinal] = true
      end
    end
  end
end
for i, seat in ipairs(taken_seats) do
  -- Alternatives for the first few: a buyer chooses among seats, not among lists.
  refuse('seat_taken', seat[1], seat[2], '', 0, i <= 8 and nearest_free(seat[1], seat[2], asked[seat[1]]) or {})
end

for i, line in ipairs(lines) do
  local perf = line[2]
  if line[1] == 'n' then
    wanted[i] = line[5]
  elseif line[1] == 'q' then
    wanted[i] = {}
    for each = 1, line[5] do wanted[i][each] = -1 end
  elseif not failed then
    local ordinals, why, left = choose(perf, line[5], line[6], line[7], line[8], asked[perf])
    if ordinals then
      wanted[i] = ordinals
      for _, ordinal in ipairs(ordinals) do asked[perf][ordinal] = true end
    else
      refuse(why, perf, -1, '', left)
    end
  end
end

local ids, needed = {}, {}
for _, line in ipairs(lines) do
  local count = line[1] == 'n' and #line[5] or line[5]
  for _, id in ipairs(line[4]) do
    if not needed[id] then
      needed[id] = {count = 0, perf = line[2]}
      ids[#ids + 1] = id
    end
    needed[id].count = needed[id].count + count
  end
end
read_quotas(ids)
for _, id in ipairs(ids) do
  local quota = quotas[id]
  if quota.limit >= 0 and quota.used + needed[id].count > quota.limit then
    refuse('quota_exhausted', needed[id].perf, -1, id, math.max(0, quota.limit - quota.used))
  end
end

if failed then
  finish()
  local answer = cmsgpack.pack({'refused', reasons, backlog})
  if not backlog then call('SET', ANSWER, answer, 'PX', remember_ms) end
  return answer
end

local expires, total = now + ttl_ms, 0
for _, ordinals in ipairs(wanted) do total = total + #ordinals end
local last = call('HINCRBY', META, 'seq', total)
local made, items_args, due_args, cart_args, own_args = {}, {}, {}, {}, {}
for i, line in ipairs(lines) do
  local perf = line[2]
  own_args[perf] = own_args[perf] or {}
  changes_of(perf)
  -- Packed once a line, not once a place: only the second of the nine members differs.
  local rest = cmsgpack.pack(line[3], line[4], cart, kind, label, ref, expires)
  for _, ordinal in ipairs(wanted[i]) do
    local id = 'i' .. EPOCH .. '-' .. (last - total + #made + 1)
    made[#made + 1] = {id, perf, ordinal, line[3], line[4], expires}
    cart_args[#cart_args + 1] = id
    items_args[#items_args + 1] = id
    items_args[#items_args + 1] = '\153' .. cmsgpack.pack(perf, ordinal) .. rest
    due_args[#due_args + 1] = expires
    due_args[#due_args + 1] = id
    if ordinal >= 0 then
      set_seat(perf, ordinal, S_HELD, kind, label, ref, expires)
      local own = own_args[perf]
      own[#own + 1] = ordinal
      own[#own + 1] = id
    end
  end
  add_quotas(line[4], #wanted[i])
end
bulk('HSET', ITEMS, items_args, 2)
bulk('ZADD', DUE, due_args, 2)
bulk('RPUSH', CART, cart_args, 1)
for perf, own in pairs(own_args) do
  if #own > 0 then bulk('HSET', key(perf, 'own'), own, 2) end
end
-- Outlives its holds by an hour, so that a late checkout hears "lapsed" and not "empty".
call('PEXPIRE', CART, ttl_ms + 3600000)
finish()
local answer = cmsgpack.pack({'held', made, expires})
call('SET', ANSWER, answer, 'PX', remember_ms)
return answer
