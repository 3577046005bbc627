-- For wrk: sends each callback of the file SIGNED once. Its first line is the path, its second the timestamp, its third
-- the body; each further line is a nonce and a signature.
local lines = io.lines(os.getenv("SIGNED"))
local path, timestamp, body = lines(), lines(), lines()
local head = "POST " .. path .. " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " ..
  #body .. "\r\nx-sinch-webhook-signature-algorithm: HmacSHA256\r\nx-sinch-webhook-signature-timestamp: " .. timestamp ..
  "\r\nx-sinch-webhook-signature-nonce: "
local tail = "\r\n\r\n" .. body

function request()
  local line = lines()
  local blank = string.find(line, " ", 1, true)
  return head .. string.sub(line, 1, blank - 1) .. "\r\nx-sinch-webhook-signature: " .. string.sub(line, blank + 1) .. tail
end
