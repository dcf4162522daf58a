-- Posts the next question of a file each time, and counts answers by status.
--   wrk … -s load.lua ADDRESS -- FILE
local bodies, at, threads = {}, 0, {}
answered, refused, failed = 0, 0, 0

function setup(thread)
  threads[#threads + 1] = thread
end

function init(arguments)
  for line in io.lines(arguments[1]) do bodies[#bodies + 1] = line end
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  at = at % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end

function response(status)
  if status == 200 then answered = answered + 1
  elseif status == 503 then refused = refused + 1
  else failed = failed + 1 end
end

function done(summary, latency, requests)
  local counts = {answered = 0, refused = 0, failed = 0}
  for _, thread in ipairs(threads) do
    for name in pairs(counts) do counts[name] = counts[name] + thread:get(name) end
  end
  local broken = summary.errors
  local lost = broken.connect + broken.read + broken.write + broken.timeout
  io.write(string.format(
    '{"seconds": %f, "answered": %d, "refused": %d, "failed": %d, "p50": %f, "p95": %f, "p99": %f, "worst": %f}\n',
    summary.duration / 1e6, counts.answered, counts.refused, counts.failed + lost,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3))
end
