-- needs: place core quotas carts
-- What only Redis knew survives a forced load where it still fits: carts that are shopping, and orders promised after
-- the caller read its tables (`as_of`). A seat that the ledger has given away meanwhile wins; the cart finds its hold
-- lapsed. Answers 1.
-- Everybody else waits for this step: there may be thousands of carts.
local exists = {}
local function known_quotas(ids)
  local found, all = {}, true
  for _, id in ipairs(ids) do
    if exists[id] == nil then exists[id] = call('HEXISTS', QUOTAS, 'u' .. id) == 1 end
    if exists[id] then found[#found + 1] = id else all = false end
  end
  return all and ids or found, all
end

-- The places of these lines that can be had again, taken again; and whether that is all of them. Nobody is told of a
-- single seat: with the new epoch every map takes a new picture.
local function put_back(lines, state)
  local kept, whole = {}, true
  for _, line in ipairs(lines) do
    local house, places, all = performance_of(line[1]), {}, true
    for i = 1, #line[8], 2 do
      local id, ordinal = line[8][i], line[8][i + 1]
      local fits = house and ordinal < 0
      if house and ordinal >= 0 and ordinal < house.n then
        local stretch, at = place_of(house, ordinal)
        local byte = string.byte(stretch.states, at)
        fits = byte == S_FREE or (line[5] == '!' and byte == S_BLOCKED)
          or (byte >= ALLOTMENT_FIRST and allotment_by_byte(line[1], byte) == line[5])
        if fits then
          put(house, stretch, at, state)
          if house.linked then tell_links(house, ordinal, true) end
        end
      elseif fits and line[5] ~= '' then
        draw(line[5], 1)
      end
      if fits then
        places[#places + 1] = id
        places[#places + 1] = ordinal
      else
        all = false
      end
    end
    if not all then line[8] = places end
    if #places > 0 then
      local same
      line[3], same = known_quotas(line[3])
      add_quotas(line[3], #places / 2)
      kept[#kept + 1] = line
      all = all and same
    end
    whole = whole and all
  end
  return kept, whole
end

for _, each in ipairs(promised) do
  local code, order = each[1], each[2]
  if not orders_known[code] then
    order[6] = put_back(order[6], S_PENDING)
    if #order[6] > 0 then call('HSET', PENDING, code, cmsgpack.pack(order)) end
  end
end

local records, due = {}, {}
for i = 1, #survivors, 2 do
  if survivors[i] ~= '' then
    local cart, record, live, first = survivors[i], cmsgpack.unpack(survivors[i + 1]), {}, math.huge
    for _, line in ipairs(record[5]) do
      if line[4] > now then live[#live + 1] = line end
      first = math.min(first, line[4])
    end
    local kept, whole = put_back(live, S_HELD)
    if #live == #record[5] and whole then
      -- As it was: nothing needs to be written anew.
      records[#records + 1] = cart
      records[#records + 1] = survivors[i + 1]
      due[#due + 1] = first
      due[#due + 1] = cart
    elseif #kept > 0 then
      record[5] = kept
      save_cart(cart, record)
    end
  end
end
if #records > 0 then
  bulk('HSET', CARTS, records, 2)
  bulk('ZADD', DUE, due, 2)
end
finish()
return cmsgpack.pack({'ok', 1})
