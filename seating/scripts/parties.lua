-- Parties without wheelchairs: the tiers of docs/best-seats.md, the best result of each being
-- {weight of lone seats and distance, window, next part}.

-- Tiers 1 and 2: everybody side by side.
local function in_one_row(search, n)
  local best = nil
  for _, slice in ipairs(search.slices) do
    local looked = 0
    for position in walk(slice, n) do
      looked = looked + 1
      if looked > WINDOWS_MAX or beaten(best, lower_of(search.house, position) * n) then break end
      for _, block in ipairs(blocks_of(search, position, n)) do
        local window = window_of(search, block, n)
        local found = {window[1], window, nil, slice = slice}
        if better(found, best) then best = found end
      end
    end
  end
  return best
end

-- With `parts` parts, no more than this many blocks of each size can matter: one further off could be exchanged for
-- a nearer one that is not taken. The blocks of the middle row are kept: one of them has to be taken.
local function reduced(search, blocks, parts, least, most, middle)
  local kept, list = {}, {}
  for size = least, most do
    local windows = {}
    for _, block in ipairs(blocks) do
      if block.length >= size then windows[#windows + 1] = {block, window_of(search, block, size)} end
    end
    table.sort(windows, function(a, b)
      return a[2][1] < b[2][1] or (a[2][1] == b[2][1] and a[2][2] < b[2][2])
    end)
    for i = 1, math.min(parts, #windows) do kept[windows[i][1]] = true end
  end
  for _, block in ipairs(blocks) do
    if kept[block] or block.position == middle then list[#list + 1] = block end
  end
  return list
end

-- The blocks of those rows that can be among the few that are allowed: with the roomiest others they have room for n.
local function in_allowed_rows(search, blocks, n)
  local room, rows, kept = {}, {}, {}
  for _, block in ipairs(blocks) do
    local row = row_of(search.house, block.position)
    if not room[row] then rows[#rows + 1] = row end
    room[row] = (room[row] or 0) + block.length
  end
  table.sort(rows, function(a, b) return room[a] > room[b] end)
  local seats = 0
  for i = 1, math.min(search.rows_max, #rows) - 1 do seats = seats + room[rows[i]] end
  for _, block in ipairs(blocks) do
    if seats + room[row_of(search.house, block.position)] >= n then kept[#kept + 1] = block end
  end
  return kept
end

-- The best way to seat n in exactly `parts` of these blocks, two or more in each; with a `middle` row, at least
-- `need` of them side by side there. Goes through the blocks from the last to the first and keeps, for each number
-- of parts and seats, the best so far; of equals, the one that starts earlier. Nil when there is no way.
local function combine(search, n, blocks, parts, middle, need)
  local limited = search.rows_max > 0 and search.rows_max < parts
  if limited then blocks = in_allowed_rows(search, blocks, n) end
  local lengths = {}
  for i, block in ipairs(blocks) do lengths[i] = block.length end
  table.sort(lengths, function(a, b) return a > b end)
  if #lengths < parts then return nil end
  local most, least = math.min(lengths[1], n - 2 * (parts - 1)), n
  for i = 1, parts - 1 do least = least - lengths[i] end
  least = math.max(2, least)
  if not limited then blocks = reduced(search, blocks, parts, least, most, middle) end
  table.sort(blocks, function(a, b) return a.start + a.a > b.start + b.a end)
  -- layers[p][key]; a key is seats, whether the middle row is served, rows begun, whether the last one is this row.
  local layers, row, rows_max = {[0] = {[0] = {0}}}, nil, limited and search.rows_max or 0
  for p = 1, parts do layers[p] = {} end
  local function keep(layer, key, found)
    local old = layer[key]
    if not old or found[1] < old[1] or (found[1] == old[1] and earlier(found, old)) then layer[key] = found end
  end
  for _, block in ipairs(blocks) do
    if limited and row_of(search.house, block.position) ~= row then
      row = row_of(search.house, block.position)
      for p = 1, parts do
        local fresh = {}
        for key, found in pairs(layers[p]) do keep(fresh, key - key % 2, found) end
        layers[p] = fresh
      end
    end
    for p = parts, 1, -1 do
      for key, rest in pairs(layers[p - 1]) do
        local here, begun = key % 2, math.floor(key / 2) % 16
        local served, seats = math.floor(key / 32) % 2, math.floor(key / 64)
        if limited then begun, here = begun + 1 - here, 1 end
        local open = parts - p
        if begun <= rows_max then
          for size = math.max(least, n - seats - open * most), math.min(block.length, most, n - seats - 2 * open) do
            local window = window_of(search, block, size)
            local now_served = (not middle or (block.position == middle and size >= need)) and 1 or served
            keep(layers[p], (seats + size) * 64 + now_served * 32 + begun * 2 + here,
              {rest[1] + window[1], window, p > 1 and rest or nil})
          end
        end
      end
    end
  end
  local best = nil
  for key, found in pairs(layers[parts]) do
    if math.floor(key / 32) == n * 2 + 1 and (not best or found[1] < best[1]
      or (found[1] == best[1] and earlier(found, best))) then best = found end
  end
  return best
end

-- Sums of the longest lengths: tops[k] seats at most in k of them.
local function tops_of(lengths)
  table.sort(lengths, function(a, b) return a > b end)
  local tops = {[0] = 0}
  for k, length in ipairs(lengths) do tops[k] = tops[k - 1] + length end
  return tops
end

-- Whether a stretch has a second block of two and more. Asked of many rows in vain, so nothing is made of it.
local function has_second(search, position)
  local house = search.house
  local states = search.changed[position] or (house.at[position] and house.at[position].states)
  if not states then
    local chunk, at = plan_bytes(house, 'stretches', 16, position)
    local start, length = struct.unpack('>I4I2', chunk, at + 1)
    states = call('GETRANGE', search.states_key, start, start + length - 1)
  end
  local first = string.find(states, search.two, 1, true)
  return first and string.find(states, search.two, string.match(states, search.pattern, first), true)
end

-- Whether n may fit into a row and those next to it, as far as their longest runs tell. Most rows of a house that is
-- nearly sold out end here.
local function hopeful(search, slice, position, n, parts)
  local known = search.middles[position]
  if known then return known.longest + known.tops[math.min(#known.tops, math.floor(n / 2) - 1)] >= n end
  local own, most = byte_of(slice, position), 0
  local chunk, at = plan_bytes(search.house, 'near', 16, position)
  for i = at + 1, at + 16, 2 do
    local a, b = string.byte(chunk, i, i + 1)
    local near = a * 256 + b
    if near == NONE then break end
    local byte = byte_of(slice, near)
    if byte > most and (not slice.inside or slice.inside[near]) then most = byte end
  end
  return (most >= 2 and own + (parts - 1) * math.max(own, most) >= n) or has_second(search, position)
end

-- A row as the middle of a split party: its blocks and those in front, behind and across the aisle.
local function middle_of(search, slice, position)
  local known = search.middles[position]
  if not known then
    local own, others, blocks = pairs_of(search, position), {}, {}
    local longest = 1
    for i, block in ipairs(own) do
      blocks[#blocks + 1] = block
      if block.length > own[longest].length then longest = i end
    end
    for i, block in ipairs(own) do if i ~= longest then others[#others + 1] = block.length end end
    for _, near in ipairs(near_of(search.house, position)) do
      if byte_of(slice, near) >= 2 and (not slice.inside or slice.inside[near]) then
        for _, block in ipairs(pairs_of(search, near)) do
          blocks[#blocks + 1] = block
          others[#others + 1] = block.length
        end
      end
    end
    known = {blocks = blocks, longest = own[longest].length, tops = tops_of(others)}
    search.middles[position] = known
  end
  return known
end

-- Tier 3: in a row and those next to it.
local function in_near_rows(search, n, parts)
  local best, need, only_here = nil, math.ceil(n / parts), search.reach == 3
  local limit = math.floor((only_here and MIDDLES_OF_ROWS_MAX or MIDDLES_MAX) / parts)
  for _, slice in ipairs(search.slices) do
    local looked = 0
    for position in walk(slice, need) do
      looked = looked + 1
      local lower, around = lower_of(search.house, position)
      -- A few parts that may not be further apart are looked for until they are found.
      if looked > limit and (best or not only_here or parts > 3) then break end
      if beaten(best, need * lower + (n - need) * math.max(0, lower - slice.drop)) then break end
      if not beaten(best, need * lower + (n - need) * around) and hopeful(search, slice, position, n, parts) then
        local middle = middle_of(search, slice, position)
        if middle.tops[parts - 1] and middle.longest + middle.tops[parts - 1] >= n then
          local found = combine(search, n, middle.blocks, parts, position, need)
          if found then
            found = {found[1], found[2], found[3], slice = slice}
            if better(found, best) then best = found end
          end
        end
      end
    end
  end
  return best
end

-- Stretches of a slice with two adjacent seats and more, in lists by zone (or one list), nearest first; each list
-- says how long its longest run is, and how many of it are among the nearest of the slice.
local function spread_over(search, slice, by_zone)
  local lists, of_zone, looked = {}, {}, 0
  for position in walk(slice, 2) do
    looked = looked + 1
    local zone = by_zone and zone_of(search.house, position) or 0
    local list = of_zone[zone]
    if not list then
      list = {longest = 0, near = 0}
      of_zone[zone] = list
      lists[#lists + 1] = list
    end
    list[#list + 1] = position
    list.longest = math.max(list.longest, byte_of(slice, position))
    if looked <= LIMITED_MAX then list.near = #list end
  end
  return lists
end

-- The `parts` stretches with the longest runs: no others can seat more people in so many parts.
local function longest_of(slice, list, parts)
  local by_byte, sorted = {}, {}
  for _, position in ipairs(list) do
    local byte = byte_of(slice, position)
    local same = by_byte[byte]
    if not same then
      same = {}
      by_byte[byte] = same
    end
    if #same < parts then same[#same + 1] = position end
  end
  for byte = list.longest, 2, -1 do
    for _, position in ipairs(by_byte[byte] or {}) do
      if #sorted == parts then return sorted end
      sorted[#sorted + 1] = position
    end
  end
  return sorted
end

-- The best way to spread n over a list of stretches in at most `parts_max` parts, and in how many.
local function spread(search, slice, n, list, parts_max)
  if search.rows_max > 0 and list.near == 0 then parts_max = math.min(parts_max, search.rows_max) end
  if parts_max < 2 or list.longest * parts_max < n then return nil end
  local lengths = {}
  for _, position in ipairs(longest_of(slice, list, parts_max)) do
    for _, block in ipairs(pairs_of(search, position)) do lengths[#lengths + 1] = block.length end
  end
  local tops = tops_of(lengths)
  for parts = 2, parts_max do
    if tops[parts] and tops[parts] >= n then
      local blocks, known = {}, {}
      local function add(position)
        if known[position] then return end
        known[position] = true
        for _, block in ipairs(pairs_of(search, position)) do blocks[#blocks + 1] = block end
      end
      if search.rows_max > 0 and parts > search.rows_max then
        -- Which rows together have room for a party cannot be told from their longest runs: the nearest are tried.
        for i = 1, list.near do add(list[i]) end
      else
        for i = 1, math.min(NEAREST_MAX, #list) do add(list[i]) end
        for _, position in ipairs(longest_of(slice, list, parts)) do add(position) end
      end
      local found = combine(search, n, blocks, parts)
      if found then return {found[1], found[2], found[3], slice = slice}, parts end
    end
  end
  return nil
end

-- Tiers 4 and 5: anywhere in one zone (that which takes the fewest parts, then the nearest), or over zones.
local function spread_out(search, n, by_zone)
  local most = math.floor(n / 2)
  local best, fewest = nil, most + 1
  for _, slice in ipairs(search.slices) do
    local mine, parts_max = nil, fewest
    for _, list in ipairs(spread_over(search, slice, by_zone)) do
      local found, parts = spread(search, slice, n, list, mine and parts_max - 1 or math.min(parts_max, most))
      if found then mine, parts_max = found, parts end
    end
    if mine and (parts_max < fewest or better(mine, best)) then best, fewest = mine, parts_max end
  end
  return best, fewest
end

-- A party without wheelchairs: the result, its tier and its number of parts; nil when nothing fits.
local function seated(search, n)
  local found, parts = in_one_row(search, n), nil
  if found then return found, found[1] >= LONE and 2 or 1, 1 end
  if n < 4 then return nil end
  if search.reach >= 3 then
    for k = 2, math.floor(n / 2) do
      found = in_near_rows(search, n, k)
      if found then return found, 3, k end
    end
  end
  for tier = 4, search.reach do
    found, parts = spread_out(search, n, tier == 4)
    if found then return found, tier, parts end
  end
  return nil
end

local function ordinals_of(found, into)
  local ordinals, part = into or {}, found
  while part and part[2] do
    for k = 0, part[2][3] - 1 do ordinals[#ordinals + 1] = part[2][2] + k end
    part = part[3]
  end
  return ordinals
end

-- These seats are not to be had, as far as this search is concerned.
local function leave_out(search, ordinals)
  for _, ordinal in ipairs(ordinals) do
    local stretch, i = place_of(search.house, ordinal)
    local states, at = states_of(search, stretch), stretch.position
    states = string.sub(states, 1, i - 1) .. string.char((search.byte + 1) % 256) .. string.sub(states, i + 1)
    search.changed[at] = states
    for _, slice in ipairs(search.slices) do
      local place = at - slice.first
      if place >= 0 and place < #slice.index then
        local run = string.char(longest_run(states, search.byte))
        slice.index = string.sub(slice.index, 1, place) .. run .. string.sub(slice.index, place + 2)
      end
    end
  end
end
