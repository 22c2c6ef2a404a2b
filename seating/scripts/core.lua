-- What every step on a group shares. A step is: read, decide, then write; `finish()` last, so that each performance
-- touched gets exactly one version, one line in its log and one message, whatever the step did to it.
--
-- Keys, all under one hash tag TAG = {g:GROUP}, hence on one node:
--   TAG:meta     hash    epoch, seq, many, perfs, and per performance v<P> version, n<P> seats, pl<P> plan digest
--   TAG:quotas   hash    u<Q> used, l<Q> limit (absent: none), p<Q> performances that show it (absent: see shown_on)
--   TAG:items    hash    item id -> msgpack {perf, ordinal, tariff, quotas, cart, kind, label, ref, expires}
--   TAG:due      zset    item id by expiry in ms (LIVE-7); only held items: pending ones never lapse by themselves
--   TAG:pending  hash    order -> msgpack {ref, since, kind, label, {{id, perf, ordinal, tariff, quotas}, ...}}
--   TAG:sold     hash    the same, once paid
--   TAG:stale    set     quotas whose new value other performances have not been told yet
--   TAG:cart:C   list    item ids of a cart in order; an id without an item has lapsed
--   TAG:req:R    string  the remembered answer of a request
--   TAG:p:P:states string  one byte a seat        TAG:p:P:own hash  ordinal -> item id, or "o" .. order
--   TAG:p:P:log    list    the last changes       TAG:p:P:feed      the channel
--   TAG:plan:D:runs|seats|near|names              geometry, see choose.lua; shared by the performances on plan D
-- Fixed keys come by KEYS; those named by data inside the step (performances, plans) are derived from the same tag.
local call = redis.call
local META, QUOTAS, ITEMS, DUE, PENDING, SOLD = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local TAG = string.sub(META, 1, -6)
local S_FREE, S_HELD, S_PENDING, S_SOLD, S_BLOCKED, S_USED = 0, 1, 2, 3, 4, 5
local LOG_MAX = 2000
local PURGE_MAX = 200

local head = call('HMGET', META, 'epoch', 'many')
local EPOCH, MANY = head[1], head[2] == '1'
if not EPOCH then return cmsgpack.pack({'missing'}) end

-- One clock for everybody: the server's.
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function key(perf, name) return TAG .. ':p:' .. perf .. ':' .. name end

