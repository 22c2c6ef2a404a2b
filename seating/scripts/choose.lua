-- Choosing seats, inside the step that takes them (LIVE-8, SEA-10), by what search.lua reads and parties.lua ranks:
-- what is best, and why, is docs/best-seats.md. `choose` and `fill` only read: the caller takes what they found.

-- Wheelchairs ------------------------------------------------------------------------------------------------------

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
local function choose(house, wish)
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

-- Stock, row by row (SEA-10) ---------------------------------------------------------------------------------------

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
local function fill(house, wish)
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
