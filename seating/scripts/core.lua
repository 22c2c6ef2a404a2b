-- What every step on a group shares. A step is: read, decide, then write. What it does to seats and quotas is gathered
-- here and written by `finish()`, so a step that refuses has written nothing; each performance touched gets one version,
-- one line in its log and one message for all that happened to it.
--
-- Keys, all under one hash tag TAG = {g:GROUP}, hence on one node:
--   TAG:meta     hash    epoch, seq, many, perfs, parts (of plans), run (the id of the server's run that it was loaded in);
--                        per performance v<P> version, n<P> seats, pl<P> plan digest, k<P> the performances it is
--                        linked with "2,3"; a<P>:<allotment> its byte, b<P>:<byte> back; y<P> how many seats have a
--                        key of their own; parts as "digest:name=size ..."
--   TAG:quotas   hash    u<Q> used, l<Q> limit (absent: none), p<Q> performances that show it (absent: see shown_on),
--                        r<Q> kept back by allotments
--   TAG:carts    hash    cart -> msgpack {ref, kind, label, requests, lines}
--   TAG:due      zset    cart by its earliest expiry in ms (LIVE-7), "@" .. allotment by its release date
--   TAG:pending  hash    order -> msgpack {cart, since, kind, label, ref, lines}
--   TAG:sold     hash    order -> msgpack {since in s, {{perf, tariff, quota set, allotment, ordinals, ids}, ...}}
--   TAG:qsets    hash    the lists of quotas that sold places count against: text -> number, "#" .. number -> text
--   TAG:allot    hash    allotment -> msgpack {label, release, perf, byte, left, quotas} (AHEAD-2)
--   TAG:req:R    string  what a step answered that would answer a repeated call otherwise
--   TAG:stale    set     quotas whose new value other performances have not been told yet
--   TAG:p:P:states string  one byte a seat         TAG:p:P:keys   hash  ordinal -> the key that opens this allotted seat
--   TAG:p:P:i0     string  one byte a stretch: its longest run of free seats, at most 20; i<byte> for an allotment
--   TAG:p:P:log    list    the last changes        TAG:p:P:feed   the channel
--   TAG:plan:D:... geometry of plan D: stretches, where, and what choose.lua needs; shared by its performances
-- A line of a cart or an order is {perf, tariff, quotas, expires, allotment, bundle, exceeded, {id, ordinal, ...}}.
-- quotas, carts, due, pending, sold, qsets and allot have a member "" from the load on: without it, the key was lost.
-- Fixed keys come by KEYS; those named by data inside the step (performances, plans) are derived from the same tag.
local call = redis.call
local META, QUOTAS, CARTS, DUE, PENDING, SOLD = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local TAG = string.sub(META, 1, -6)
local S_FREE, S_HELD, S_PENDING, S_SOLD, S_BLOCKED, S_USED, S_ALLOTTED, S_LINKED = 0, 1, 2, 3, 4, 5, 6, 7
local ALLOTMENT_FIRST = 16
local LOG_MAX = 2000
local RUN_MAX = 20
-- Carts whose holds have lapsed that one step frees on its way, and that `expire` frees at a time.
local PURGE_ON_THE_WAY, PURGE_MAX = 8, 64

local head = call('HMGET', META, 'epoch', 'many', 'seq')
local EPOCH, MANY, SEQ = head[1], head[2] == '1', tonumber(head[3] or 0)
if not EPOCH then return cmsgpack.pack({'missing'}) end

-- One clock for everybody: the server's.
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function key(perf, name) return TAG .. ':p:' .. perf .. ':' .. name end

-- Only ever raised before the step has written anything of its own: the caller loads the group anew and asks again.
local function damaged(what) error({err = 'DAMAGED ' .. what}) end

-- Lua can spread some thousands of values over a call, not a stadium.
local function bulk(command, name, args, width)
  local step = 2000 * width
  for from = 1, #args, step do
    call(command, name, unpack(args, from, math.min(from + step - 1, #args)))
  end
end

-- Seats -----------------------------------------------------------------------------------------------------------

local performances = {}

-- A performance of the group, or false. `n` is 0 for one without numbered seats.
local function performance_of(perf)
  local known = performances[perf]
  if known == nil then
    local found = call('HMGET', META, 'n' .. perf, 'pl' .. perf, 'v' .. perf, 'k' .. perf)
    known = false
    if found[1] then
      known = {
        perf = perf, n = tonumber(found[1]), base = TAG .. ':plan:' .. (found[2] or ''), version = tonumber(found[3]),
        linked = found[4] or nil, at = {}, touched = {}, indexes = {}, lengths = {},
      }
    end
    performances[perf] = known
  end
  return known
end

local function house_of(perf)
  local found = performance_of(perf)
  return found and found.n > 0 and found or nil
end

local function stretch_at(house, position)
  local stretch = house.at[position]
  if not stretch then
    local raw = call('GETRANGE', house.base .. ':stretches', position * 16, position * 16 + 15)
    if #raw ~= 16 then damaged('plan of ' .. house.perf) end
    local start, length, lower, zone, run, category, class = struct.unpack('>I4I2I2I2I2BB', raw)
    stretch = {
      position = position, start = start, length = length, lower = lower, zone = zone, run = run, category = category,
      class = class, states = call('GETRANGE', key(house.perf, 'states'), start, start + length - 1),
    }
    if #stretch.states ~= length then damaged('states of ' .. house.perf) end
    house.at[position] = stretch
  end
  return stretch
end

-- The stretch of a seat and its place in it, from 1.
local function place_of(house, ordinal)
  local last = house.last
  if not last or ordinal < last.start or ordinal >= last.start + last.length then
    local raw = call('GETRANGE', house.base .. ':where', ordinal * 2, ordinal * 2 + 1)
    if #raw ~= 2 then damaged('plan of ' .. house.perf) end
    last = stretch_at(house, (struct.unpack('>I2', raw)))
    house.last = last
  end
  return last, ordinal - last.start + 1
end

local function byte_at(house, ordinal)
  local stretch, i = place_of(house, ordinal)
  return string.byte(stretch.states, i)
end

local function longest_run(states, byte)
  local pattern = byte == 0 and '%z+' or '[' .. string.char(byte) .. ']+'
  -- The characters that mean something inside a set.
  if byte == 93 or byte == 94 or byte == 45 or byte == 37 then pattern = '%' .. string.char(byte) .. '+' end
  local best, from = 0, 1
  while true do
    local a, b = string.find(states, pattern, from)
    if not a then return best < RUN_MAX and best or RUN_MAX end
    if b - a >= best then best = b - a + 1 end
    from = b + 2
  end
end

-- Notes that the index of seats with this byte changes here. One that was lost is not begun anew by being written to.
local function mark(house, stretch, byte)
  if stretch.bytes[byte] or (byte ~= S_FREE and byte < ALLOTMENT_FIRST) then return end
  stretch.bytes[byte] = true
  local length = house.lengths[byte] or call('STRLEN', key(house.perf, 'i' .. byte))
  house.lengths[byte] = length
  if stretch.position >= length then damaged('index of ' .. house.perf) end
end

-- Puts a byte into a seat, in memory.
local function put(house, stretch, i, byte)
  local states = stretch.states
  local before = string.byte(states, i)
  stretch.states = string.sub(states, 1, i - 1) .. string.char(byte) .. string.sub(states, i + 1)
  if not stretch.from then
    stretch.from, stretch.to, stretch.bytes = i, i, {}
    house.touched[#house.touched + 1] = stretch
  elseif i < stretch.from then
    stretch.from = i
  elseif i > stretch.to then
    stretch.to = i
  end
  mark(house, stretch, before)
  mark(house, stretch, byte)
end

-- The longest runs of seats with this byte, a byte a stretch, with what this step has done so far.
local function index_of(house, byte)
  local index = house.indexes[byte]
  if not index then
    local count = call('STRLEN', house.base .. ':stretches') / 16
    index = call('GET', key(house.perf, 'i' .. byte)) or ''
    if #index < count then damaged('index of ' .. house.perf) end
  end
  for _, stretch in ipairs(house.touched) do
    if stretch.bytes[byte] then
      local at = stretch.position
      local run = string.char(longest_run(stretch.states, byte))
      if string.sub(index, at + 1, at + 1) ~= run then
        index = string.sub(index, 1, at) .. run .. string.sub(index, at + 2)
      end
    end
  end
  house.indexes[byte] = index
  return index
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

-- What the feed says of a seat. Numbers are written by Lua itself: exact up to 14 digits, which lasts for milliseconds
-- until the year 5138.
local function tell(perf, ordinal, state, kind, label, ref, expires)
  local mine = changes_of(perf)
  if not mine.seats[ordinal] then mine.order[#mine.order + 1] = ordinal end
  if kind then
    mine.seats[ordinal] = '[' .. ordinal .. ',' .. state .. ',' .. quote(kind) .. ',' .. quote(label) .. ',"' .. ref
      .. '",' .. expires .. ']'
  else
    mine.seats[ordinal] = '[' .. ordinal .. ',' .. state .. ',"","","",0]'
  end
end

-- Allotments ------------------------------------------------------------------------------------------------------

local allotments = {}

-- {label, release, perf, byte, left, quotas}, or false when there is none (any more).
local function allotment_of(id)
  local known = allotments[id]
  if known == nil then
    local found = call('HMGET', TAG .. ':allot', '', id)
    if not found[1] then damaged('allotments') end
    known = found[2] and cmsgpack.unpack(found[2]) or false
    allotments[id] = known
  end
  return known
end

local function allotment_by_byte(perf, byte)
  local id = call('HGET', META, 'b' .. perf .. ':' .. byte)
  if not id then damaged('allotment ' .. byte .. ' of ' .. perf) end
  return id, allotment_of(id)
end

-- Seats change hands ----------------------------------------------------------------------------------------------

local function links_of(house)
  if not house.links then
    house.links = {}
    for perf in string.gmatch(house.linked, '%d+') do house.links[#house.links + 1] = tonumber(perf) end
  end
  return house.links
end

local function is_taken(byte) return byte ~= S_FREE and byte ~= S_LINKED end

local function taken_elsewhere(house, ordinal)
  for _, perf in ipairs(links_of(house)) do
    local other = house_of(perf)
    if other and ordinal < other.n and is_taken(byte_at(other, ordinal)) then return true end
  end
  return false
end

-- A seat taken here cannot be had in a linked performance; one that is free here may be free there again (SEA-7).
local function tell_links(house, ordinal, taken)
  for _, perf in ipairs(links_of(house)) do
    local other = house_of(perf)
    if other and ordinal < other.n then
      local stretch, i = place_of(other, ordinal)
      local byte = string.byte(stretch.states, i)
      if taken and byte == S_FREE then
        put(other, stretch, i, S_LINKED)
        tell(perf, ordinal, S_LINKED)
      elseif not taken and byte == S_LINKED and not taken_elsewhere(other, ordinal) then
        put(other, stretch, i, S_FREE)
        tell(perf, ordinal, S_FREE)
      end
    end
  end
end

-- Callers have compared with the state that they expect: nothing is overwritten unseen.
local function take(house, ordinal, state, kind, label, ref, expires)
  local stretch, i = place_of(house, ordinal)
  local before = string.byte(stretch.states, i)
  put(house, stretch, i, state)
  tell(house.perf, ordinal, state, kind, label, ref, expires)
  if house.linked and not is_taken(before) then tell_links(house, ordinal, true) end
end

-- Back to where it came from: on sale, to an allotment that is still in force, or off sale ("!").
local function free(house, ordinal, from)
  local byte, label = S_FREE, nil
  if from == '!' then
    byte = S_BLOCKED
  elseif from ~= '' then
    local allotment = allotment_of(from)
    if allotment and allotment[3] == house.perf and allotment[4] > 0 then byte, label = allotment[4], allotment[1] end
  end
  if byte == S_FREE and house.linked and taken_elsewhere(house, ordinal) then byte = S_LINKED end
  local stretch, i = place_of(house, ordinal)
  put(house, stretch, i, byte)
  if label then
    tell(house.perf, ordinal, S_ALLOTTED, 'allotment', label, '', 0)
  else
    tell(house.perf, ordinal, byte)
  end
  if house.linked and not is_taken(byte) then tell_links(house, ordinal, false) end
end

-- Quotas ----------------------------------------------------------------------------------------------------------

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

-- Carts and their lines -------------------------------------------------------------------------------------------

local function cart_of(cart)
  local found = call('HMGET', CARTS, '', cart)
  if not found[1] then damaged('carts') end
  return found[2] and cmsgpack.unpack(found[2]) or nil
end

local function save_cart(cart, record)
  if #record[5] == 0 then
    call('HDEL', CARTS, cart)
    call('ZREM', DUE, cart)
    return
  end
  local first = record[5][1][4]
  for _, line in ipairs(record[5]) do first = math.min(first, line[4]) end
  call('HSET', CARTS, cart, cmsgpack.pack(record))
  call('ZADD', DUE, first, cart)
end

-- Ids are numbers, given out here, or the ledger's own texts.
local function text_of(id) return type(id) == 'number' and string.format('%.0f', id) or id end

-- A line in two: the places that `wanted(id, ordinal)` says, and the others; nil for none.
local function split_line(line, wanted)
  local yes, no, places = {}, {}, line[8]
  for i = 1, #places, 2 do
    local part = wanted(places[i], places[i + 1]) and yes or no
    part[#part + 1] = places[i]
    part[#part + 1] = places[i + 1]
  end
  local function with(part)
    if #part == 0 then return nil end
    return {line[1], line[2], line[3], line[4], line[5], line[6], line[7], part}
  end
  return with(yes), with(no)
end

-- Seats that are as this line left them (`state`) go back, and so does what they counted against. How many places.
local function free_line(line, state)
  local perf, places = line[1], line[8]
  local house, unnumbered = performance_of(perf), 0
  if not house then return 0 end
  changes_of(perf)
  for i = 2, #places, 2 do
    local ordinal = places[i]
    if ordinal < 0 then
      unnumbered = unnumbered + 1
    elseif ordinal < house.n and byte_at(house, ordinal) == state then
      free(house, ordinal, line[5])
    end
  end
  add_quotas(line[3], -#places / 2)
  if unnumbered > 0 and line[5] ~= '' then draw(line[5], -unnumbered) end
  return #places / 2
end

-- Frees what has lapsed of a cart. How many places.
local function lapse(cart, record)
  local kept, freed = {}, 0
  for _, line in ipairs(record[5]) do
    if line[4] > now then
      kept[#kept + 1] = line
    else
      freed = freed + free_line(line, S_HELD)
    end
  end
  record[5] = kept
  return freed
end

-- What an allotment still keeps goes on sale, boundedly, and is written. How many places, and whether all are done.
local ALLOTTED_AT_ONCE = 500
local function release_allotment(id)
  local allotment = allotment_of(id)
  if not allotment then
    call('ZREM', DUE, '@' .. id)
    return 0, true
  end
  local perf, byte, freed = allotment[3], allotment[4], 0
  local house = house_of(perf)
  if byte > 0 and house then
    -- Seats that this very step has given back to it must not be missed.
    finish()
    local states, from = call('GET', key(perf, 'states')) or '', 1
    while freed < ALLOTTED_AT_ONCE do
      local at = string.find(states, string.char(byte), from, true)
      if not at then break end
      free(house, at - 1, '')
      freed, from = freed + 1, at + 1
    end
    finish()
    if freed == ALLOTTED_AT_ONCE then return freed, false end
    call('HDEL', META, 'a' .. perf .. ':' .. id, 'b' .. perf .. ':' .. byte)
    call('DEL', key(perf, 'i' .. byte))
    house.indexes[byte], house.lengths[byte] = nil, nil
  else
    freed = math.max(0, allotment[5])
    changes_of(perf)
    draw(id, freed)
    finish()
  end
  call('HDEL', TAG .. ':allot', id)
  call('ZREM', DUE, '@' .. id)
  allotments[id] = false
  return freed, true
end

-- Frees what is due, boundedly, and writes it. Whether more is waiting, and how many places were freed.
local function purge(limit)
  local due = call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, limit)
  if #due == 0 then return false, 0 end
  local freed, more = 0, #due == limit
  for _, member in ipairs(due) do
    if string.sub(member, 1, 1) == '@' then
      local some, done = release_allotment(string.sub(member, 2))
      freed, more = freed + some, more or not done
    else
      local record = cart_of(member)
      if record then
        freed = freed + lapse(member, record)
        save_cart(member, record)
      else
        call('ZREM', DUE, member)
      end
    end
  end
  finish()
  return more, freed
end

-- Repeated calls --------------------------------------------------------------------------------------------------

-- A call whose reply was lost is made again. Holds remember theirs with the cart; of the rarer steps, those that would
-- then say that there is nothing to do, or that what they did stands in the way, remember what they answered.
local REMEMBERED_MS = 120000
local function answered(request) return call('GET', TAG .. ':req:' .. request) end
local function answer(request, value)
  local packed = cmsgpack.pack(value)
  call('SET', TAG .. ':req:' .. request, packed, 'PX', REMEMBERED_MS)
  return packed
end
