-- What every step on a group shares. A step is: read, decide, then write. What it does to seats and quotas is gathered
-- here and written by `finish()`, so a step that refuses has written nothing; each performance touched gets one
-- version, one line in its log and one message for all that happened to it.
--
-- Keys, all under one hash tag TAG = {g:GROUP}, hence on one node:
--   TAG:meta     hash    epoch, seq, many, perfs, parts (of plans), run (the server's, when it was loaded);
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
--   TAG:p:P:states string  one byte a seat         TAG:p:P:keys   hash  ordinal -> what opens this allotted seat
--   TAG:p:P:i0     string  one byte a stretch: its longest run of free seats, at most 20; i<byte> for an allotment
--   TAG:p:P:log    list    the last changes        TAG:p:P:feed   the channel
--   TAG:plan:D:... geometry of plan D: stretches, where, and what choose.lua needs; shared by its performances
-- A line of a cart or an order is {perf, tariff, quotas, expires, allotment, bundle, exceeded, {id, ordinal, ...}}.
-- quotas, carts, due, pending, sold, qsets and allot have a member "" from the load on: without it, the key was lost.
-- Fixed keys come by KEYS; those named by data inside the step (performances, plans) are derived from the same tag. The
-- last of KEYS never exists: see seating.wire.keys_of.
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

-- What opens an allotted seat: its own key, if it has one, and nothing else then (SEA-8).
local function opener_of(house, ordinal, id) return call('HGET', key(house.perf, 'keys'), ordinal) or id end

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
