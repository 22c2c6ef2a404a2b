-- needs: core
-- The whole gap after a version, or why not. Reads only. ARGV: performance, epoch, version.
local perf, version = tonumber(ARGV[1]), tonumber(ARGV[3])
local top = tonumber(call('HGET', META, 'v' .. perf) or nil)
if not top or EPOCH ~= ARGV[2] or version > top then return cmsgpack.pack({'gap'}) end
local missing = top - version
if missing == 0 then return {} end
if missing > call('LLEN', key(perf, 'log')) then return cmsgpack.pack({'gap'}) end
return call('LRANGE', key(perf, 'log'), -missing, -1)
