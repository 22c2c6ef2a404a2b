-- needs: core quotas carts
-- Frees a cart's holds: all, or the items named from ARGV 2 on (with the rest of their passes). ARGV 1: cart. Answers
-- how many were freed.
local cart = ARGV[1]
local record, freed, kept = cart_of(cart), 0, {}
if not record then return cmsgpack.pack({'ok', 0}) end
local all, wanted, bundles = #ARGV == 1, {}, {}
for i = 2, #ARGV do wanted[ARGV[i]] = true end
for _, line in ipairs(record[5]) do
  for i = 1, all and 0 or #line[8], 2 do
    if line[6] ~= '' and wanted[text_of(line[8][i])] then bundles[line[6]] = true end
  end
end
for _, line in ipairs(record[5]) do
  local gone, stays = line, nil
  if not all and not bundles[line[6]] then
    gone, stays = split_line(line, function(id) return wanted[text_of(id)] end)
  end
  if gone then freed = freed + free_line(gone, S_HELD) end
  kept[#kept + 1] = stays
end
if freed > 0 then
  record[5] = kept
  save_cart(cart, record)
  finish()
end
return cmsgpack.pack({'ok', freed})
