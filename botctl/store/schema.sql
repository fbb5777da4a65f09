-- The state of a project: one file, .botctl/state.db, in WAL mode.
--
-- A message comes in through `inbox`: its row is on disk before the platform is told that we have it, and the
-- unique key on (bot, platform, dedupe_key) makes a second delivery a no-op. It belongs to a row of
-- `conversations`, whose messages are worked on one at a time, in the order of `inbox.seq`.
--
-- Working on a message is a run. `runs` keeps one row per run with its current state as JSON (where its tokens
-- stand, which loops turn, its variables); every wave replaces it. `steps` is the journal, append-only: one row
-- per execution of a node, small, cut and masked, for people to read. `once` is what makes a step's outside
-- effects happen once: an intent is written before the effect, its result after; rows go when the run ends.
-- `recorded` keeps what models and tools were asked and answered, in full, of the runs that are kept to be made
-- tests (`record` in botctl.yaml; those in the terminal, if nothing is said).
-- The definition a run started with is in `definitions`, by hash, so editing a file changes no run under way.
--
-- A run that waits is woken by a message, by a moment (`runs.wake_at`), or by a row of `events`: a decision, a
-- pressed link, the end of a run it called, a command of a person. Whoever decides writes the row in the same
-- transaction, from whatever process; the runner sees it, wakes the run, and takes the row away with the wave
-- that the run went on with. `handoffs`, `challenges` and `schedules` hold what is asked, sent and to be said.
--
-- What a run says becomes rows of `outbox` in the same transaction as the wave that said it. A row is `sent`
-- only with the ids the platform gave for it; what can never be sent is `dead` and says why.
--
-- Times are milliseconds since 1970, UTC. Orders come from `seq` columns, never from times. Ids are random and
-- short; people may use any unique prefix.

CREATE TABLE conversations (
  seq         INTEGER PRIMARY KEY,
  bot         TEXT NOT NULL,
  platform    TEXT NOT NULL,
  channel_id  TEXT NOT NULL,
  user_id     TEXT NOT NULL,
  thread_id   TEXT NOT NULL,
  user_name   TEXT NOT NULL DEFAULT '',
  started_at  INTEGER NOT NULL,
  last_at     INTEGER NOT NULL,
  previous_at INTEGER NOT NULL DEFAULT 0,       -- last_at before the last message
  welcomed    INTEGER NOT NULL DEFAULT 0,       -- 1: the welcome was said
  cut_at      INTEGER NOT NULL DEFAULT 0,       -- history before this inbox.seq is forgotten
  taken_by    TEXT NOT NULL DEFAULT '',         -- the person who answers in place of the bot; '': nobody does
  UNIQUE (bot, platform, channel_id, user_id, thread_id)
);

CREATE TABLE inbox (
  seq          INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL REFERENCES conversations (seq),
  bot          TEXT NOT NULL,
  platform     TEXT NOT NULL,
  dedupe_key   TEXT NOT NULL,
  text         TEXT NOT NULL,
  rest         TEXT NOT NULL,                   -- the other fields of the message, JSON
  received_at  INTEGER NOT NULL,
  status       TEXT NOT NULL,                   -- pending, done, ignored
  reason       TEXT NOT NULL DEFAULT '',        -- why it was ignored
  run          INTEGER                          -- the run that it started or woke
);
CREATE UNIQUE INDEX inbox_dedupe ON inbox (bot, platform, dedupe_key) WHERE dedupe_key <> '';
CREATE INDEX inbox_pending ON inbox (bot, seq) WHERE status = 'pending';
CREATE INDEX inbox_conversation ON inbox (conversation, seq);

CREATE TABLE cursors (
  bot      TEXT NOT NULL,
  platform TEXT NOT NULL,
  cursor   TEXT NOT NULL,
  PRIMARY KEY (bot, platform)
) WITHOUT ROWID;

