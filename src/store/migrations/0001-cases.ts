/** The first schema: what arrived, cases with their events and resources, what is to be sent, what falls due. */
export const CASES = `
create table message (
  id text primary key,
  channel text not null,
  sender text not null,
  message_id text not null,
  generation int not null,
  body_hash text not null,
  kind text not null,
  raw bytea not null,
  received_at timestamptz not null,
  answer bytea,
  case_id text not null,
  constraint message_once unique (sender, message_id, generation)
);
create index message_case on message (case_id);

create table quarantine (
  id text primary key,
  channel text not null,
  sender text not null,
  message_id text,
  received_at timestamptz not null,
  raw bytea not null,
  raw_hash bytea not null generated always as (sha256(raw)) stored,
  fault text not null,
  place text not null,
  reason text not null,
  answer bytea,
  times int not null default 1,
  last_received_at timestamptz not null,
  constraint quarantine_once unique nulls not distinct (channel, sender, message_id, raw_hash)
);

-- event_hashes: of the last commit's events; its last element is the head of the case's chain.
create table case_file (
  case_id text primary key,
  journey_id text not null,
  version int not null,
  state jsonb not null,
  event_seq int not null,
  event_hashes text[] not null,
  delivery_seq int not null,
  opened_at timestamptz not null,
  updated_at timestamptz not null
) with (fillfactor = 80);
create index case_file_journey on case_file (journey_id);

create table case_event (
  case_id text not null,
  seq int not null,
  kind text not null,
  at timestamptz not null,
  actor jsonb not null,
  data jsonb not null,
  hash text not null,
  primary key (case_id, seq)
);

-- The current version of every resource. Its content has no meta.versionId and lastUpdated of its own worth:
-- readers take both from the columns. case_id is null for the directory.
create table resource (
  type text not null,
  id text not null,
  version int not null,
  last_updated timestamptz not null,
  case_id text,
  parties text[] not null,
  content jsonb not null,
  deleted boolean not null default false,
  status text,
  owner text,
  authored timestamptz,
  name text,
  born date,
  tokens text[] not null,
  index_version int not null,
  primary key (type, id)
);
create index resource_case on resource (case_id);
create index resource_tokens on resource using gin (tokens);
create index resource_words on resource using gin (array_to_tsvector(string_to_array(name, ' ')))
  where name is not null;
create index resource_recent on resource (type, last_updated, id) where not deleted;
create index resource_authored on resource (type, authored, id) where authored is not null and not deleted;
create index resource_owner on resource (owner, status, authored, id) where type = 'Task' and not deleted;
create index resource_status on resource (status, authored, id) where type = 'Task' and not deleted;
create index resource_born on resource (born, id) where type = 'Patient' and not deleted;

-- Every superseded version, moved here by the statement that writes the next one.
create table history (
  type text not null,
  id text not null,
  version int not null,
  last_updated timestamptz not null,
  case_id text,
  parties text[] not null,
  content jsonb not null,
  deleted boolean not null,
  primary key (type, id, version)
);

-- One row per version, the current one included.
create view resource_version as
  select type, id, version, last_updated, case_id, parties, content, deleted from resource
  union all
  select type, id, version, last_updated, case_id, parties, content, deleted from history;

create table delivery (
  id text primary key,
  case_id text not null,
  seq int not null,
  receiver text not null,
  channel text not null,
  kind text not null,
  subject text not null,
  state text not null,
  due_at timestamptz not null,
  created_at timestamptz not null,
  context jsonb not null,
  attempts int not null default 0,
  body bytea,
  content_type text,
  headers jsonb,
  correlation text,
  may_have_arrived boolean not null default false,
  lease bigint,
  lease_until timestamptz,
  last_cause text,
  settled_at timestamptz
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.2);
create unique index delivery_order on delivery (case_id, seq);
create index delivery_due on delivery (receiver, due_at) where state in ('queued', 'sending');
create index delivery_line on delivery (case_id, receiver, seq) where state in ('queued', 'sending');
create index delivery_leased on delivery (lease_until) where lease_until is not null;
create index delivery_correlation on delivery (correlation) where correlation is not null;
create index delivery_person on delivery (state) where state in ('unsure', 'refused', 'dead');

create table delivery_attempt (
  delivery_id text not null,
  lease bigint not null,
  attempt int not null,
  at timestamptz not null,
  state text not null,
  fault_class text,
  fault text,
  cause text,
  http_status int,
  duration_ms int not null,
  answer bytea,
  primary key (delivery_id, lease)
);

create table receiver_state (
  receiver text primary key,
  failures int not null,
  open_until timestamptz
);

create table deadline (
  id text primary key,
  case_id text not null,
  kind text not null,
  due_at timestamptz not null,
  subject text not null,
  settled_at timestamptz,
  lease bigint,
  lease_until timestamptz
);
create index deadline_due on deadline (due_at) where settled_at is null;
create index deadline_case on deadline (case_id, subject) where settled_at is null;

-- Fencing tokens: a later claim always has the greater number.
create sequence lease;

-- Ends the statement (and so its transaction) when a condition of the commit does not hold.
create function require(holds boolean, otherwise text) returns void language plpgsql as $$
begin
  if holds is not true then
    raise exception using errcode = otherwise, message = 'commit condition does not hold';
  end if;
end $$;

-- The chain of hashes from a head over the digests that follow; the head itself when none follows.
create function chain_hashes(head text, digests text[]) returns text[] language plpgsql immutable as $$
declare
  hash text := head;
  hashes text[] := '{}';
  digest text;
begin
  if cardinality(digests) = 0 then
    return array[head];
  end if;
  foreach digest in array digests loop
    hash := encode(sha256(convert_to(hash || digest, 'UTF8')), 'hex');
    hashes := hashes || hash;
  end loop;
  return hashes;
end $$;
`
