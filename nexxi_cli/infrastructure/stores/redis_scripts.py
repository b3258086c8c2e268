"""What Redis does in one step, as Lua scripts. Knows the keys; knows of a document only its head and its end.

Longer than most: the scripts share keys and helpers, and what one writes another reads.

    nexxi:session:ID           a session's document, see redis_document; the only key that other programs need
    nexxi:summary:ID           what a model made of the session's first turns, as JSON; lives as long as its document
    nexxi:recent:OWNER         sorted set: the owner's ids by the microsecond of their last change
    nexxi:ids:OWNER            sorted set: the owner's ids in their order as texts
    nexxi:name:OWNER:NAME      the id of the owner's session of that name
    nexxi:written:WRITE        the id of the session that a write with an id of its own went to; it outlives the session

OWNER and NAME are JSON texts, so no two pairs make one key. A name's key lives as long as its document. A document that
has expired or was removed by others leaves its id in the sorted sets until a list or a new session comes across it.

A script makes its first write only when nothing can fail any more but that write, so it does all or nothing. Most keys
follow from what a document holds and cannot be declared beforehand: Redis Cluster is not supported.

The file is longer than others: the scripts share their functions, and to read one is to read them all.
"""

from nexxi_cli.infrastructure.stores.redis_document import BLOCK_CHARS, END, MESSAGES, TURN

DOCUMENT_KEY = "nexxi:session:"
SUMMARY_KEY = "nexxi:summary:"
MARK_KEY = "nexxi:written:"
FOREIGN = "NEXXIFOREIGN"  # a script's error: the key that follows holds something else than ours
MARK_S = 90 * 24 * 3600  # how much later a write may be asked for again and still be noticed
SWEPT = 10  # oldest sessions that a new one looks at, to forget those that are gone

_CONSTANTS = f"""
local SUMMARY = '{SUMMARY_KEY}'
local DOCUMENT, MESSAGES, TURN, END, BLOCK = '{DOCUMENT_KEY}', '{MESSAGES}', '{TURN}', '{END}', {BLOCK_CHARS}
local FOREIGN, SWEPT, CHUNK, MARK, MARK_S = '{FOREIGN} ', {SWEPT}, 1000, '{MARK_KEY}', {MARK_S}
"""