CREATE TABLE definitions (
  hash TEXT PRIMARY KEY,
  file TEXT NOT NULL,
  text TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE runs (
  seq            INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  bot            TEXT NOT NULL,
  runner         TEXT NOT NULL,                 -- the bot whose process runs it: of a called run, the root's
  kind           TEXT NOT NULL,                 -- workflow, agent
  conversation   INTEGER NOT NULL REFERENCES conversations (seq),
  message        INTEGER NOT NULL REFERENCES inbox (seq),   -- what started it
  dealing        INTEGER NOT NULL,              -- the message it deals with now (inbox.seq)
  awaits_reply   INTEGER NOT NULL,              -- 1: the next message of its conversation wakes it
  wake_at        INTEGER,                       -- the first moment that wakes it
  definition     TEXT NOT NULL,
  status         TEXT NOT NULL,                 -- running, waiting, completed, error, budget, cancelled
  state          TEXT NOT NULL,
  nodes_executed INTEGER NOT NULL,
  nodes_total    INTEGER NOT NULL,
  started_at     INTEGER NOT NULL,
  finished_at    INTEGER,
  error_message  TEXT NOT NULL DEFAULT '',
  parent         INTEGER,                       -- the run that called it
  depth          INTEGER NOT NULL DEFAULT 0,    -- how many runs are above it
  in_doubt       INTEGER NOT NULL DEFAULT 0,    -- 1: some effect of it may or may not have been made
  tool_calls     INTEGER NOT NULL DEFAULT 0,
  tokens         INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runs_unfinished ON runs (runner, status) WHERE status IN ('running', 'waiting');
CREATE INDEX runs_bot ON runs (bot, seq);
CREATE INDEX runs_status ON runs (status, seq) WHERE status IN
  ('running', 'waiting', 'error', 'budget', 'cancelled');
CREATE INDEX runs_waiting ON runs (conversation, seq) WHERE status = 'waiting';
CREATE INDEX runs_awaiting ON runs (conversation) WHERE awaits_reply = 1;
CREATE INDEX runs_alarms ON runs (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_message ON runs (message);
CREATE INDEX runs_in_doubt ON runs (seq) WHERE in_doubt = 1;

CREATE TABLE steps (
  run           INTEGER NOT NULL,
  seq           INTEGER NOT NULL,
  wave          INTEGER NOT NULL,
  node          TEXT NOT NULL,
  type          TEXT NOT NULL,
  label         TEXT NOT NULL,
  frame         TEXT NOT NULL,                  -- [["loop", 2]] as JSON; '' outside loops
  handle        TEXT NOT NULL,
  started_at    INTEGER NOT NULL,
  duration_us   INTEGER NOT NULL,
  input         TEXT,
  output        TEXT,
  writes        TEXT,
  notes         TEXT,
  tokens_input  INTEGER NOT NULL,
  tokens_output INTEGER NOT NULL,
  model         TEXT NOT NULL,
  retries       INTEGER NOT NULL,
  error         TEXT,
  micro_cents   INTEGER,                        -- what its model calls cost; NULL: nothing, or not known
  PRIMARY KEY (run, seq)
) WITHOUT ROWID;

CREATE TABLE once (
  run    INTEGER NOT NULL,
  node   TEXT NOT NULL,
  frame  TEXT NOT NULL,
  key    TEXT NOT NULL,
  result TEXT,                                  -- NULL: intended, outcome unknown
  what   TEXT NOT NULL DEFAULT '',              -- of an intent, in words, masked
  PRIMARY KEY (run, node, frame, key)
) WITHOUT ROWID;

CREATE TABLE recorded (
  seq      INTEGER PRIMARY KEY,
  run      INTEGER NOT NULL,
  node     TEXT NOT NULL,
  kind     TEXT NOT NULL,                       -- model, tool
  asked    TEXT NOT NULL,                       -- {"prompt", "after_tool"} or {"tool", "arguments"}, JSON, masked
  answered TEXT NOT NULL,                       -- what came back, or how it failed, JSON, masked
  at       INTEGER NOT NULL,
  number   INTEGER NOT NULL                     -- orders them by when they were made
);
CREATE INDEX recorded_run ON recorded (run);

CREATE TABLE outbox (
  seq          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  bot          TEXT NOT NULL,
  platform     TEXT NOT NULL,
  channel_id   TEXT NOT NULL,
  conversation INTEGER,
  run          INTEGER,
  said_by      TEXT NOT NULL,                   -- node: to the user; order: elsewhere; bot: a fallback, a notice;
                                                -- person:<name>: who has taken the conversation over
  text         TEXT NOT NULL,
  rest         TEXT NOT NULL,                   -- the other fields of the message, JSON
  created_at   INTEGER NOT NULL,
  status       TEXT NOT NULL,                   -- pending, sent, dead, draft (shown while it is written)
  attempts     INTEGER NOT NULL DEFAULT 0,
  next_at      INTEGER NOT NULL DEFAULT 0,
  sent_at      INTEGER,
  sent_ids     TEXT NOT NULL DEFAULT '',        -- the platform's ids, JSON
  error        TEXT NOT NULL DEFAULT ''
);
CREATE INDEX outbox_pending ON outbox (bot, seq) WHERE status = 'pending';
CREATE INDEX outbox_dead ON outbox (bot, run) WHERE status = 'dead';
CREATE INDEX outbox_run ON outbox (run, seq);
CREATE INDEX outbox_conversation ON outbox (conversation, seq);

CREATE TABLE tickets (
  seq          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  bot          TEXT NOT NULL,
  run          INTEGER NOT NULL,
  conversation INTEGER NOT NULL,
  subject      TEXT NOT NULL,
  created_at   INTEGER NOT NULL
);
CREATE INDEX tickets_run ON tickets (run);

CREATE TABLE events (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,     -- never used twice: a runner remembers what it saw
  runner     TEXT NOT NULL,
  run        INTEGER NOT NULL,
  kind       TEXT NOT NULL,                     -- decision, link, returned, cancel, retry
  value      TEXT NOT NULL,                     -- JSON
  created_at INTEGER NOT NULL
);
CREATE INDEX events_runner ON events (runner, seq);
CREATE INDEX events_run ON events (run);

CREATE TABLE handoffs (
  seq          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  bot          TEXT NOT NULL,
  runner       TEXT NOT NULL,
  run          INTEGER NOT NULL,
  conversation INTEGER NOT NULL,
  node         TEXT NOT NULL,
  frame        TEXT NOT NULL,
  reason       TEXT NOT NULL,
  ways_out     TEXT NOT NULL,                   -- {"approved": ["refund: mcp_tool orders__refund"], ...}, JSON
  variables    TEXT NOT NULL,                   -- as they were when it was asked, masked and cut, JSON
  shown_hash   TEXT NOT NULL,                   -- of (run, node, frame, reason, ways out)
  reviewers    TEXT NOT NULL,                   -- JSON list; empty: anybody
  notify       TEXT NOT NULL,                   -- JSON list such as [{"email": "a@b.c"}]
  escalate     TEXT NOT NULL,                   -- JSON list
  requester    TEXT NOT NULL,                   -- the user whose message led here
  allow_self   INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  remind_at    INTEGER,                         -- NULL: nobody is told again
  user_told    INTEGER NOT NULL DEFAULT 0,      -- 1: the user heard pending_message
  status       TEXT NOT NULL,                   -- pending, approved, rejected, expired, cancelled
  decided_by   TEXT NOT NULL DEFAULT '',
  note         TEXT NOT NULL DEFAULT '',
  sets         TEXT NOT NULL DEFAULT '{}',      -- variables that the decision sets, JSON
  decided_at   INTEGER
);
CREATE INDEX handoffs_expiring ON handoffs (runner, expires_at) WHERE status = 'pending';
CREATE INDEX handoffs_reminding ON handoffs (runner, remind_at) WHERE status = 'pending' AND remind_at IS NOT NULL;
CREATE INDEX handoffs_pending ON handoffs (conversation) WHERE status = 'pending';
CREATE INDEX handoffs_run ON handoffs (run);
CREATE INDEX handoffs_bot ON handoffs (bot, status);

CREATE TABLE schedules (
  seq          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  bot          TEXT NOT NULL,
  platform     TEXT NOT NULL,
  channel_id   TEXT NOT NULL,
  user_id      TEXT NOT NULL,
  thread_id    TEXT NOT NULL,
  conversation INTEGER NOT NULL,                -- in which it was ordered
  run          INTEGER NOT NULL,
  key          TEXT NOT NULL,
  text         TEXT NOT NULL,
  next_at      INTEGER NOT NULL,
  every        TEXT NOT NULL,                   -- a cron expression; '' for once
  timezone     TEXT NOT NULL,
  status       TEXT NOT NULL,                   -- pending, done, cancelled
  created_at   INTEGER NOT NULL,
  finished_at  INTEGER
);
CREATE INDEX schedules_due ON schedules (bot, next_at) WHERE status = 'pending';
CREATE INDEX schedules_run ON schedules (run);
CREATE INDEX schedules_key ON schedules (conversation, key) WHERE status = 'pending' AND key <> '';

CREATE TABLE challenges (
  seq          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  bot          TEXT NOT NULL,
  runner       TEXT NOT NULL,
  run          INTEGER NOT NULL,
  conversation INTEGER NOT NULL,
  user         TEXT NOT NULL,                   -- a keyed hash of (platform, user)
  contact      TEXT NOT NULL,                   -- a keyed hash
  method       TEXT NOT NULL,                   -- code, link
  hash         TEXT NOT NULL,                   -- a keyed hash of the code, or of the link's token
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  is_open      INTEGER NOT NULL DEFAULT 1,      -- 0: the gate that sent it is left
  used_at      INTEGER
);
CREATE INDEX challenges_open ON challenges (conversation) WHERE is_open = 1;
CREATE INDEX challenges_contact ON challenges (contact, created_at);
CREATE INDEX challenges_user ON challenges (user, created_at);
CREATE INDEX challenges_link ON challenges (hash) WHERE method = 'link';
CREATE INDEX challenges_run ON challenges (run);

CREATE TABLE verified (
  bot          TEXT NOT NULL,
  platform     TEXT NOT NULL,
  user_id      TEXT NOT NULL,
  contact_type TEXT NOT NULL,                   -- email, phone
  contact      TEXT NOT NULL,
  verified_at  INTEGER NOT NULL,
  PRIMARY KEY (bot, platform, user_id, contact_type)
) WITHOUT ROWID;

-- Links and sessions of the dashboard are signed, not stored; what must not be used again is, until it would
-- be too old anyway.

CREATE TABLE logins (
  mark       TEXT PRIMARY KEY,                  -- a hash of the link's or session's random part
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Money, in micro-cents (1,000,000 are a cent). Before a model is asked under a cap, a row of `reservations`
-- holds the most that the call can cost; after it a row of `usage` tells what it did cost, and the reservation
-- goes in the same transaction. `totals` are the running sums that caps are checked against: spent and reserved
-- by run, conversation, user and day, bot and month, and bot. A reservation that a dead process left is booked
-- as spent when its runner starts again: whether the provider billed the call is not known.

CREATE TABLE usage (
  seq           INTEGER PRIMARY KEY,
  bot           TEXT NOT NULL,
  runner        TEXT NOT NULL,
  run           TEXT NOT NULL,                  -- runs.id: numbers may be given twice, money must not mix
  conversation  INTEGER,                        -- NULL: it was erased
  user          TEXT NOT NULL,                  -- platform:user_id; '' when erased
  provider      TEXT NOT NULL,
  model         TEXT NOT NULL,
  tokens_input  INTEGER NOT NULL,
  tokens_output INTEGER NOT NULL,
  micro_cents   INTEGER,                        -- NULL: no price is known
  in_doubt      INTEGER NOT NULL,               -- 1: no answer came; it may have been billed, up to this much
  at            INTEGER NOT NULL
);
CREATE INDEX usage_bot ON usage (bot, at);
CREATE INDEX usage_at ON usage (at);
CREATE INDEX usage_run ON usage (run);
CREATE INDEX usage_conversation ON usage (conversation);

CREATE TABLE reservations (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used twice: who holds one may be late
  bot          TEXT NOT NULL,
  runner       TEXT NOT NULL,
  run          TEXT NOT NULL,
  conversation INTEGER NOT NULL,
  user         TEXT NOT NULL,
  provider     TEXT NOT NULL,
  model        TEXT NOT NULL,
  micro_cents  INTEGER NOT NULL,
  from_wallet  INTEGER NOT NULL,                -- 1: it is held in the bot's wallet too
  at           INTEGER NOT NULL
);
CREATE INDEX reservations_runner ON reservations (runner);
CREATE INDEX reservations_conversation ON reservations (conversation);

CREATE TABLE totals (
  scope    TEXT NOT NULL,                       -- run, conversation, user_day, month, bot
  bot      TEXT NOT NULL,
  key      TEXT NOT NULL,                       -- run id, conversation, 2026-11-21 platform:user, 2026-11, ''
  spent    INTEGER NOT NULL,
  reserved INTEGER NOT NULL,
  PRIMARY KEY (scope, bot, key)
) WITHOUT ROWID;

CREATE TABLE wallets (
  bot      TEXT PRIMARY KEY,
  balance  INTEGER NOT NULL,
  reserved INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE deposits (
  seq         INTEGER PRIMARY KEY,
  bot         TEXT NOT NULL,
  micro_cents INTEGER NOT NULL,
  note        TEXT NOT NULL,
  at          INTEGER NOT NULL
);
CREATE INDEX deposits_bot ON deposits (bot, seq);
