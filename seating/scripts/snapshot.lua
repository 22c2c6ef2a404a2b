-- needs: core
-- Everything about one performance at one instant, unread: what it means is worked out by the caller, not while
-- everybody waits. Reads only. ARGV: performance, 1 to include who has what. Answers {epoch, version, states, quotas,
-- now, allotments, carts, pending orders}.
local perf = tonumber(ARGV[1])
local known = performance_of(perf)
if not known then return cmsgpack.pack({'unknown'}) end
local states = known.n > 0 and call('GET', key(perf, 'states')) or ''
if #states ~= known.n then damaged('states of ' .. perf) end
local owners = ARGV[2] == '1'
local function all_of(name)
  local all = call('HGETALL', name)
  if #all == 0 then damaged(name) end
  return all
end
return {
  EPOCH, known.version, states, all_of(QUOTAS), '' .. now, all_of(TAG .. ':allot'),
  owners and all_of(CARTS) or {}, owners and all_of(PENDING) or {},
}
