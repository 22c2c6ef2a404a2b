-- Choosing seats, inside the step that takes them (LIVE-8).
--
-- The geometry of a plan, big-endian, made by inventory loading:
--   runs   14 bytes each: first ordinal u32, length u16, lower bound u16, zone u16, categories as bits u32.
--          Sorted by lower bound, the distance of its nearest seat from the focal point: once a window is known, all
--          runs that cannot beat it are skipped by one comparison.
--   seats  10 bytes each by ordinal: x u16, y u16, distance u16, run u16, category u8, kind u8
--   near   16 bytes a run: up to 8 runs in front, behind or across the aisle, nearest first, 65535 for none
--   names  hash: c<category name> and z<zone name> -> index
local RUN, SEAT, NEAR = 14, 10, 16
-- Bounds of the work that one request may cause in the largest house.
local ANCHORS_MAX, FREE_COUNTED_MAX = 120, 200

local houses = {}
local function house_of(perf)
  local known = houses[perf]
  if known ~= nil then return known end
  local digest = call('HGET', META, 'pl' .. perf)
  local house = false
  if digest and digest ~= '' then
    local base = TAG .. ':plan:' .. digest
    local runs = call('GET', base .. ':runs')
    house = {base = base, runs = runs, count = #runs / RUN, cache = {}, states = nil}
  end
  houses[perf] = house
  return house
end

local function run_at(house, k)
  local run = house.cache[k]
  if not run then
    local start, length, lower, zone, mask = struct.unpack('>I4I2I2I2I4', house.runs, k * RUN + 1)
    run = {k = k, start = start, length = length, lower = lower, zone = zone, mask = mask}
    house.cache[k] = run
  end
  return run
end

local function lower_of(house, k)
  return struct.unpack('>I2', house.runs, k * RUN + 7)
end

-- Columns of the seats of a run: 1-based.
local function load_seats(house, run)
  if run.d then return run end
  local raw = call('GETRANGE', house.base .. ':seats', run.start * SEAT, (run.start + run.length) * SEAT - 1)
  local x, y, d, c, kind, _ = {}, {}, {}, {}, {}, nil
  for i = 1, run.length do
    x[i], y[i], d[i], _, c[i], kind[i] = struct.unpack('>I2I2I2I2BB', raw, (i - 1) * SEAT + 1)
  end
  run.x, run.y, run.d, run.c, run.kind = x, y, d, c, kind
  return run
end

local function fits(run, wish)
  return (not wish.zones or wish.zones[run.zone]) and (not wish.mask or bit.band(run.mask, wish.mask) ~= 0)
end

local function takeable(run, i, segment, wish)
  return string.byte(segment, i) == S_FREE
    and (not wish.categories or wish.categories[run.c[i]])
    and (wish.accessible or run.kind[i] == 0)
end

-- A lone free seat left beside the window [i, j]: between two taken ones (hard) or at the end of the row (soft).
local function lone(segment, length, i, j)
  local hard, soft = 0, 0
  if i > 1 and string.byte(segment, i - 1) == S_FREE then
    if i == 2 then soft = soft + 1
    elseif string.byte(segment, i - 2) ~= S_FREE then hard = hard + 1 end
  end
  if j < length and string.byte(segment, j + 1) == S_FREE then
    if j == length - 1 then soft = soft + 1
    elseif string.byte(segment, j + 2) ~= S_FREE then hard = hard + 1 end
  end
  return hard, soft
end

-- The best window of n seats in one run, by: fewest wheelchair places (at least one, when asked for), no seat left
-- alone between taken ones, none left alone at the row's end, nearest to the focal point.
local function best_in_run(house, run, segment, n, wish)
  load_seats(house, run)
  local best, free, cost, wheels = nil, 0, 0, 0
  for j = 1, run.length do
    if takeable(run, j, segment, wish) then
      free = free + 1
      cost = cost + run.d[j]
      if run.kind[j] == 1 then wheels = wheels + 1 end
      if free > n then
        cost = cost - run.d[j - n]
        if run.kind[j - n] == 1 then wheels = wheels - 1 end
      end
      if free >= n and (not wish.accessible or wheels > 0) then
        local i = j - n + 1
        local hard, soft = lone(segment, run.length, i, j)
        local w = wish.accessible and wheels or 0
        if not best or w < best.w
          or (w == best.w and (hard < best.hard
          or (hard == best.hard and (soft < best.soft
          or (soft == best.soft and cost < best.cost))))) then
          best = {run = run, i = i, j = j, w = w, hard = hard, soft = soft, cost = cost}
        end
      end
    else
      free, cost, wheels = 0, 0, 0
    end
  end
  return best
end

-- Over all runs: fewest wheelchair places, nobody left alone between two taken seats, nearest.
local function best_window(house, states, n, wish)
  local run_of_free, best = string.rep('\0', n), nil
  for k = 0, house.count - 1 do
    if best and best.hard == 0 and best.w <= 1 and lower_of(house, k) * n >= best.cost then break end
    local run = run_at(house, k)
    if run.length >= n and fits(run, wish) then
      local segment = string.sub(states, run.start + 1, run.start + run.length)
      if string.find(segment, run_of_free, 1, true) then
        local found = best_in_run(house, run, segment, n, wish)
        if found and (not best or found.w < best.w
          or (found.w == best.w and (found.hard < best.hard
          or (found.hard == best.hard and found.cost < best.cost)))) then
          best = found
        end
      end
    end
  end
  return best
end

local function near_runs(house, run)
  if not run.near then
    run.near = {}
    local raw = call('GETRANGE', house.base .. ':near', run.k * NEAR, run.k * NEAR + NEAR - 1)
    for i = 1, NEAR / 2 do
      local k = struct.unpack('>I2', raw, 2 * i - 1)
      if k ~= 65535 then run.near[#run.near + 1] = k end
    end
  end
  return run.near
end

-- The part of a group of `left` people that fits best into one run: as many as possible, never leaving one alone,
-- as near as can be to (x, y).
local function part_in_run(house, run, states, left, wish, x, y)
  if not fits(run, wish) then return nil end
  local segment = string.sub(states, run.start + 1, run.start + run.length)
  if not string.find(segment, '\0\0', 1, true) then return nil end
  load_seats(house, run)
  local best = nil
  local function consider(from, to)
    local size = math.min(left, to - from + 1)
    if left - size == 1 then size = size - 1 end
    if size < 2 or (best and size < best.size) then return end
    for i = from, to - size + 1 do
      local j = i + size - 1
      local hard = lone(segment, run.length, i, j)
      local away, cost = 0, 0
      for s = i, j do
        cost = cost + run.d[s]
        away = away + (x and math.sqrt((run.x[s] - x) ^ 2 + (run.y[s] - y) ^ 2) or run.d[s])
      end
      away = away / size
      if not best or size > best.size or hard < best.hard or (hard == best.hard and away < best.away) then
        best = {run = run, i = i, j = j, size = size, hard = hard, away = away, cost = cost}
      end
    end
  end
  local from = nil
  for i = 1, run.length + 1 do
    local ok = i <= run.length and takeable(run, i, segment, wish)
    if ok and not from then from = i end
    if not ok and from then
      consider(from, i - 1)
      from = nil
    end
  end
  return best
end

local function without(states, part)
  local first, last = part.run.start + part.i, part.run.start + part.j
  return string.sub(states, 1, first - 1) .. string.rep('\1', last - first + 1) .. string.sub(states, last + 1)
end

-- Grows a group from its first part over neighbouring runs until everybody sits; nil when it gets stuck.
local function grow(house, states, first, n, wish)
  local parts, left, cost = {first}, n - first.size, first.cost
  local middle = math.floor((first.i + first.j) / 2)
  local x, y = first.run.x[middle], first.run.y[middle]
  states = without(states, first)
  local reach, known = {first.run.k}, {[first.run.k] = true}
  for _, k in ipairs(near_runs(house, first.run)) do
    if not known[k] then
      known[k] = true
      reach[#reach + 1] = k
    end
  end
  while left > 0 do
    local best = nil
    for _, k in ipairs(reach) do
      local part = part_in_run(house, run_at(house, k), states, left, wish, x, y)
      if part and (not best or part.size > best.size or (part.size == best.size and part.away < best.away)) then
        best = part
      end
    end
    if not best then return nil end
    parts[#parts + 1] = best
    left, cost = left - best.size, cost + best.cost
    states = without(states, best)
    for _, k in ipairs(near_runs(house, best.run)) do
      if not known[k] and #reach < 40 then
        known[k] = true
        reach[#reach + 1] = k
      end
    end
  end
  return {parts = parts, cost = cost}
end

-- No row has n seats together: groups of two and more over neighbouring rows, as few groups as can be, near the stage.
local function split(house, states, n, wish)
  if n < 4 then return nil end
  local best, tried = nil, 0
  if wish.accessible then
    local others = {categories = wish.categories, mask = wish.mask, zones = wish.zones}
    for size = n - 2, 2, -1 do
      local first = best_window(house, states, size, wish)
      if first then
        first.size = size
        local group = grow(house, states, first, n, others)
        if group then return group end
      end
    end
    return nil
  end
  for k = 0, house.count - 1 do
    if tried >= ANCHORS_MAX or (best and #best.parts == 2 and lower_of(house, k) * n >= best.cost) then break end
    local first = part_in_run(house, run_at(house, k), states, n, wish)
    if first then
      tried = tried + 1
      local group = grow(house, states, first, n, wish)
      if group and (not best or #group.parts < #best.parts
        or (#group.parts == #best.parts and group.cost < best.cost)) then
        best = group
      end
    end
  end
  return best
end

local function names_to_indexes(house, prefix, names)
  if #names == 0 then return nil, nil end
  local fields, wanted, mask = {}, {}, 0
  for i, name in ipairs(names) do fields[i] = prefix .. name end
  for _, index in ipairs(call('HMGET', house.base .. ':names', unpack(fields))) do
    if index then
      wanted[tonumber(index)] = true
      -- Beyond 32 categories the bit is shared: a run is then looked into in vain at times.
      mask = bit.bor(mask, bit.lshift(1, tonumber(index) % 32))
    end
  end
  return wanted, mask
end

-- Ordinals of the n best seats, or nil and why ("not_enough_seats", "no_adjacent") and how many would do.
-- `taken` are ordinals that this same step gives to other lines.
local function choose(perf, n, category_names, zone_names, accessible, taken)
  local house = house_of(perf)
  if not house then return nil, 'not_enough_seats', 0 end
  local states = call('GET', key(perf, 'states'))
  for ordinal in pairs(taken) do
    states = string.sub(states, 1, ordinal) .. '\1' .. string.sub(states, ordinal + 2)
  end
  local wish = {accessible = accessible}
  wish.categories, wish.mask = names_to_indexes(house, 'c', category_names)
  wish.zones = names_to_indexes(house, 'z', zone_names)
  local parts = nil
  local window = best_window(house, states, n, wish)
  if window then
    parts = {window}
  else
    local group = split(house, states, n, wish)
    parts = group and group.parts
  end
  if parts then
    local ordinals = {}
    for _, part in ipairs(parts) do
      for i = part.i, part.j do ordinals[#ordinals + 1] = part.run.start + i - 1 end
    end
    return ordinals
  end
  -- How many would do, up to a number beyond which nobody asks: a full count of a stadium would hold up everybody.
  local free, enough = 0, math.max(n, FREE_COUNTED_MAX)
  for k = 0, house.count - 1 do
    if free >= enough then break end
    local run = run_at(house, k)
    if fits(run, wish) then
      local segment = string.sub(states, run.start + 1, run.start + run.length)
      if string.find(segment, '\0', 1, true) then
        load_seats(house, run)
        for i = 1, run.length do
          if takeable(run, i, segment, wish) then free = free + 1 end
        end
      end
    end
  end
  return nil, free < n and 'not_enough_seats' or 'no_adjacent', free
end

-- Up to three free seats of the same category and kind, nearest first. Looks at the seat's own run, then outwards run
-- by run, boundedly: everybody who loses the same race asks this at the same time.
local function nearest_free(perf, ordinal, taken)
  local house = house_of(perf)
  if not house then return {} end
  local states = call('GET', key(perf, 'states'))
  local x, y, _, k, category, kind = struct.unpack(
    '>I2I2I2I2BB', call('GETRANGE', house.base .. ':seats', ordinal * SEAT, ordinal * SEAT + SEAT - 1))
  local found, ring, known, looked = {}, {k}, {[k] = true}, 0
  while #ring > 0 and looked < 64 do
    local onward = {}
    for _, index in ipairs(ring) do
      local run = run_at(house, index)
      looked = looked + 1
      local segment = string.sub(states, run.start + 1, run.start + run.length)
      if string.find(segment, '\0', 1, true) then
        load_seats(house, run)
        for i = 1, run.length do
          local other = run.start + i - 1
          if string.byte(segment, i) == S_FREE and run.c[i] == category and run.kind[i] == kind
            and not taken[other] then
            local away = (run.x[i] - x) ^ 2 + (run.y[i] - y) ^ 2
            if #found < 3 or away < found[3].away then
              found[math.min(#found + 1, 3)] = {ordinal = other, away = away}
              table.sort(found, function(a, b)
                return a.away < b.away or (a.away == b.away and a.ordinal < b.ordinal)
              end)
            end
          end
        end
      end
      for _, next_k in ipairs(near_runs(house, run)) do
        if not known[next_k] then
          known[next_k] = true
          onward[#onward + 1] = next_k
        end
      end
    end
    -- One ring beyond the first that gave three: rows behind may be nearer than the far end of one's own.
    if #found >= 3 and looked > 1 then break end
    ring = onward
  end
  if #found == 0 and kind == 0 then
    local wish = {categories = {[category] = true}, mask = bit.lshift(1, category % 32)}
    for other in pairs(taken) do
      states = string.sub(states, 1, other) .. '\1' .. string.sub(states, other + 2)
    end
    local window = best_window(house, states, 1, wish)
    return window and {window.run.start + window.i - 1} or {}
  end
  local ordinals = {}
  for i, each in ipairs(found) do ordinals[i] = each.ordinal end
  return ordinals
end
