-- needs: core
-- The whole group at one instant, unread, for comparing it with itself and with the ledger. Reads only. Answers {meta,
-- quotas, carts, due with scores, pending, sold, quota sets, allotments, then per performance with seats: states, i0}.
local all = {
  call('HGETALL', META), call('HGETALL', QUOTAS), call('HGETALL', CARTS),
  call('ZRANGE', DUE, 0, -1, 'WITHSCORES'), call('HGETALL', PENDING), call('HGETALL', SOLD),
  call('HGETALL', TAG .. ':qsets'), call('HGETALL', TAG .. ':allot'),
}
for perf in string.gmatch(call('HGET', META, 'perfs') or '', '%d+') do
  all[#all + 1] = call('GET', key(perf, 'states')) or ''
  all[#all + 1] = call('GET', key(perf, 'i0')) or ''
end
return all
