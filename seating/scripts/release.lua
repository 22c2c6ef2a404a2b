-- needs: core
-- Frees a cart's holds: all, or the items named from ARGV 2 on. KEYS 7 cart. ARGV 1: cart. Answers how many were freed.
local CART = KEYS[7]
local all = #ARGV == 1
local ids = all and call('LRANGE', CART, 0, -1) or {unpack(ARGV, 2)}
local freed = 0
for _, id in ipairs(ids) do
  local item = item_of(id)
  if item and item[5] == ARGV[1] then
    free_item(id, item)
    freed = freed + 1
  end
  if not all then call('LREM', CART, 1, id) end
end
if all then call('DEL', CART) end
finish()
return cmsgpack.pack({'ok', freed})
