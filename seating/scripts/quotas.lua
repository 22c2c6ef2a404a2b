-- What seats and places count against, what allotments keep back of it, and the writing of a step's changes.

local quotas = {}
local WIDTH = MANY and 4 or 3

local function read_quotas(ids)
  local fields, wanted = {''}, {}
  for _, id in ipairs(ids) do
    if not quotas[id] then
      quotas[id] = {}
      wanted[#wanted + 1] = id
      fields[#fields + 1] = 'u' .. id
      fields[#fields + 1] = 'l' .. id
      fields[#fields + 1] = 'r' .. id
      -- With a single performance there is nowhere else to show it.
      if MANY then fields[#fields + 1] = 'p' .. id end
    end
  end
  for from = 1, #wanted, 1000 do
    local to = math.min(from + 999, #wanted)
    local values = call('HMGET', QUOTAS, '', unpack(fields, 2 + (from - 1) * WIDTH, 1 + to * WIDTH))
    if not values[1] then damaged('quotas') end
    for at = from, to do
      local i, id = 2 + (at - from) * WIDTH, wanted[at]
      -- One that nobody loaded has no limit that we know of: better asked of the ledger than sold without.
      if not values[i] then damaged('quota ' .. id) end
      quotas[id] = {
        used = tonumber(values[i]), limit = tonumber(values[i + 1] or -1), kept = tonumber(values[i + 2] or 0),
        shown = MANY and values[i + 3] or nil,
      }
    end
  end
end

local function add_quotas(ids, amount)
  read_quotas(ids)
  for _, id in ipairs(ids) do
    local quota = quotas[id]
    -- Returned twice is a fault elsewhere; below zero it would sell places that do not exist.
    quota.used = math.max(0, quota.used + amount)
    quota.dirty = true
  end
end

-- One place counts against `after` instead of `before`; if some have no room, nothing moves, and {quota, what is left}
-- is answered for each of those.
local function shift_quotas(before, after)
  local change, short = {}, {}
  for _, id in ipairs(before) do change[id] = (change[id] or 0) - 1 end
  for _, id in ipairs(after) do change[id] = (change[id] or 0) + 1 end
  for id, amount in pairs(change) do
    read_quotas({id})
    local left = quotas[id].limit - quotas[id].used - quotas[id].kept
    if amount > 0 and quotas[id].limit >= 0 and left < amount then short[#short + 1] = {id, math.max(0, left)} end
  end
  for id, amount in pairs(#short == 0 and change or {}) do
    if amount ~= 0 then add_quotas({id}, amount) end
  end
  return short
end

-- `amount` of an allotment's places are taken (negative: given back), each of which its quotas had kept back.
local function draw(id, amount)
  local allotment = allotment_of(id)
  if not allotment or allotment[4] > 0 then return end
  local before = math.max(0, allotment[5])
  allotment[5] = allotment[5] - amount
  allotment.dirty = true
  -- One that was made smaller than what is out of it keeps nothing back until enough has come back.
  amount = before - math.max(0, allotment[5])
  read_quotas(allotment[6])
  for _, each in ipairs(allotment[6]) do
    local quota = quotas[each]
    quota.kept = math.max(0, quota.kept - amount)
    quota.drawn, quota.dirty = true, true
  end
end

-- "performance:34" shows on 34; others on those that the loader listed, or on all of the group.
local function shown_on(id, shown)
  if shown then
    local list = {}
    for perf in string.gmatch(shown, '%d+') do list[#list + 1] = tonumber(perf) end
    return list
  end
  local own = string.match(id, '^performance:(%d+)$')
  if own then return {tonumber(own)} end
  return nil
end

-- What is kept back is spoken for.
local function quota_piece(id, quota)
  return quote(id) .. ':[' .. quota.used + quota.kept .. ',' .. quota.limit .. ']'
end

local function write_quotas()
  local args, stale = {}, {}
  for id, quota in pairs(quotas) do
    if quota.dirty then
      quota.dirty = nil
      args[#args + 1] = 'u' .. id
      args[#args + 1] = quota.used
      if quota.drawn then
        quota.drawn = nil
        args[#args + 1] = 'r' .. id
        args[#args + 1] = quota.kept
      end
      if MANY then
        local list = shown_on(id, quota.shown)
        local one = list and #list == 1
        if one and not changed[list[1]] and performance_of(list[1]) then changes_of(list[1]) end
        for _, perf in ipairs(changed_order) do
          local mine, here = changed[perf], not list
          for _, each in ipairs(list or {}) do here = here or each == perf end
          if here then mine.quotas[#mine.quotas + 1] = quota_piece(id, quota) end
        end
        -- The other performances are told together by the next `expire`, at most a second later: telling each of a
        -- thousand time slots about every single hold would cost more than the hold.
        if not one then stale[#stale + 1] = id end
      else
        for _, perf in ipairs(changed_order) do
          local mine = changed[perf]
          mine.quotas[#mine.quotas + 1] = quota_piece(id, quota)
        end
      end
    end
  end
  if #args > 0 then bulk('HSET', QUOTAS, args, 2) end
  if #stale > 0 then bulk('SADD', TAG .. ':stale', stale, 1) end
end

local function write_seats()
  for perf, house in pairs(performances) do
    if house and #house.touched > 0 then
      for byte in pairs(house.indexes) do index_of(house, byte) end
      for _, stretch in ipairs(house.touched) do
        call('SETRANGE', key(perf, 'states'), stretch.start + stretch.from - 1,
          string.sub(stretch.states, stretch.from, stretch.to))
        for byte in pairs(stretch.bytes) do
          call('SETRANGE', key(perf, 'i' .. byte), stretch.position, string.char(longest_run(stretch.states, byte)))
        end
        stretch.from = nil
      end
      house.touched = {}
    end
  end
end

-- Writes what the step has done. May be called more than once: what was written is not written again.
local function finish()
  write_seats()
  for id, allotment in pairs(allotments) do
    if allotment and allotment.dirty then
      call('HSET', TAG .. ':allot', id, cmsgpack.pack({
        allotment[1], allotment[2], allotment[3], allotment[4], allotment[5], allotment[6]}))
      allotment.dirty = nil
    end
  end
  write_quotas()
  for _, perf in ipairs(changed_order) do
    local mine, seats, known = changed[perf], {}, performance_of(perf)
    for i, ordinal in ipairs(mine.order) do seats[i] = mine.seats[ordinal] end
    known.version = known.version + 1
    call('HSET', META, 'v' .. perf, known.version, 'seq', SEQ)
    local line = '{"e":"' .. EPOCH .. '","v":' .. known.version .. ',"s":[' .. table.concat(seats, ',') .. '],"q":{'
      .. table.concat(mine.quotas, ',') .. '}}'
    -- Trimmed now and then: a log a little longer than its limit harms nobody.
    if call('RPUSH', key(perf, 'log'), line) >= LOG_MAX + 100 then call('LTRIM', key(perf, 'log'), -LOG_MAX, -1) end
    call('PUBLISH', key(perf, 'feed'), line)
  end
  changed, changed_order = {}, {}
end
