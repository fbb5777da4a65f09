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
-- The definition a run started with is in `definitions`, by hash, so editing a file changes no run under way.
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
  welcomed    INTEGER NOT NULL DEFAULT 0,       -- 1: the welcome was said
  cut_at      INTEGER NOT NULL DEFAULT 0,       -- history before this inbox.seq is forgotten
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
  kind           TEXT NOT NULL,                 -- workflow, agent
  conversation   INTEGER NOT NULL REFERENCES conversations (seq),
  message        INTEGER NOT NULL REFERENCES inbox (seq),   -- what started it
  dealing        INTEGER NOT NULL,              -- the message it deals with now (inbox.seq)
  awaits_reply   INTEGER NOT NULL,              -- 1: the next message of its conversation wakes it
  wake_at        INTEGER,                       -- the first moment that wakes it
  definition     TEXT NOT NULL,
  status         TEXT NOT NULL,                 -- running, waiting, completed, error, cancelled
  state          TEXT NOT NULL,
  nodes_executed INTEGER NOT NULL,
  nodes_total    INTEGER NOT NULL,
  started_at     INTEGER NOT NULL,
  finished_at    INTEGER,
  error_message  TEXT NOT NULL DEFAULT '',
  parent         INTEGER,
  tool_calls     INTEGER NOT NULL DEFAULT 0,
  tokens         INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runs_unfinished ON runs (bot, status) WHERE status IN ('running', 'waiting');
CREATE INDEX runs_bot ON runs (bot, seq);
CREATE INDEX runs_waiting ON runs (conversation) WHERE status = 'waiting';
CREATE INDEX runs_awaiting ON runs (conversation) WHERE awaits_reply = 1;
CREATE INDEX runs_alarms ON runs (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_message ON runs (message);

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
  PRIMARY KEY (run, seq)
) WITHOUT ROWID;

CREATE TABLE once (
  run    INTEGER NOT NULL,
  node   TEXT NOT NULL,
  frame  TEXT NOT NULL,
  key    TEXT NOT NULL,
  result TEXT,                                  -- NULL: intended, outcome unknown
  PRIMARY KEY (run, node, frame, key)
) WITHOUT ROWID;

CREATE TABLE outbox (
  seq          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  bot          TEXT NOT NULL,
  platform     TEXT NOT NULL,
  channel_id   TEXT NOT NULL,
  conversation INTEGER,
  run          INTEGER,
  said_by      TEXT NOT NULL,                   -- node: to the user; order: elsewhere; bot: a fallback, a notice
  text         TEXT NOT NULL,
  rest         TEXT NOT NULL,                   -- the other fields of the message, JSON
  created_at   INTEGER NOT NULL,
  status       TEXT NOT NULL,                   -- pending, sent, dead
  attempts     INTEGER NOT NULL DEFAULT 0,
  next_at      INTEGER NOT NULL DEFAULT 0,
  sent_at      INTEGER,
  sent_ids     TEXT NOT NULL DEFAULT '',        -- the platform's ids, JSON
  error        TEXT NOT NULL DEFAULT ''
);
CREATE INDEX outbox_pending ON outbox (bot, seq) WHERE status = 'pending';
CREATE INDEX outbox_dead ON outbox (bot, seq) WHERE status = 'dead';
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
