-- wrk's side of bench/wire.py: one URL, in the form and with the headers that FFmpeg sends.
-- WIRE_URL is asked for; through a proxy that is the whole URL, and WIRE_STAMP is the header that it wants.
local url, stamp = os.getenv("WIRE_URL"), os.getenv("WIRE_STAMP")
wrk.headers["User-Agent"] = "ffmpeg-hls-swarm/bench"
wrk.headers["Range"] = "bytes=0-"
if stamp and stamp ~= "" then
  local name, value = stamp:match("^(.-): (.*)$")
  wrk.headers[name] = value
end
request = function() return wrk.format("GET", url) end
done = function(summary, latency)
  io.write(string.format("%.0f %.1f %.3f %.3f %d\n",
    summary.requests / summary.duration * 1e6,
    summary.bytes / summary.duration,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
