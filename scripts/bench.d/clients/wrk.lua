-- Prints what wrk measured as one line that wrk.py reads: requests, microseconds, errors (connect, read, write, status,
-- timeout), and the latencies p50 and p99 in microseconds, as they were observed.
-- From the environment: CONNECTIONS, and DEPTH: how many requests go out in one write. Latency is that of the batch.
local depth = tonumber(os.getenv("DEPTH"))
local connections = tonumber(os.getenv("CONNECTIONS"))

if depth > 1 then  -- without a `request` of our own wrk sends a constant, which costs it less
  local batch
  function init()
    batch = string.rep(wrk.format(), depth)
  end
  function request()
    return batch
  end
end

-- wrk adds made-up latencies to those it saw (its correction for coordinated omission), spaced by the time between two
-- requests of a connection; with several in a batch that spacing is wrong, and its percentiles come out as 0.
-- Each observed n put one more at n - s, n - 2s … above s; walking down from the longest takes them out again.
local function observed(summary, latency)
  local spacing = math.floor(summary.duration / math.floor(summary.requests / connections))
  local values, counts, added, total = {}, {}, {}, 0
  for i = #latency, 1, -1 do
    local value, count = latency(i)
    count = count - (added[value] or 0)
    values[#values + 1], counts[#counts + 1], total = value, count, total + count
    if value >= 2 * spacing and count > 0 then
      for made_up = value - spacing, spacing + 1, -spacing do added[made_up] = (added[made_up] or 0) + count end
    end
  end
  return values, counts, total
end

local function percentile(share, values, counts, total)
  local above = total * (1 - share)
  for i = 1, #values do
    above = above - counts[i]
    if above < 0 then return values[i] end
  end
  return 0
end

function done(summary, latency)
  local e = summary.errors
  local median, tail = 0, 0
  if summary.requests >= connections then
    local values, counts, total = observed(summary, latency)
    median, tail = percentile(0.5, values, counts, total), percentile(0.99, values, counts, total)
  end
  io.write(string.format("figures %d %d %d %d %d %d %d %d %d\n", summary.requests, summary.duration,
    e.connect, e.read, e.write, e.status, e.timeout, median, tail))
end
