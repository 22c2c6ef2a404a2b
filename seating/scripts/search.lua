-- What choosing seats reads (LIVE-8): the packed plan, described in ../house.py, and the states, by a search that keeps
-- what it has read. Nothing here or in parties.lua and choose.lua writes.
--
-- The index of longest runs says by one byte a stretch who may have room for a party; string.match walks it in C,
-- nearest first within a category. So only stretches that can matter are read, and a search ends where the distance
-- to the next one alone is more than what was found. "Position" and "ordinal" count from 0, places in a stretch from 1.
local NONE, CHUNK = 65535, 128
-- Bounds of what one request may look at; they belong to the definition of what is best. WINDOWS: stretches compared
-- for a party in one row. MIDDLES: parts of the party times rows tried as the middle of it, where it may be spread
-- further and where not. NEAREST: stretches whose seats are combined when a party is spread over a zone or the house;
-- LIMITED: where that is into more parts than rows. ACCESSIBLE: runs with wheelchair places. LEFT: how far free
-- seats are counted for a refusal.
local WINDOWS_MAX, MIDDLES_MAX, MIDDLES_OF_ROWS_MAX, NEAREST_MAX = 128, 64, 256, 64
local LIMITED_MAX, ACCESSIBLE_MAX, LEFT_MAX = 16, 64, 50
-- One lone seat weighs more than any distance: twenty seats have at most 20 * 65,535 of it.
local LONE = 2 ^ 21
local REACH = {row = 2, rows = 3, zone = 4, house = 5}

-- The plan ---------------------------------------------------------------------------------------------------------

local function whole(house, part)
  return call('GET', house.base .. ':' .. part) or damaged('plan of ' .. house.perf)
end

local function range(house, part, from, size)
  local raw = call('GETRANGE', house.base .. ':' .. part, from, from + size - 1)
  if #raw ~= size then damaged('plan of ' .. house.perf) end
  return raw
end

-- Where the `width` bytes of a position are: a chunk of that part of the plan, which is kept, and the place in it.
local function plan_bytes(house, part, width, position)
  local chunks = house['c_' .. part]
  if not chunks then
    chunks = {}
    house['c_' .. part] = chunks
  end
  local number = math.floor(position / CHUNK)
  local chunk = chunks[number]
  if not chunk then
    chunk = call('GETRANGE', house.base .. ':' .. part, number * CHUNK * width, (number + 1) * CHUNK * width - 1)
    chunks[number] = chunk
  end
  local at = (position - number * CHUNK) * width
  if #chunk < at + width then damaged('plan of ' .. house.perf) end
  return chunk, at
end

-- The distance of a stretch's nearest seat, and the least of that of it and its neighbours.
local function lower_of(house, position)
  local chunk, at = plan_bytes(house, 'lowers', 4, position)
  local a, b, c, d = string.byte(chunk, at + 1, at + 4)
  return a * 256 + b, c * 256 + d
end

-- Zone and row of a stretch.
local function zone_of(house, position)
  local chunk, at = plan_bytes(house, 'stretches', 16, position)
  local a, b = string.byte(chunk, at + 9, at + 10)
  return a * 256 + b
end

local function row_of(house, position)
  local chunk, at = plan_bytes(house, 'stretches', 16, position)
  local a, b = string.byte(chunk, at + 15, at + 16)
  return a * 256 + b
end

