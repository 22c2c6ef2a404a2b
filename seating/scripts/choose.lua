-- Choosing seats, inside the step that takes them (LIVE-8, SEA-10). What is best, and why, is docs/best-seats.md; the
-- packed plan is described in ../house.py. `choose` and `fill` only read: the caller takes what they found.
--
-- The index of longest runs says by one byte a stretch who may have room for a party; string.match walks it in C,
-- nearest first within a category. So only stretches that can matter are read, and a search ends where the distance
-- to the next one alone is more than what was found. "Position" and "ordinal" count from 0, places in a stretch from 1.
local choose, fill
do
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

  -- The plan ------------------------------------------------------------------------------------------------------

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

  -- A search ------------------------------------------------------------------------------------------------------

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

  -- Results: {weight, window, next part}, in the order of ordinals -------------------------------------------------

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

  -- Wheelchairs ---------------------------------------------------------------------------------------------------

  -- Every seat of a run by its place: kind (1 wheelchair place, 2 companion's seat), category, free, far. Nil when no
  -- wheelchair place is to be had in it.
  local function read_run(search, start, length, lower, offset)
    local house, stretch, i, any = search.house, nil, nil, false
    local run = {start = start, length = length, lower = lower, kind = {}, category = {}, free = {}, far = {}}
    local kinds, far = range(house, 'kinds', offset, length * 2), range(house, 'far', start * 2, length * 2)
    for k = 1, length do
      if not stretch or i == stretch.length then stretch, i = place_of(house, start + k - 1) else i = i + 1 end
      run.kind[k], run.category[k] = string.byte(kinds, 2 * k - 1, 2 * k)
      run.free[k] = string.byte(stretch.states, i) == search.byte
      run.far[k] = struct.unpack('>I2', far, 2 * k - 1)
      any = any or (run.free[k] and run.kind[k] == 1)
    end
    return any and run or nil
  end

  -- The i-th nearest run with a wheelchair place to be had, read when it is first asked for.
  local function run_at(search, i)
    local runs = search.runs
    if not runs then
      runs = {raw = whole(search.house, 'access'), at = 1}
      search.runs = runs
    end
    while #runs < i and #runs < ACCESSIBLE_MAX and runs.at < #runs.raw do
      local start, length, lower, zone, offset = struct.unpack('>I4I2I2I2xxI4', runs.raw, runs.at)
      runs.at = runs.at + 16
      local inside = not search.zones
      for _, wanted in ipairs(search.zones or {}) do inside = inside or wanted == zone end
      if inside then runs[#runs + 1] = read_run(search, start, length, lower, offset) end
    end
    return runs[i]
  end

  -- All of them, to be gone through by a loop that may end early.
  local function accessible_runs(search)
    local i = 0
    return function()
      i = i + 1
      return run_at(search, i)
    end
  end

  local function is(run, k, kind) return run.free[k] and run.kind[k] == kind end

  -- What taking places i to j leaves behind at one side, `step` being -1 or 1: {a wheelchair place without its last
  -- companion, a lone ordinary seat}.
  local function left_behind(run, edge, step)
    local beside, beyond = edge + step, edge + 2 * step
    local stranded = run.kind[edge] == 2 and is(run, beside, 1) and not is(run, beyond, 2)
    local alike = run.kind[edge] == 0 and is(run, beside, 0) and run.category[beside] == run.category[edge]
    local kept = is(run, beyond, 0) and run.category[beyond] == run.category[beside]
    return stranded and 1 or 0, alike and not kept and 1 or 0
  end

  -- n seats side by side with exactly `wheels` wheelchair places, all of one category: {weight, window}. The weight is,
  -- in this order, wheelchair users without a companion's place beside them in the party, wheelchair places left
  -- without one, lone seats, distance.
  local function accessible_window(search, category, n, wheels)
    local best = nil
    for run in accessible_runs(search) do
      if beaten(best, run.lower * n) then break end
      local long, count, cost = 0, 0, 0
      for j = 1, run.length do
        if run.free[j] and run.category[j] == category then
          long, cost, count = long + 1, cost + run.far[j], count + (run.kind[j] == 1 and 1 or 0)
          if long > n then
            cost, count = cost - run.far[j - n], count - (run.kind[j - n] == 1 and 1 or 0)
          end
          if long >= n and count == wheels then
            local i, alone = j - n + 1, 0
            for k = i, j do
              local companion = (k > i and run.kind[k - 1] == 2) or (k < j and run.kind[k + 1] == 2)
              if run.kind[k] == 1 and not companion then alone = alone + 1 end
            end
            local stranded, lone = left_behind(run, i, -1)
            local stranded_too, lone_too = left_behind(run, j, 1)
            local weight = cost + LONE * (lone + lone_too + 4 * (stranded + stranded_too) + 16 * alone)
            if not best or weight < best[1] or (weight == best[1] and run.start + i - 1 < best[2][2]) then
              best = {weight, {weight, run.start + i - 1, n}}
            end
          end
        else
          long, count, cost = 0, 0, 0
        end
      end
    end
    return best
  end

  -- One neighbour beside each of `wheels` wheelchair places (two beside one of them, if `triple`), all of a category,
  -- nobody counted twice: as few as can be without a companion's place beside them, then nearest.
  local function accessible_pairs(search, category, wheels, triple)
    local sorted = {}
    for run in accessible_runs(search) do sorted[#sorted + 1] = run end
    table.sort(sorted, function(a, b) return a.start > b.start end)
    -- after[k][t]: the best k of them, t with two neighbours, among the seats passed; by place, from the last one.
    local function fresh(from)
      local copy = {}
      for k = 0, wheels do copy[k] = {[0] = from[k] and from[k][0], from[k] and from[k][1]} end
      return copy
    end
    local after = fresh({[0] = {[0] = {0}}})
    for _, run in ipairs(sorted) do
      local passed = {}
      for i = run.length + 1, run.length + 3 do passed[i] = after end
      for i = run.length, 1, -1 do
        local here = fresh(passed[i + 1])
        for size = 2, triple and 3 or 2 do
          local count, companions, cost = 0, 0, 0
          for j = i, i + size - 1 do
            if not run.free[j] or run.category[j] ~= category then count = 99 break end
            if run.kind[j] == 1 then
              count = count + 1
              if (j > i and is(run, j - 1, 2)) or (j < i + size - 1 and is(run, j + 1, 2)) then companions = 1 end
            end
            cost = cost + run.far[j]
          end
          if count == 1 then
            local weight = cost + (1 - companions) * LONE * 16
            for k = 1, wheels do
              for t = size - 2, 1 do
                local rest = passed[i + size][k - 1][t - size + 2]
                local known = here[k][t]
                local found = rest and {rest[1] + weight, {weight, run.start + i - 1, size}, rest}
                if found and (not known or found[1] < known[1] or (found[1] == known[1] and earlier(found, known))) then
                  here[k][t] = found
                end
              end
            end
          end
        end
        passed[i] = here
      end
      after = passed[1]
    end
    return after[wheels][triple and 1 or 0]
  end

  -- The same search in one category only, for `rows` fewer rows and without these seats.
  local function rest_of(search, slice, rows, without)
    local inner, only = {}, {}
    for name, value in pairs(search) do inner[name] = value end
    for name, value in pairs(slice) do only[name] = value end
    inner.slices, inner.changed, inner.blocks, inner.middles = {only}, {}, {}, {}
    if search.rows_max > 0 then inner.rows_max = search.rows_max - rows end
    leave_out(inner, without)
    return inner
  end

  -- The wheelchair users and those beside them as `find` places them, the others of the party as any party of their
  -- number: the best over the categories, by the heads of the weights (who sits without a companion's place), then by
  -- how the others sit.
  local function split_with(search, others, rows, find)
    if search.rows_max > 0 and search.rows_max < rows + (others > 0 and 1 or 0) then return nil end
    local best = nil
    for _, slice in ipairs(search.slices) do
      local core = find(slice)
      local rest, tier, parts = {0}, 0, 0
      if core and others > 0 then
        rest, tier, parts = seated(rest_of(search, slice, rows, ordinals_of(core)), others)
      end
      if core and rest then
        local key = {math.floor(core[1] / (4 * LONE)), tier, parts, core[1] % (4 * LONE) + rest[1]}
        local less = not best
        for i = 1, 4 do
          if best and key[i] ~= best.key[i] then
            less = key[i] < best.key[i]
            break
          end
        end
        if less then best = {key = key, core = core, rest = rest, slice = slice} end
      end
    end
    return best
  end

  -- A party with wheelchairs: all in one row; else as many as can be in one row with all wheelchair users and the
  -- others elsewhere; else each wheelchair user with a neighbour, and the others elsewhere.
  local function seated_with(search, n, wheels)
    local function together(m)
      return function(slice) return accessible_window(search, slice.category, m, wheels) end
    end
    local found = split_with(search, 0, 1, together(n))
    if found or search.reach < 3 then return found end
    for m = n - 2, math.max(2, wheels + 1), -1 do
      found = split_with(search, n - m, 1, together(m))
      if found then return found end
    end
    local others = n - 2 * wheels
    if wheels < 2 or others < 0 then return nil end
    return split_with(search, others > 1 and others or 0, wheels, function(slice)
      return accessible_pairs(search, slice.category, wheels, others == 1)
    end)
  end

  -- How many single seats would do, in the category that has most, up to a number beyond which nobody asks (where
  -- wheelchair places are too few, how many of those there are); and whether they would be enough.
  local function left_for(search, n, wheels)
    local most, enough = 0, math.max(n, LEFT_MAX)
    for _, slice in ipairs(search.slices) do
      local left, places = 0, 0
      if wheels > 0 then
        for run in accessible_runs(search) do
          for k = 1, run.length do
            if run.category[k] == slice.category then
              if is(run, k, 1) then places = places + 1 elseif is(run, k, 2) then left = left + 1 end
            end
          end
        end
      end
      for position in walk(slice, 1) do
        if left >= enough or places < wheels then break end
        for _, block in ipairs(blocks_of(search, position, 1)) do left = left + block.length end
      end
      left = places < wheels and places or math.min(left + wheels, enough)
      most = math.max(most, left)
      if most == enough then break end
    end
    return most, most >= n
  end

  -- wish: {count, byte, categories {{name, k}}, zones, wheelchairs, rows_max, apart}. Answers {choice = k, ordinals,
  -- rank}, or nil, "not_enough_seats" or "no_adjacent", and how many single seats would do. Also `without`: ordinals to
  -- leave alone.
  choose = function(house, wish)
    local search, n, wheels = search_of(house, wish), wish.count, wish.wheelchairs or 0
    if wish.without then leave_out(search, wish.without) end
    if wheels > 0 then
      local found = seated_with(search, n, wheels)
      if found then
        local ordinals = ordinals_of(found.rest, ordinals_of(found.core))
        return {choice = found.slice.choice, ordinals = ordinals, rank = found.key}
      end
    else
      local found, tier, parts = seated(search, n)
      if found then
        local lone = math.floor(found[1] / LONE)
        return {choice = found.slice.choice, ordinals = ordinals_of(found), rank = {tier, parts, lone, found[1] % LONE}}
      end
    end
    local left, enough = left_for(search, n, wheels)
    return nil, enough and 'no_adjacent' or 'not_enough_seats', left
  end

  -- Stock, row by row (SEA-10) ------------------------------------------------------------------------------------

  -- The stretches of all slices with a seat to be had, nearest first.
  local function walk_all(search)
    local heads = {}
    local function advance(head)
      head.position = head.onward()
      if head.position then
        local chunk, at = plan_bytes(search.house, 'stretches', 16, head.position)
        head.start = struct.unpack('>I4', chunk, at + 1)
        head.lower = lower_of(search.house, head.position)
      end
    end
    for i, slice in ipairs(search.slices) do
      heads[i] = {onward = walk(slice, 1)}
      advance(heads[i])
    end
    return function()
      local first = nil
      for _, head in ipairs(heads) do
        if head.position and (not first or head.lower < first.lower
          or (head.lower == first.lower and head.start < first.start)) then first = head end
      end
      if not first then return nil end
      local position = first.position
      advance(first)
      return position
    end
  end

  -- Of the last row only a part is needed: the best window that holds it, or else the longest blocks first.
  local function fill_partly(search, blocks, left, ordinals)
    while left > 0 do
      local best, longest, at = nil, nil, nil
      for i, block in ipairs(blocks) do
        if block.length >= left then
          local window = window_of(search, block, left)
          if not best or window[1] < best[1] then best = window end
        end
        if not longest or block.length > longest.length then longest, at = block, i end
      end
      local window = best or {0, longest.start + longest.a - 1, longest.length}
      ordinals_of({0, window}, ordinals)
      left = left - window[3]
      table.remove(blocks, at)
    end
  end

  -- wish: {count, byte, categories, zones}. The ordinals of `count` ordinary seats, whole rows from the nearest on; or
  -- nil and how many there are.
  fill = function(house, wish)
    local search, ordinals = search_of(house, wish), {}
    for position in walk_all(search) do
      local blocks, size = blocks_of(search, position, 1), 0
      for _, block in ipairs(blocks) do size = size + block.length end
      if #ordinals + size > wish.count then
        fill_partly(search, blocks, wish.count - #ordinals, ordinals)
      else
        for _, block in ipairs(blocks) do ordinals_of({0, {0, block.start + block.a - 1, block.length}}, ordinals) end
      end
      if #ordinals == wish.count then return ordinals end
    end
    return nil, #ordinals
  end
end
