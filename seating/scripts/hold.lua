-- needs: core quotas carts
-- Holds every line or none. ARGV 1: msgpack {cart, ref, kind, label, ttl_ms, request, keys, exceed, rules, lines}; a
-- line is {"n", perf, tariff, quotas, bundle, ordinals}, {"q", perf, tariff, quotas, bundle, count, allotment},
-- {"b", perf, bundle, count, zones, wheelchairs, rows_max, apart, allotment, {{category, {{tariff, quotas, count},
-- ...}}, ...}} or {"r", perf, tariff, quotas, bundle, count, categories, zones, allotment}; "b" and "r" need choose.lua
-- (see hold_best.lua). A rule is {id, tariffs, at_most or -1, ...}.
-- Answers {"held", expires, lines, exceeded} or {"refused", reasons, whether lapsed holds are still waiting}.
local REQUESTS_MAX = 4
local cart, ref, kind, label, ttl_ms, request, keys, exceed, rules, lines = unpack(cmsgpack.unpack(ARGV[1]), 1, 10)

local record = cart_of(cart)
for _, said in ipairs(record and record[4] or {}) do
  if said[1] == request then
    local first, beyond, made = said[2], said[2] + said[3], {}
    local function mine(id) return type(id) == 'number' and id >= first and id < beyond end
    for _, line in ipairs(record[5]) do
      if line[4] > now then made[#made + 1] = split_line(line, mine) end
    end
    if #made > 0 then return cmsgpack.pack({'held', made[1][4], made, said[4]}) end
  end
end

local backlog, lapsed = purge(PURGE_ON_THE_WAY)
if lapsed > 0 then record = cart_of(cart) end

local opens, may = {}, {}
for _, id in ipairs(keys) do opens[id] = true end
for _, what in ipairs(exceed) do may[what] = true end

local reasons, exceeded = {}, {}
local function refuse(code, perf, ordinal, quota, left)
  reasons[#reasons + 1] = {code, perf, ordinal or -1, quota or '', left or 0, {}}
end
-- Refused, unless a manager knows and wants it (QUO-5); then it is reported.
local function unless(what, code, perf, ordinal, quota, left)
  if not may[what] then
    refuse(code, perf, ordinal, quota, left)
    return false
  end
  exceeded[#exceeded + 1] = {code, perf, ordinal or -1, quota or '', left or 0, {}}
  return true
end

-- What this request adds to each quota, how much of that had been kept back for it, and the lines it makes, as {index
-- of the asking line, order, line}.
local wanted, own, made = {}, {}, {}
-- What is left of a quota for `more` further places.
local function left_of(id, more)
  local quota = quotas[id]
  if quota.limit < 0 then return math.huge end
  local entitled = may.allotments or (wanted[id] or 0) + (more or 0) <= (own[id] or 0)
  return quota.limit - quota.used - (entitled and 0 or quota.kept) - (wanted[id] or 0)
end
local function want(ids, count)
  for _, id in ipairs(ids) do wanted[id] = (wanted[id] or 0) + count end
end
local function make(at, line) made[#made + 1] = {at, #made, line} end

local expires = now + ttl_ms

-- Where a seat comes from when this request may have it: "" on sale, an allotment, "!" off sale. nil when refused.
local function origin_of(house, ordinal, byte)
  if byte == S_FREE then return '' end
  if byte >= ALLOTMENT_FIRST then
    local id = allotment_by_byte(house.perf, byte)
    if opens[opener_of(house, ordinal, id)] or unless('allotments', 'not_yours', house.perf, ordinal) then return id end
    return nil
  end
  if byte == S_BLOCKED and may.blocked then
    unless('blocked', 'seat_taken', house.perf, ordinal)
    return '!'
  end
  refuse('seat_taken', house.perf, ordinal)
  return nil
end

-- Named seats first, so that best seats never take what another line names.
for at, line in ipairs(lines) do
  local perf = line[2]
  local known = performance_of(perf)
  if not known then
    refuse('unknown_performance', perf)
  elseif line[1] == 'n' then
    local by_origin, origins = {}, {}
    for _, ordinal in ipairs(line[6]) do
      if ordinal < 0 or ordinal >= known.n then
        refuse('unknown_seat', perf, ordinal)
      else
        local origin = origin_of(known, ordinal, byte_at(known, ordinal))
        if origin then
          take(known, ordinal, S_HELD, kind, label, ref, expires)
          local places = by_origin[origin]
          if not places then
            places = {}
            by_origin[origin] = places
            origins[#origins + 1] = origin
          end
          places[#places + 1] = 0
          places[#places + 1] = ordinal
        end
      end
    end
    want(line[4], #line[6])
    for _, origin in ipairs(origins) do
      make(at, {perf, line[3], line[4], expires, origin, line[5], 0, by_origin[origin]})
    end
  elseif line[1] == 'q' then
    local places, count, from = {}, line[6], line[7]
    for i = 1, count do
      places[2 * i - 1] = 0
      places[2 * i] = -1
    end
    want(line[4], count)
    if from ~= '' then
      local allotment = allotment_of(from)
      if not allotment or allotment[3] ~= perf or allotment[4] > 0 then
        refuse('unknown_allotment', perf, -1, from)
      elseif allotment[5] < count then
        refuse('allotment_exhausted', perf, -1, from, allotment[5])
      elseif opens[from] or unless('allotments', 'not_yours', perf, -1, from) then
        draw(from, count)
        for _, id in ipairs(allotment[6]) do own[id] = (own[id] or 0) + count end
      end
    end
    make(at, {perf, line[3], line[4], expires, from, line[5], 0, places})
    changes_of(perf)
  end
end

local function performance_with(id)
  for _, each in ipairs(made) do
    for _, quota in ipairs(each[3][3]) do if quota == id then return each[3][1] end end
  end
  return 0
end

local function check_quotas()
  for id, amount in pairs(wanted) do
    read_quotas({id})
    if left_of(id) < 0 then
      unless('quotas', 'quota_exhausted', performance_with(id), -1, id, math.max(0, left_of(id) + amount))
    end
  end
end

-- A manager who may sell what is kept back is told that it was.
local function tell_kept()
  for id, amount in pairs(wanted) do
    local quota = quotas[id]
    if quota.limit >= 0 and amount > (own[id] or 0) and left_of(id) >= 0 and left_of(id) < quota.kept then
      local left = math.max(0, left_of(id) + amount - quota.kept)
      unless('allotments', 'quota_exhausted', performance_with(id), -1, id, left)
    end
  end
end
do
  local ids = {}
  for id in pairs(wanted) do ids[#ids + 1] = id end
  read_quotas(ids)
end
check_quotas()

-- The quotas that have no room for these fares and what is left of them, the least first.
local function lacking(fares)
  local more, short = {}, {}
  for _, fare in ipairs(fares) do
    read_quotas(fare[2])
    for _, id in ipairs(fare[2]) do more[id] = (more[id] or 0) + fare[3] end
  end
  for id, count in pairs(more) do
    local left = left_of(id, count)
    if left < count then short[#short + 1] = {id, math.max(0, left)} end
  end
  table.sort(short, function(a, b) return a[2] < b[2] end)
  return short
end

-- Best seats: of the choices that their quotas allow, the one that seats the party best.
local function seats_for(line, perf, house)
  local stock = line[1] == 'r'
  local count, from = stock and line[6] or line[4], line[9]
  local byte = S_FREE
  if from ~= '' then
    byte = tonumber(call('HGET', META, 'a' .. perf .. ':' .. from) or nil)
    if not byte then return refuse('unknown_allotment', perf, -1, from) end
    if not opens[from] and not unless('allotments', 'not_yours', perf, -1, from) then return end
  end
  local choices, usable, short = {}, {}, nil
  if stock then
    local fares = {{line[3], line[4], count}}
    for i, name in ipairs(line[7]) do choices[i] = {name, fares} end
    if #choices == 0 then choices[1] = {'', fares} end
  else
    choices = line[10]
  end
  local over = {}
  for k, choice in ipairs(choices) do
    local lacks = lacking(choice[2])
    if #lacks > 0 and not may.quotas then
      if not short or lacks[1][2] > short[2] then short = lacks[1] end
    else
      over[k] = lacks
      usable[#usable + 1] = {choice[1], k}
    end
  end
  if #usable == 0 then return refuse('quota_exhausted', perf, -1, short[1], short[2]) end
  local wish = {count = count, byte = byte, categories = usable, zones = stock and line[8] or line[5]}
  local picked, why, left
  if stock then
    picked, left = fill(house, wish)
    picked, why = picked and {choice = usable[1][2], ordinals = picked}, 'not_enough_seats'
  else
    wish.wheelchairs, wish.rows_max, wish.apart = line[6], line[7], line[8]
    picked, why, left = choose(house, wish)
  end
  if not picked then
    -- Seats would do where the quota does not: that is what stands in the way.
    if short then refuse('quota_exhausted', perf, -1, short[1], short[2]) end
    return refuse(why, perf, -1, '', left)
  end
  -- An allotted seat with a key of its own is opened by that alone, however it was chosen.
  for _, ordinal in ipairs(from ~= '' and picked.ordinals or {}) do
    local opener = opener_of(house, ordinal, from)
    if opener ~= from and not opens[opener] and not unless('allotments', 'not_yours', perf, ordinal) then return end
  end
  for _, each in ipairs(over[picked.choice]) do unless('quotas', 'quota_exhausted', perf, -1, each[1], each[2]) end
  return picked.ordinals, choices[picked.choice][2], from
end

for at, line in ipairs(lines) do
  local perf = line[2]
  if (line[1] == 'b' or line[1] == 'r') and #reasons == 0 then
    local house = house_of(perf)
    local ordinals, fares, from
    if house then ordinals, fares, from = seats_for(line, perf, house) else refuse('not_enough_seats', perf) end
    local seated = 0
    for _, fare in ipairs(ordinals and fares or {}) do
      local places = {}
      for i = 1, fare[3] do
        local ordinal = ordinals[seated + i]
        take(house, ordinal, S_HELD, kind, label, ref, expires)
        places[2 * i - 1] = 0
        places[2 * i] = ordinal
      end
      seated = seated + fare[3]
      want(fare[2], fare[3])
      make(at, {perf, fare[1], fare[2], expires, from, line[1] == 'r' and line[5] or line[3], 0, places})
    end
  end
end

if may.allotments then tell_kept() end

-- How many places of an order a rule speaks of, by the lines of the cart and of this request.
for _, rule in ipairs(rules) do
  if rule[3] >= 0 then
    local counted, tariffs = 0, {}
    for _, tariff in ipairs(rule[2]) do tariffs[tariff] = true end
    local before = 0
    for _, line in ipairs(record and record[5] or {}) do
      if #rule[2] == 0 or tariffs[line[2]] then before = before + #line[8] / 2 end
    end
    for _, each in ipairs(made) do
      if #rule[2] == 0 or tariffs[each[3][2]] then counted = counted + #each[3][8] / 2 end
    end
    if counted > 0 and before + counted > rule[3] then
      unless('order_limits', 'order_limit', lines[1][2], -1, rule[1], math.max(0, rule[3] - before))
    end
  end
end

if #reasons > 0 then return cmsgpack.pack({'refused', reasons, backlog}) end

-- Ids follow the order in which places were asked for.
table.sort(made, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
local first, answer = SEQ + 1, {}
record = record or {ref, kind, label, {}, {}}
record[1], record[2], record[3] = ref, kind, label
for i, each in ipairs(made) do
  local line = each[3]
  local places = line[8]
  for at = 1, #places, 2 do
    SEQ = SEQ + 1
    places[at] = SEQ
  end
  if #exceeded > 0 then line[7] = 1 end
  add_quotas(line[3], #places / 2)
  record[5][#record[5] + 1] = line
  answer[i] = line
end
record[4][#record[4] + 1] = {request, first, SEQ - first + 1, exceeded}
if #record[4] > REQUESTS_MAX then table.remove(record[4], 1) end
save_cart(cart, record)
finish()
return cmsgpack.pack({'held', expires, answer, exceeded})