_FUNCTIONS = """
local HEAD = '^({"session_id": ".-", "created_at": ".-", "updated_at": )"(.-)", "turn_count": (%d+)'
  .. ', "owner": (".-"), "name": (.-), "title": (.-), "model": (.-) *$'

local function recent_key(owner) return 'nexxi:recent:' .. owner end
local function ids_key(owner) return 'nexxi:ids:' .. owner end
local function name_key(owner, name) return 'nexxi:name:' .. owner .. ':' .. name end

-- nil without a document
local function head_of(id)
  local key, size = DOCUMENT .. id, 2 * BLOCK
  while true do
    local text = redis.pcall('GETRANGE', key, 0, size - 1)
    if text == '' then return nil end
    local stop = type(text) == 'string' and text:find(MESSAGES, 1, true)
    if stop then return text:sub(1, stop - 1) end
    if type(text) ~= 'string' or #text < size then error(FOREIGN .. key, 0) end
    size = size * 8
  end
end

-- the fields as JSON texts, the times as plain ones; `start` is what never changes
local function session_of(id)
  local head = head_of(id)
  if not head then return nil end
  local session = {id = id, head = head, width = #head}
  session.start, session.updated_at, session.turn_count, session.owner, session.name, session.title, session.model
    = head:match(HEAD)
  if not session.start then error(FOREIGN .. DOCUMENT .. id, 0) end
  return session
end

-- in its place if there is room, else the document is written anew once with more of it
local function write_head(session)
  local key = DOCUMENT .. session.id
  local head = session.start .. '"' .. session.updated_at .. '", "turn_count": ' .. session.turn_count
    .. ', "owner": ' .. session.owner .. ', "name": ' .. session.name
    .. ', "title": ' .. session.title .. ', "model": ' .. session.model
  if #head <= session.width then
    redis.call('SETRANGE', key, 0, head .. (' '):rep(session.width - #head))
  else
    head = head .. (' '):rep(-#head % BLOCK)
    redis.call('SET', key, head .. redis.call('GETRANGE', key, session.width, -1), 'KEEPTTL')
  end
end

-- how many characters stand before the document's last turn
local function last_turn_of(key)
  local total, size = redis.call('STRLEN', key), 2 * BLOCK
  while true do
    local from = math.max(total - size, 0)
    local text = redis.call('GETRANGE', key, from, -1)
    local last, next = nil, text:find(TURN, 1, true)
    while next do last, next = next, text:find(TURN, next + 1, true) end
    if last then return from + last - 1 end
    if from == 0 then error(FOREIGN .. key, 0) end
    size = size * 8
  end
end

local function drop_summary(id, turn_count)
  local summary = redis.pcall('GET', SUMMARY .. id)
  local turns = type(summary) == 'string' and tonumber(summary:match('^{"turns": (%d+),'))
  if turns and turns > turn_count then redis.call('DEL', SUMMARY .. id) end
end

local function holder_of(owner, name)
  local id = redis.call('GET', name_key(owner, name))
  local session = id and session_of(id)
  return session and session.owner == owner and session.name == name and session
end

local function expire(key, ttl_ms)
  if ttl_ms == '' then redis.call('PERSIST', key) else redis.call('PEXPIRE', key, ttl_ms) end
end

-- another program's value in their place is refused before anything is written
local function check_lists(owner)
  redis.call('ZCARD', recent_key(owner))
  redis.call('ZCARD', ids_key(owner))
end

local function enter(session, micros, ttl_ms)
  redis.call('ZADD', recent_key(session.owner), micros, session.id)
  redis.call('ZADD', ids_key(session.owner), 0, session.id)
  expire(DOCUMENT .. session.id, ttl_ms)
  expire(SUMMARY .. session.id, ttl_ms)
  if session.name ~= 'null' then
    local key = name_key(session.owner, session.name)
    redis.call('SET', key, session.id, 'NX')  -- Redis may have evicted it
    if redis.pcall('GET', key) == session.id then expire(key, ttl_ms) end
  end
end

-- the session that has this write, if it has happened and has an id
local function place_of(write) return write ~= '' and redis.call('GET', MARK .. write) end
local function mark(write, id) if write ~= '' then redis.call('SET', MARK .. write, id, 'EX', MARK_S) end end

local function forget(owner, id)
  redis.call('ZREM', recent_key(owner), id)
  redis.call('ZREM', ids_key(owner), id)
end

local function give_up_name(session)
  local key = name_key(session.owner, session.name)
  if session.name ~= 'null' and redis.pcall('GET', key) == session.id then redis.call('DEL', key) end
end

-- heads of documents are small, but a page far down a long list need not read those before it
local function all_exist(ids)
  local keys = {}
  for rank, id in ipairs(ids) do keys[rank] = DOCUMENT .. id end
  return redis.call('EXISTS', unpack(keys)) == #ids
end

-- one page of what `ids_from(first, count)` lists; ids whose document is gone are forgotten and not counted
local function heads(owner, offset, limit, ids_from)
  local found, seen, last = {}, 0, offset + limit
  while seen < last do
    local wanted = (seen < offset and offset or last) - seen
    local ids = ids_from(seen, math.min(wanted, CHUNK))
    if #ids == 0 then break end
    if seen < offset and all_exist(ids) then
      seen = seen + #ids
    else
      for _, id in ipairs(ids) do
        local head = head_of(id)
        if head and head:find(', "owner": ' .. owner .. ', "name": ', 1, true) then
          seen = seen + 1
          if seen > offset then found[#found + 1] = head end
        else
          forget(owner, id)
        end
      end
    end
  end
  return found
end
"""


def _script(body: str) -> str:
    return _CONSTANTS + _FUNCTIONS + body


# -> the document of the owner's session of that name or of the session that has this write already, 0 when the id is
#    taken, 1 when the new session is kept or the one that had this write is gone
CREATE = _script("""
local id, owner, name, document, micros, ttl_ms, write = unpack(ARGV)
local place = place_of(write)
if place then return redis.call('GET', DOCUMENT .. place) or 1 end
local holder = name ~= 'null' and holder_of(owner, name)
if holder then return redis.call('GET', DOCUMENT .. holder.id) end
if redis.call('EXISTS', DOCUMENT .. id) == 1 then return 0 end
check_lists(owner)
redis.call('SET', DOCUMENT .. id, document)
redis.call('DEL', SUMMARY .. id)
mark(write, id)
if name ~= 'null' then redis.call('SET', name_key(owner, name), id) end
enter({id = id, owner = owner, name = name}, micros, ttl_ms)
for _, old in ipairs(redis.call('ZRANGE', recent_key(owner), 0, SWEPT - 1)) do
  if redis.call('EXISTS', DOCUMENT .. old) == 0 then forget(owner, old) end
end
return 1
""")

