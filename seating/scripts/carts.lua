-- Carts, their lines, and what becomes of them when their time is up.

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
