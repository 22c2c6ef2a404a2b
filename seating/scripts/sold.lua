-- Orders that are sold, kept as small as can be: for most of a sale there are more of them than of anything else.
-- A line is {perf, tariff, quota set, allotment, ordinals, ids of unnumbered places}.

local function quota_set(list)
  local text = table.concat(list, '\n')
  local found = call('HMGET', TAG .. ':qsets', '', '=' .. text)
  if not found[1] then damaged('quota sets') end
  local number = found[2]
  if not number then
    -- Two fields each, and the one that is always there.
    number = (call('HLEN', TAG .. ':qsets') + 1) / 2
    call('HSET', TAG .. ':qsets', '=' .. text, number, '#' .. number, text)
  end
  return tonumber(number)
end

local function quotas_of_set(number)
  local text, list = call('HGET', TAG .. ':qsets', '#' .. number), {}
  if not text then damaged('quota sets') end
  for id in string.gmatch(text, '[^\n]+') do list[#list + 1] = id end
  return list
end

local function sold_line(line)
  local ordinals, ids = {}, {}
  for i = 1, #line[8], 2 do
    if line[8][i + 1] >= 0 then
      ordinals[#ordinals + 1] = line[8][i + 1]
    else
      ids[#ids + 1] = line[8][i]
    end
  end
  return {line[1], line[2], quota_set(line[3]), line[5], ordinals, ids}
end

-- The same line as carts and pending orders have it; a seat's place in it is its id.
local function whole_line(sold)
  local places = {}
  for _, ordinal in ipairs(sold[5]) do
    places[#places + 1] = ''
    places[#places + 1] = ordinal
  end
  for _, id in ipairs(sold[6]) do
    places[#places + 1] = id
    places[#places + 1] = -1
  end
  return {sold[1], sold[2], quotas_of_set(sold[3]), 0, sold[4], '', 0, places}
end

-- An order that is pending or sold: {where it is, its record, its lines}, or nil.
local function order_of(order)
  local pending, sold = call('HMGET', PENDING, '', order), call('HMGET', SOLD, '', order)
  if not pending[1] or not sold[1] then damaged('orders') end
  if pending[2] then
    local record = cmsgpack.unpack(pending[2])
    return PENDING, record, record[6]
  end
  if not sold[2] then return nil end
  local record, lines = cmsgpack.unpack(sold[2]), {}
  for i, line in ipairs(record[2]) do lines[i] = whole_line(line) end
  return SOLD, record, lines
end

local function save_order(where, order, record, lines)
  if #lines == 0 then
    call('HDEL', where, order)
    return
  end
  if where == PENDING then
    record[6] = lines
  else
    record[2] = {}
    for i, line in ipairs(lines) do record[2][i] = sold_line(line) end
  end
  call('HSET', where, order, cmsgpack.pack(record))
end
