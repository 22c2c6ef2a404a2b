-- needs: core
-- Frees a cart's holds: all, or the items named from ARGV 2 on. KEYS 7 cart. ARGV 1: cart. Answers how many were freed.
local CART = KEYS[7]
local all = #ARGV == 1
local ids = all and call('LRANGE', CART, 0, -1) or {unpack(ARGV, 2)}
local mine, items = {}, {}
for i, item in ipairs(items_of(ids)) do
  if item and item[5] == ARGV[1] then
    mine[#mine + 1] = ids[i]
    items[#items + 1] = item
  end
  if not all then call('LREM', CART, 1, ids[i]) end
end
free_items(mine, items)
if all and #ids > 0 then call('DEL', CART) end
finish()
return cmsgpack.pack({'ok', #mine})
