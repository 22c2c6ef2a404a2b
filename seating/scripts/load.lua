-- needs: place core quotas carts
-- What only Redis knew survives a forced load where it still fits: carts that are shopping, and orders promised after
-- the caller read its tables (`as_of`). A seat that the ledger has given away meanwhile wins; the cart finds its hold
-- lapsed. Answers 1.
local function known_quotas(ids)
  local found = {}
  for _, id in ipairs(ids) do
    if call('HEXISTS', QUOTAS, 'u' .. id) == 1 then found[#found + 1] = id end
  end
  return found
end

-- The places of these lines that can be had again, taken again.
local function put_back(lines, state, kind, label, ref)
  local kept = {}
  for _, line in ipairs(lines) do
    local house, places = performance_of(line[1]), {}
    for i = 1, house and #line[8] or 0, 2 do
      local id, ordinal = line[8][i], line[8][i + 1]
      local fits = ordinal < 0
      if ordinal >= 0 and ordinal < house.n then
        local byte = byte_at(house, ordinal)
        fits = byte == S_FREE or (line[5] == '!' and byte == S_BLOCKED)
          or (byte >= ALLOTMENT_FIRST and allotment_by_byte(line[1], byte) == line[5])
        if fits then take(house, ordinal, state, kind, label, ref, line[4]) end
      elseif fits and line[5] ~= '' then
        draw(line[5], 1)
      end
      if fits then
        places[#places + 1] = id
        places[#places + 1] = ordinal
      end
    end
    if #places > 0 then
      line[3], line[8] = known_quotas(line[3]), places
      add_quotas(line[3], #places / 2)
      kept[#kept + 1] = line
    end
  end
  return kept
end

for _, each in ipairs(promised) do
  local code, order = each[1], each[2]
  if not orders_known[code] then
    order[6] = put_back(order[6], S_PENDING, order[3], order[4], order[5])
    if #order[6] > 0 then call('HSET', PENDING, code, cmsgpack.pack(order)) end
  end
end
for i = 1, #survivors, 2 do
  if survivors[i] ~= '' then
    local cart, record, live = survivors[i], cmsgpack.unpack(survivors[i + 1]), {}
    for _, line in ipairs(record[5]) do
      if line[4] > now then live[#live + 1] = line end
    end
    record[5] = put_back(live, S_HELD, record[2], record[3], record[1])
    if #record[5] > 0 then save_cart(cart, record) end
  end
end
finish()
return cmsgpack.pack({'ok', 1})
