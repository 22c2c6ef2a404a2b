-- needs: core quotas carts
-- Held -> pending under an order: the whole cart or nothing. Pending seats wait for a payment's verdict, not for a
-- clock. ARGV 1: msgpack {cart, order, expected items or false, rules}, a rule being
-- {id, tariffs, at_most or -1, at_least, mandatory, needs}. Asked again for the same order and cart, it answers what it
-- did the first time.
local cart, order, expected, rules = unpack(cmsgpack.unpack(ARGV[1]))
local before = call('HMGET', PENDING, '', order)
if not before[1] then damaged('pending') end
if before[2] then
  before = cmsgpack.unpack(before[2])
  if before[1] ~= cart then return cmsgpack.pack({'expired', {}}) end
  return cmsgpack.pack({'promised', 0, before[6], {}})
end
if call('HEXISTS', SOLD, order) == 1 then return cmsgpack.pack({'expired', {}}) end

purge(PURGE_ON_THE_WAY)
local record = cart_of(cart)
if record and lapse(cart, record) > 0 then
  save_cart(cart, record)
  finish()
end
local lines = record and record[5] or {}
local here, count, missing = {}, 0, {}
for _, line in ipairs(lines) do
  for i = 1, #line[8], 2 do
    here[text_of(line[8][i])] = true
    count = count + 1
  end
end
for _, id in ipairs(expected or {}) do
  if not here[id] then missing[#missing + 1] = id end
end
if count == 0 or #missing > 0 or (expected and #expected ~= count) then
  return cmsgpack.pack({'expired', missing})
end

local function places_of(tariffs)
  local set, found = {}, 0
  for _, tariff in ipairs(tariffs) do set[tariff] = true end
  for _, line in ipairs(lines) do
    if #tariffs == 0 or set[line[2]] then found = found + #line[8] / 2 end
  end
  return found
end
local reasons = {}
for _, rule in ipairs(rules) do
  local id, tariffs, at_most, at_least, mandatory, needs = unpack(rule)
  local has = places_of(tariffs)
  local code, left = nil, 0
  if at_most >= 0 and has > at_most then
    -- A manager's override has said so already (QUO-5).
    local knowingly = false
    for _, line in ipairs(lines) do knowingly = knowingly or line[7] == 1 end
    if not knowingly then code, left = 'order_limit', at_most end
  elseif has < at_least and (has > 0 or mandatory) then
    code, left = 'order_minimum', at_least - has
  elseif has > 0 and #needs > 0 and places_of(needs) == 0 then
    code = 'order_needs'
  end
  if code then reasons[#reasons + 1] = {code, lines[1][1], -1, id, left, {}} end
end
if #reasons > 0 then return cmsgpack.pack({'refused', reasons}) end

for _, line in ipairs(lines) do
  line[4] = 0
  changes_of(line[1])
  local house = house_of(line[1])
  for i = 2, #line[8], 2 do
    if line[8][i] >= 0 then take(house, line[8][i], S_PENDING, record[2], record[3], record[1], 0) end
  end
end
call('HDEL', CARTS, cart)
call('ZREM', DUE, cart)
call('HSET', PENDING, order, cmsgpack.pack({cart, now, record[2], record[3], record[1], lines}))
finish()
return cmsgpack.pack({'promised', 0, lines, {}})