local function near_of(house, position)
  local chunk, at = plan_bytes(house, 'near', 16, position)
  local near = {struct.unpack('>I2I2I2I2I2I2I2I2', chunk, at + 1)}
  near[9] = nil
  while near[#near] == NONE do near[#near] = nil end
  return near
end

local function catalog_of(house)
  if not house.c_catalog then
    house.c_catalog = cmsgpack.unpack(whole(house, 'catalog'))
    house.c_kinds = 0
    for _ in pairs(house.c_catalog) do house.c_kinds = house.c_kinds + 1 end
  end
  return house.c_catalog
end

-- A search ---------------------------------------------------------------------------------------------------------

-- The zones wished for: a list of indexes, or nil for any.
local function zones_of(house, names)
  if #names == 0 then return nil end
  local book, wanted, known = cmsgpack.unpack(whole(house, 'zonebook')), {}, {}
  for _, name in ipairs(names) do
    local zone = book[name]
    if zone and not known[zone] then
      known[zone] = true
      wanted[#wanted + 1] = zone
    end
  end
  return wanted
end

local function positions_in(house, zones, category)
  local positions = {}
  for _, zone in ipairs(zones) do
    local at = (zone * house.c_kinds + category) * 6
    local from, count = struct.unpack('>I4I2', range(house, 'zoneslices', at, 6))
    local raw = count > 0 and range(house, 'zonelists', from * 2, count * 2) or ''
    for i = 1, #raw, 2 do
      local a, b = string.byte(raw, i, i + 1)
      positions[#positions + 1] = a * 256 + b
    end
  end
  if #zones > 1 then table.sort(positions) end
  return positions
end

-- A category's ordinary stretches: {order, choice, category, first, count, drop, index, positions, inside}.
local function slice_of(search, order, entry, choice)
  local category, ordinary = entry[1], entry[2]
  local slice = {order = order, choice = choice, category = category, first = ordinary[1], drop = ordinary[3]}
  slice.index = string.sub(search.index, ordinary[1] + 1, ordinary[1] + ordinary[2])
  if search.zones then
    slice.positions = positions_in(search.house, search.zones, category)
    slice.inside = {}
    for _, position in ipairs(slice.positions) do slice.inside[position] = true end
  end
  return slice
end

-- What one call knows: the wish, the slices in the order of the choices, and what was read of the states.
local function search_of(house, wish)
  local char = string.char(wish.byte)
  local search = {
    house = house, byte = wish.byte, count = wish.count, char = char, index = index_of(house, wish.byte),
    rows_max = wish.rows_max or 0, reach = REACH[wish.apart or 'house'], changed = {}, blocks = {}, middles = {},
    zones = zones_of(house, wish.zones), slices = {}, two = char .. char, states_key = key(house.perf, 'states'),
    pattern = wish.byte == 0 and '^%z+()' or '^' .. (string.find(char, '%w') and char or '%' .. char) .. '+()',
  }
  local catalog, seen = catalog_of(house), {}
  for _, each in ipairs(wish.categories) do
    local entries = {catalog[each[1]]}
    if each[1] == '' then
      for _, entry in pairs(catalog) do entries[#entries + 1] = entry end
      table.sort(entries, function(a, b) return a[1] < b[1] end)
    end
    for _, entry in ipairs(entries) do
      if not seen[entry[1]] then
        seen[entry[1]] = true
        search.slices[#search.slices + 1] = slice_of(search, #search.slices + 1, entry, each[2])
      end
    end
  end
  return search
end

local function byte_of(slice, position) return string.byte(slice.index, position - slice.first + 1) end

-- The positions of a slice that have at least `least` seats in a row, nearest first.
local function walk(slice, least)
  if slice.positions then
    local i = 0
    return function()
      repeat i = i + 1 until not slice.positions[i] or byte_of(slice, slice.positions[i]) >= least
      return slice.positions[i]
    end
  end
  local pattern, at = '^[^' .. string.char(least) .. '-\255]*()', 1
  return function()
    local found = string.match(slice.index, pattern, at)
    if found > #slice.index then return nil end
    at = found + 1
    return slice.first + found - 1
  end
end

local function states_of(search, stretch) return search.changed[stretch.position] or stretch.states end

-- Sums of the distances of places 1 to k, so that any window costs one subtraction.
local function sums_of(search, block)
  if not block.sums then
    local raw = range(search.house, 'far', (block.start + block.a - 1) * 2, block.length * 2)
    local sums, sum, k = {[0] = 0}, 0, 0
    -- Lua can spread some thousands of values, not every row that somebody may draw.
    for from = 1, #raw, 2000 do
      local bytes = {string.byte(raw, from, from + 1999)}
      for i = 1, #bytes, 2 do
        sum, k = sum + bytes[i] * 256 + bytes[i + 1], k + 1
        sums[k] = sum
      end
    end
    block.sums, block.windows = sums, {}
  end
  return block.sums
end

-- The blocks of at least `least` seats of a stretch, in their order: {position, start, a, length}, a from 1.
local function blocks_of(search, position, least)
  local stretch = stretch_at(search.house, position)
  local states, needle, found, at = states_of(search, stretch), string.rep(search.char, least), {}, 1
  while true do
    local a = string.find(states, needle, at, true)
    if not a then return found end
    at = string.match(states, search.pattern, a) + 1
    found[#found + 1] = {position = position, start = stretch.start, a = a, length = at - 1 - a}
  end
end

-- The blocks of two and more, kept for the search.
local function pairs_of(search, position)
  local known = search.blocks[position]
  if not known then
    known = blocks_of(search, position, 2)
    search.blocks[position] = known
  end
  return known
end

-- The best `size` seats of a block: {weight of lone seats and distance, first ordinal, size}.
local function window_of(search, block, size)
  local sums = sums_of(search, block)
  local best = block.windows[size]
  if best then return best end
  local room, weight, at = block.length - size, nil, nil
  for left = 0, room do
    local cost = sums[left + size] - sums[left]
    if left == 1 then cost = cost + LONE end
    if room - left == 1 then cost = cost + LONE end
    if not weight or cost < weight then weight, at = cost, left end
  end
  best = {weight, block.start + block.a - 1 + at, size}
  block.windows[size] = best
  return best
end

-- Results: {weight, window, next part}, in the order of ordinals ---------------------------------------------------

-- Whether the seats of `a` come before those of `b`, compared seat by seat in the order of the plan.
local function earlier(a, b)
  while a and b do
    if a[2][2] ~= b[2][2] then return a[2][2] < b[2][2] end
    if a[2][3] ~= b[2][3] then return a[2][3] > b[2][3] end
    a, b = a[3], b[3]
  end
  return false
end

-- Of two results of one tier and number of parts: fewest lone seats, nearest, first choice, first in the plan.
local function better(a, b)
  if not b then return true end
  if a[1] ~= b[1] then return a[1] < b[1] end
  if a.slice.order ~= b.slice.order then return a.slice.order < b.slice.order end
  return earlier(a, b)
end

-- Nothing with a lower bound of `least` can be better than what was found.
local function beaten(found, least) return found and least > found[1] end
