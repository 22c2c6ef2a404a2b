-- needs: core
-- A cart's live holds, in the order they were made. Reads only. KEYS 7 cart.
local ids, found = call('LRANGE', KEYS[7], 0, -1), {}
for _, id in ipairs(ids) do
  local item = item_of(id)
  if item and item[9] > now then found[#found + 1] = seen(id, item) end
end
return cmsgpack.pack({'held', found, 0})
