-- needs: core search parties choose
-- What a buyer who lost a seat may be offered. ARGV 1: msgpack {perf, {ordinals}, {ordinals never to suggest}}. Answers
-- for each of the first eight ordinals up to three free seats of its category and kind, nearest first. Reads only, and
-- boundedly: everybody who loses the same race asks this at the same time.
local RUNS_MAX, ASKED_MAX, FOUND_MAX = 64, 8, 3
local perf, asked, never = unpack(cmsgpack.unpack(ARGV[1]))
local house = house_of(perf)
local excluded = {}
for _, ordinal in ipairs(asked) do excluded[ordinal] = true end
for _, ordinal in ipairs(never) do excluded[ordinal] = true end

local function part(name) return call('GET', house.base .. ':' .. name) or damaged('plan of ' .. perf) end

local function range(name, from, size)
  local raw = call('GETRANGE', house.base .. ':' .. name, from, from + size - 1)
  if #raw ~= size then damaged('plan of ' .. perf) end
  return raw
end

-- By ordinal, wheelchair places from companions' seats: 1 or 2. A companion's seat may be in a run without any place.
local function kind_at(ordinal)
  local raw = part('access')
  for at = 1, #raw, 16 do
    local start, length, _, _, offset = struct.unpack('>I4I2I2I2xxI4', raw, at)
    if ordinal >= start and ordinal < start + length then
      return string.byte(range('kinds', offset + (ordinal - start) * 2, 1))
    end
  end
  return 2
end

local function fits(stretch, other, kind)
  return string.byte(stretch.states, other - stretch.start + 1) == S_FREE and not excluded[other]
    and (stretch.class == 0 or kind_at(other) == kind)
end

local function xy_of(stretch) return range('xy', stretch.start * 4, stretch.length * 4) end

local function nearer(a, b) return a.away < b.away or (a.away == b.away and a.ordinal < b.ordinal) end

local function look_into(stretch, x, y, kind, found)
  if not string.find(stretch.states, '\0', 1, true) then return end
  local raw = xy_of(stretch)
  for i = 1, stretch.length do
    local other = stretch.start + i - 1
    if fits(stretch, other, kind) then
      local ox, oy = struct.unpack('>I2I2', raw, i * 4 - 3)
      found[#found + 1] = {ordinal = other, away = (ox - x) ^ 2 + (oy - y) ^ 2}
    end
  end
  table.sort(found, nearer)
  for i = #found, FOUND_MAX + 1, -1 do found[i] = nil end
end

-- The best single seat of the category, when there is none anywhere near.
local function any_of(category)
  local without = {}
  for ordinal in pairs(excluded) do without[#without + 1] = ordinal end
  for name, entry in pairs(cmsgpack.unpack(part('catalog'))) do
    if entry[1] == category then
      local wish = {count = 1, byte = S_FREE, categories = {{name, 1}}, zones = {}, without = without}
      local picked = choose(house, wish)
      return picked and picked.ordinals or {}
    end
  end
end

-- The seat's own stretch, then outwards ring by ring, one ring beyond the first that gave three: rows behind may be
-- nearer than the far end of one's own.
local function nearest_to(ordinal)
  local own, i = place_of(house, ordinal)
  local x, y = struct.unpack('>I2I2', xy_of(own), i * 4 - 3)
  local kind = own.class == 1 and kind_at(ordinal) or 0
  local found, ring, known, looked = {}, {own.position}, {[own.position] = true}, 0
  while #ring > 0 and looked < RUNS_MAX and not (#found >= FOUND_MAX and looked > 1) do
    local onward = {}
    for _, position in ipairs(ring) do
      looked = looked + 1
      look_into(stretch_at(house, position), x, y, kind, found)
      local raw = range('near', position * 16, 16)
      for at = 1, 16, 2 do
        local near = struct.unpack('>I2', raw, at)
        if near ~= 65535 and not known[near] then
          known[near] = true
          onward[#onward + 1] = near
        end
      end
    end
    ring = onward
  end
  if #found == 0 and kind == 0 then return any_of(own.category) end
  local ordinals = {}
  for at, each in ipairs(found) do ordinals[at] = each.ordinal end
  return ordinals
end

local answer = {}
for at = 1, math.min(#asked, ASKED_MAX) do
  local ordinal = asked[at]
  answer[at] = house and ordinal >= 0 and ordinal < house.n and nearest_to(ordinal) or {}
end
return cmsgpack.pack(answer)