# -> the document and the summary; an empty text for what is not there
LOAD = _script("""
return {redis.call('GET', DOCUMENT .. ARGV[1]) or '', redis.call('GET', SUMMARY .. ARGV[1]) or ''}
""")

# -> the new turn count, or nil without such a session; for a write that has happened: where it is, 0 if that is gone.
#    The turn takes the place of the last one if that is still the `last_count`th and came at `last_at`.
APPEND = _script("""
local id, updated_at, micros, model, title, messages, ttl_ms, write, last_count, last_at = unpack(ARGV)
local place = place_of(write)
if place then return (session_of(place) or {turn_count = 0}).turn_count + 0 end
local session = session_of(id)
if not session then return nil end
check_lists(session.owner)
local key = DOCUMENT .. id
local size = redis.call('STRLEN', key)
local ending = redis.call('GETRANGE', key, -1 - #END, -1)
if ending:sub(2) ~= END then error(FOREIGN .. key, 0) end
if session.turn_count == last_count and session.updated_at == last_at then
  local before = redis.call('GETRANGE', key, 0, last_turn_of(key) - 1)
  redis.call('SET', key, before .. messages .. END, 'KEEPTTL')
  session.turn_count = session.turn_count - 1
  drop_summary(id, session.turn_count)
else
  local comma = ending:sub(1, 1) == '[' and '' or ', '
  redis.call('SETRANGE', key, size - #END, comma .. messages .. END)
end
mark(write, id)
session.updated_at, session.model, session.turn_count = updated_at, model, session.turn_count + 1
if session.title == 'null' then session.title = title end
write_head(session)
enter(session, micros, ttl_ms)
return session.turn_count
""")

# -> 1 if the document was still the one of this SHA-1 and is now the new one, or if this write has happened, else 0; a
#    summary of more turns goes
REPLACE = _script("""
local id, sha1, document, turn_count, write = unpack(ARGV)
if place_of(write) then return 1 end
local present = redis.call('GET', DOCUMENT .. id)
if not present or redis.sha1hex(present) ~= sha1 then return 0 end
redis.call('SET', DOCUMENT .. id, document, 'KEEPTTL')
mark(write, id)
drop_summary(id, tonumber(turn_count))
return 1
""")

# -> 1, or 0 without such a session
SUMMARISE = _script("""
local id, summary = unpack(ARGV)
local ttl_ms = redis.call('PTTL', DOCUMENT .. id)
if ttl_ms == -2 then return 0 end
redis.call('SET', SUMMARY .. id, summary)
expire(SUMMARY .. id, ttl_ms < 0 and '' or ttl_ms)
return 1
""")

# -> 1, 0 when another session of the owner has the name, or nil without such a session
RENAME = _script("""
local id, name = unpack(ARGV)
local session = session_of(id)
if not session then return nil end
local holder = holder_of(session.owner, name)
if holder then return holder.id == id and 1 or 0 end
local former = {id = id, owner = session.owner, name = session.name}
session.name = name
write_head(session)
give_up_name(former)
local key, ttl_ms = name_key(session.owner, name), redis.call('PTTL', DOCUMENT .. id)
redis.call('SET', key, id)
expire(key, ttl_ms < 0 and '' or ttl_ms)
return 1
""")

# -> 1, or 0 without such a session
DELETE = _script("""
local session = session_of(ARGV[1])
if not session then return 0 end
check_lists(session.owner)
redis.call('DEL', DOCUMENT .. session.id, SUMMARY .. session.id)
give_up_name(session)
forget(session.owner, session.id)
return 1
""")

# -> heads: of the session of that name or, when there is none, of those whose ids start so, in the ids' order
FIND = _script("""
local owner, name, start, limit = unpack(ARGV)
local holder = holder_of(owner, name)
if holder then return {holder.head} end
if start == '' then return {} end
return heads(owner, 0, tonumber(limit), function(first, count)
  return redis.call('ZRANGEBYLEX', ids_key(owner), '[' .. start, '(' .. start .. 'g', 'LIMIT', first, count)
end)
""")

# -> heads, the session that changed last first
RECENT = _script("""
local owner, limit, offset = unpack(ARGV)
return heads(owner, tonumber(offset), tonumber(limit), function(first, count)
  return redis.call('ZREVRANGE', recent_key(owner), first, first + count - 1)
end)
""")