-- Lua can spread some thousands of values over a call, not a stadium.
local function bulk(command, name, args, width)
  local step = 2000 * width
  for from = 1, #args, step do
    call(command, name, unpack(args, from, math.min(from + step - 1, #args)))
  end
end

local function many(command, name, fields)
  local found = {}
  for from = 1, #fields, 2000 do
    local to = math.min(from + 1999, #fields)
    local part = call(command, name, unpack(fields, from, to))
    for i = 1, to - from + 1 do found[from + i - 1] = part[i] end
  end
  return found
end

-- Changes ---------------------------------------------------------------------------------------------------------

local changed, changed_order = {}, {}

local function changes_of(perf)
  local mine = changed[perf]
  if not mine then
    mine = {seats = {}, order = {}, quotas = {}}
    changed[perf] = mine
    changed_order[#changed_order + 1] = perf
  end
  return mine
end

local quoted = {}
local function quote(text)
  local known = quoted[text]
  if not known then
    known = cjson.encode(text)
    quoted[text] = known
  end
  return known
end

-- Callers have compared with the state that they expect: nothing is overwritten unseen.
local function set_seat(perf, ordinal, state, kind, label, ref, expires)
  call('SETRANGE', key(perf, 'states'), ordinal, string.char(state))
  local mine = changes_of(perf)
  if not mine.seats[ordinal] then mine.order[#mine.order + 1] = ordinal end
  -- Numbers are written by Lua itself: exact up to 14 digits, which lasts for milliseconds until the year 5138.
  if kind then
    mine.seats[ordinal] = '[' .. ordinal .. ',' .. state .. ',' .. quote(kind) .. ',' .. quote(label) .. ',"' .. ref
      .. '",' .. expires .. ']'
  else
    mine.seats[ordinal] = '[' .. ordinal .. ',' .. state .. ',"","","",0]'
  end
end

local function state_of(perf, ordinal)
  return string.byte(call('GETRANGE', key(perf, 'states'), ordinal, ordinal)) or S_BLOCKED
end

-- Quotas ----------------------------------------------------------------------------------------------------------

local quotas = {}

local function read_quotas(ids)
  local fields, wanted = {}, {}
  for _, id in ipairs(ids) do
    if not quotas[id] then
      quotas[id] = {}
      wanted[#wanted + 1] = id
      fields[#fields + 1] = 'u' .. id
      fields[#fields + 1] = 'l' .. id
      fields[#fields + 1] = 'p' .. id
    end
  end
  if #wanted == 0 then return end
  local values = many('HMGET', QUOTAS, fields)
  for i, id in ipairs(wanted) do
    quotas[id] = {used = tonumber(values[3 * i - 2] or 0), limit = tonumber(values[3 * i - 1] or -1), shown = values[3 * i]}
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

local function quota_piece(id, quota)
  return quote(id) .. ':[' .. quota.used .. ',' .. quota.limit .. ']'
end

local function write_quotas()
  local args, stale = {}, {}
  for id, quota in pairs(quotas) do
    if quota.dirty then
      args[#args + 1] = 'u' .. id
      args[#args + 1] = quota.used
      local list = shown_on(id, quota.shown)
      local one = list and #list == 1
      if one and not changed[list[1]] and call('HEXISTS', META, 'n' .. list[1]) == 1 then changes_of(list[1]) end
      for _, perf in ipairs(changed_order) do
        local mine, here = changed[perf], not list
        for _, each in ipairs(list or {}) do here = here or each == perf end
        if here then mine.quotas[#mine.quotas + 1] = quota_piece(id, quota) end
      end
      -- The other performances are told together by the next `expire`, at most a second later: telling each of a
      -- thousand time slots about every single hold would cost more than the hold.
      if MANY and not one then stale[#stale + 1] = id end
    end
  end
  if #args > 0 then bulk('HSET', QUOTAS, args, 2) end
  if #stale > 0 then bulk('SADD', TAG .. ':stale', stale, 1) end
end

local function finish()
  write_quotas()
  for _, perf in ipairs(changed_order) do
    local mine, seats = changed[perf], {}
    for i, ordinal in ipairs(mine.order) do seats[i] = mine.seats[ordinal] end
    local version = call('HINCRBY', META, 'v' .. perf, 1)
    local line = '{"e":"' .. EPOCH .. '","v":' .. version .. ',"s":[' .. table.concat(seats, ',') .. '],"q":{'
      .. table.concat(mine.quotas, ',') .. '}}'
    -- Trimmed now and then: a log a little longer than its limit harms nobody.
    if call('RPUSH', key(perf, 'log'), line) >= LOG_MAX + 100 then call('LTRIM', key(perf, 'log'), -LOG_MAX, -1) end
    call('PUBLISH', key(perf, 'feed'), line)
  end
end

-- Items -----------------------------------------------------------------------------------------------------------

local function item_of(id)
  local raw = call('HGET', ITEMS, id)
  return raw and cmsgpack.unpack(raw) or nil
end

-- {id, perf, ordinal, tariff, quotas, expires}: what callers get.
local function seen(id, item) return {id, item[1], item[2], item[3], item[4], item[9]} end

-- The items of these ids, in their order; false where there is none any more.
local function items_of(ids)
  local found = #ids > 0 and many('HMGET', ITEMS, ids) or {}
  for i = 1, #ids do found[i] = found[i] and cmsgpack.unpack(found[i]) end
  return found
end

-- Held items back on sale: ids[i] is items[i], none of them false. A seat is freed only if it is still its item's.
local function free_items(ids, items)
  if #ids == 0 then return end
  local by_perf = {}
  for i, item in ipairs(items) do
    local perf = item[1]
    changes_of(perf)
    if item[2] >= 0 then
      local mine = by_perf[perf]
      if not mine then
        mine = {ids = {}, ordinals = {}}
        by_perf[perf] = mine
      end
      mine.ids[#mine.ids + 1] = ids[i]
      mine.ordinals[#mine.ordinals + 1] = item[2]
    end
    add_quotas(item[4], -1)
  end
  for perf, mine in pairs(by_perf) do
    local owners, freed = many('HMGET', key(perf, 'own'), mine.ordinals), {}
    for i, ordinal in ipairs(mine.ordinals) do
      if owners[i] == mine.ids[i] then
        freed[#freed + 1] = ordinal
        set_seat(perf, ordinal, S_FREE)
      end
    end
    if #freed > 0 then bulk('HDEL', key(perf, 'own'), freed, 1) end
  end
  bulk('HDEL', ITEMS, ids, 1)
  bulk('ZREM', DUE, ids, 1)
end

-- Frees what is due, boundedly; true when more is waiting.
local function purge(limit)
  local ids = call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, limit)
  local due, items = {}, {}
  for i, item in ipairs(items_of(ids)) do
    if item then
      due[#due + 1] = ids[i]
      items[#items + 1] = item
    else
      call('ZREM', DUE, ids[i])
    end
  end
  free_items(due, items)
  return #ids == limit, #ids
end
