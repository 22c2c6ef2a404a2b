-- needs: core
-- A cart's live holds, in the order they were made. Reads only. KEYS 7 cart.
local ids, found = call('LRANGE', KEYS[7], 0, -1), {}
for i, item in ipairs(items_of(ids)) do
  if item and item[9] > now then found[#found + 1] = seen(ids[i], item) end
end
return cmsgpack.pack({'held', found, 0})
