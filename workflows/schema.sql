-- The engine's schema as its migrations make it, to read. `./just schema` writes this file.

-- Every attempt that ended. Rows are only added.
CREATE TABLE workflows.attempts (
    -- The run.
    run_id uuid NOT NULL,
    -- Fencing token of the attempt.
    token bigint NOT NULL,
    -- The task.
    task_id uuid NOT NULL,
    -- The step.
    lane integer NOT NULL,
    -- The fan-out of which the task is a child. NULL for other tasks.
    fan_out_id uuid,
    -- Index among the children of the fan-out, from 0.
    child integer,
    -- How it ended. crashed: the process died of it. lost: its process or its lease was lost, and the task is not to blame. unavailable: a dependency was down, which is not the task's fault either.
    outcome text NOT NULL,
    -- What the step was given. Kept of steps that are done, for a later re-drive from there.
    input json,
    -- What a child of a fan-out handed on. Kept for the join.
    output json,
    -- The error with its sources. NULL where there was none.
    error json,
    -- The process that worked on it.
    worker_id bigint NOT NULL,
    -- When it began.
    started_at timestamp with time zone NOT NULL,
    -- When it ended.
    ended_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, token),
    CHECK ((outcome = ANY (ARRAY['done'::text, 'error'::text, 'unavailable'::text, 'rejected'::text, 'crashed'::text, 'lost'::text, 'interrupted'::text, 'cancelled'::text])))
);

-- Who did what, when and why.
CREATE TABLE workflows.audit (
    -- Number of the entry.
    audit_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- When.
    at timestamp with time zone NOT NULL DEFAULT now(),
    -- Who.
    actor text NOT NULL,
    -- What, such as run.cancel.
    action text NOT NULL,
    -- What it was done to: the id of a run, a letter or a re-drive, or the name of a queue.
    target text NOT NULL,
    -- Why.
    reason text NOT NULL,
    -- What else is known of it.
    details jsonb NOT NULL DEFAULT '{}'::jsonb,
    PRIMARY KEY (audit_id)
);
CREATE INDEX audit_by_target ON workflows.audit USING btree (target, audit_id);

-- Dependencies of steps that are down. While there is a row, tasks of steps that need it stay where they are, but for one at a time that tries whether it is back. A step may also find a service down that it did not declare, such as the disk of one machine: one of which nothing was heard for some minutes is forgotten.
CREATE TABLE workflows.breakers (
    -- Name of the dependency.
    dependency text NOT NULL,
    -- Since when it is down.
    opened_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    -- When the next task may try.
    probe_at timestamp with time zone NOT NULL,
    -- How often a task was let through to try.
    probes integer NOT NULL DEFAULT 0,
    -- The last error.
    error text NOT NULL,
    -- When a task failed for it last.
    failed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    -- The steps at which tasks failed for it.
    lanes integer[] NOT NULL DEFAULT '{}'::integer[],
    PRIMARY KEY (dependency)
);

-- From where the next attempt of a task can go on, as long as the task is at the same step.
CREATE TABLE workflows.checkpoints (
    -- The task.
    task_id uuid NOT NULL,
    -- The step that stored it.
    lane integer NOT NULL,
    -- Fencing token of the attempt that stored it.
    token bigint NOT NULL,
    -- What the step stored.
    state json NOT NULL,
    -- When it was stored.
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (task_id)
);

-- One death of a task, whole, until somebody decides about it. The task may be re-driven and die again, which is another letter.
CREATE TABLE workflows.dead_letters (
    -- The letter, a UUIDv7: sorts by the time of the death.
    letter_id uuid NOT NULL,
    -- The task.
    task_id uuid NOT NULL,
    -- Its run.
    run_id uuid NOT NULL,
    -- The step at which it died.
    lane integer NOT NULL,
    -- The run's fairness key.
    fairness_key text NOT NULL,
    -- Hash of the fairness key, as in tasks.
    key bigint NOT NULL,
    -- As in tasks.
    rank bigint NOT NULL,
    -- As in tasks.
    fan_out_id uuid,
    -- As in tasks.
    child integer,
    -- What the step was given.
    input json NOT NULL,
    -- Attempts at the step that failed.
    errors integer NOT NULL,
    -- Attempts at the step of which the process died.
    crashes integer NOT NULL,
    -- Attempts at the step that a worker gave back or lost without blame.
    interruptions integer NOT NULL,
    -- Fencing token of the last attempt.
    token bigint NOT NULL,
    -- The limit that was reached, or failed: the step said that no retry will help.
    cause text NOT NULL,
    -- The last error with its sources.
    error json NOT NULL,
    -- Alike for deaths of the same kind, for grouping.
    fingerprint text NOT NULL,
    -- The process that worked on it last.
    worker_id bigint NOT NULL,
    -- When it died.
    died_at timestamp with time zone NOT NULL DEFAULT now(),
    -- When somebody decided about it. NULL: the letter is open.
    resolved_at timestamp with time zone,
    -- What was decided. skipped: the join went on without it. obsolete: its run ended otherwise.
    resolution text,
    -- Who decided.
    resolved_by text,
    -- Why it was decided so.
    reason text,
    PRIMARY KEY (letter_id),
    CHECK ((cause = ANY (ARRAY['errors'::text, 'crashes'::text, 'interruptions'::text, 'failed'::text]))),
    CHECK (((resolved_at IS NULL) = (resolution IS NULL))),
    CHECK ((resolution = ANY (ARRAY['redriven'::text, 'discarded'::text, 'skipped'::text, 'obsolete'::text])))
);
CREATE INDEX dead_letters_by_run ON workflows.dead_letters USING btree (run_id);
CREATE UNIQUE INDEX dead_letters_open ON workflows.dead_letters USING btree (task_id) WHERE (resolved_at IS NULL);
CREATE INDEX dead_letters_open_by_fingerprint ON workflows.dead_letters USING btree (fingerprint, letter_id) WHERE (resolved_at IS NULL);

-- Tasks that can be claimed later: retries and delayed starts. Never scanned by a claim.
CREATE TABLE workflows.deferred (
    -- When the task becomes claimable.
    due_at timestamp with time zone NOT NULL,
    -- The task.
    task_id uuid NOT NULL,
    PRIMARY KEY (due_at, task_id)
);
CREATE INDEX deferred_by_task ON workflows.deferred USING btree (task_id);

-- How much waits where, counted by one process for all: one row. Whoever finds it too old and gets its lock counts anew.
CREATE TABLE workflows.depths (
    -- There is one row.
    one boolean NOT NULL DEFAULT true,
    -- When it was counted.
    counted_at timestamp with time zone NOT NULL,
    -- [{"queue", "workflow", "step", "ready", …}], one for each step that has tasks.
    counts jsonb NOT NULL,
    PRIMARY KEY (one),
    CHECK (one)
);

-- What happened to runs. Only runs of workflows that ask for it have rows here.
CREATE TABLE workflows.events (
    -- The writing transaction. First part of the position.
    xid bigint NOT NULL DEFAULT ((pg_current_xact_id())::text)::bigint,
    -- A running number. Second part of the position.
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- The run.
    run_id uuid NOT NULL,
    -- Durable name of its workflow.
    workflow text NOT NULL,
    -- What the run is about.
    subject uuid NOT NULL,
    -- What happened.
    kind text NOT NULL,
    -- When.
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    -- What else is known. NULL: nothing.
    details json,
    PRIMARY KEY (xid, seq),
    CHECK ((kind = ANY (ARRAY['started'::text, 'step_done'::text, 'succeeded'::text, 'rejected'::text, 'dead'::text, 'cancelled'::text, 'restarted'::text, 'redriven'::text])))
);

-- Up to where events were removed because of their age: one row at most. Whoever comes from before it has missed some.
CREATE TABLE workflows.events_floor (
    -- There is one row at most.
    one boolean NOT NULL DEFAULT true,
    -- First part of the position of the last event that was removed.
    xid bigint NOT NULL,
    -- Second part of it.
    seq bigint NOT NULL,
    PRIMARY KEY (one),
    CHECK (one)
);

-- Fan-outs in progress.
CREATE TABLE workflows.fan_outs (
    -- The fan-out.
    fan_out_id uuid NOT NULL,
    -- Its run.
    run_id uuid NOT NULL,
    -- Number of its children.
    total integer NOT NULL,
    -- Children that have not ended.
    remaining integer NOT NULL,
    -- Size so far of what the join will be given.
    bytes bigint NOT NULL,
    -- What the join is given beside the children's outputs.
    carry json NOT NULL,
    -- The join follows even when children died, and is told which.
    partial boolean NOT NULL,
    -- Where the run goes on when no child remains.
    join_lane integer NOT NULL,
    PRIMARY KEY (fan_out_id),
    CHECK ((remaining >= 0))
);
CREATE INDEX fan_outs_by_run ON workflows.fan_outs USING btree (run_id);

-- The durable identity of a step: workflow, version and name. Tasks wait in the lane of their step. Rows are never removed.
CREATE TABLE workflows.lanes (
    -- Number of the lane.
    lane integer NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- Durable name of the workflow.
    workflow text NOT NULL,
    -- Version of the workflow.
    version integer NOT NULL,
    -- Durable name of the step.
    step text NOT NULL,
    -- The queue in which the newest build runs the step. Builds claim by their own routes, so this is for people, and a deploy may change it.
    queue text NOT NULL,
    -- The shape of the step's input and what follows it, as the newest build has them, for the check before a deploy.
    shape jsonb,
    -- How much the newest build tells of the runs of the lane's workflow.
    events text NOT NULL DEFAULT 'none'::text,
    PRIMARY KEY (lane),
    UNIQUE (workflow, version, step),
    CHECK ((events = ANY (ARRAY['none'::text, 'runs'::text, 'steps'::text])))
);

-- Tasks that are being worked on. Whoever does not hold the current token can write nothing.
CREATE TABLE workflows.leases (
    -- The task.
    task_id uuid NOT NULL,
    -- Its run.
    run_id uuid NOT NULL,
    -- Fencing token of the attempt.
    token bigint NOT NULL,
    -- The process that works on it.
    worker_id bigint NOT NULL,
    -- How many crashes the step allows, as the build that works on it has it. 0: taken over only to write its end.
    crash_limit integer NOT NULL,
    -- When the attempt began.
    started_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    -- When others may take the task, unless the lease is renewed before.
    expires_at timestamp with time zone NOT NULL,
    PRIMARY KEY (task_id)
);

-- Limits of queues over all processes. Queues without a limit have no row. The row's lock is the right to hand out what the limit allows.
CREATE TABLE workflows.limits (
    -- The queue.
    queue text NOT NULL,
    -- Tasks that may run at once. NULL: no such limit.
    concurrency integer,
    -- Tasks of one fairness key that may run at once. NULL: no such limit.
    per_key integer,
    -- Steps that may begin in a second. NULL: no such limit.
    per_second double precision,
    -- How many steps the rate saves up: a quarter of a second's, one at least.
    burst double precision GENERATED ALWAYS AS (GREATEST((1)::double precision, (per_second / (4)::double precision))) STORED,
    -- Steps that might have begun at filled_at.
    saved double precision NOT NULL DEFAULT 1,
    -- The time for which saved was computed.
    filled_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    -- When the limit was set.
    set_at timestamp with time zone NOT NULL DEFAULT now(),
    -- Who set it.
    set_by text NOT NULL,
    -- Why.
    reason text NOT NULL,
    PRIMARY KEY (queue),
    CHECK ((num_nonnulls(concurrency, per_key, per_second) > 0)),
    CHECK ((concurrency > 0)),
    CHECK ((per_key > 0)),
    CHECK ((per_second > (0)::double precision))
);

-- Attempts in queues with a limit. A row counts as long as its attempt holds the lease: nobody has to remove it in time. Written and removed under the lock of the limit.
CREATE TABLE workflows.permits (
    -- The queue.
    queue text NOT NULL,
    -- Hash of the run's fairness key.
    key bigint NOT NULL,
    -- The task.
    task_id uuid NOT NULL,
    -- Fencing token of the attempt.
    token bigint NOT NULL,
    PRIMARY KEY (queue, task_id, token)
);

-- How far attempts are, by their own word. Counts only while the attempt holds its lease. Steps that do not report have no row.
CREATE TABLE workflows.progress (
    -- The task.
    task_id uuid NOT NULL,
    -- Fencing token of the attempt that said it.
    token bigint NOT NULL,
    -- From 0 to 1.
    done double precision NOT NULL,
    -- A few words for people.
    note text NOT NULL,
    -- When it was written.
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (task_id)
);

-- Paused queues. Others have no row.
CREATE TABLE workflows.queues (
    -- The queue.
    queue text NOT NULL,
    -- Since when.
    paused_at timestamp with time zone NOT NULL DEFAULT now(),
    -- Who paused it.
    paused_by text NOT NULL,
    -- Why.
    reason text NOT NULL,
    PRIMARY KEY (queue)
);

-- Tasks that can be claimed now. Keys take turns: a claim hops from key to key along the primary key.
CREATE TABLE workflows.ready (
    -- The step.
    lane integer NOT NULL,
    -- Hash of the run's fairness key.
    key bigint NOT NULL,
    -- Order among the tasks of one key, lowest first.
    rank bigint NOT NULL,
    -- The task.
    task_id uuid NOT NULL,
    PRIMARY KEY (lane, key, rank, task_id)
);

-- Re-drives of many letters. Each works itself off at a rate, and survives restarts.
CREATE TABLE workflows.redrives (
    -- The re-drive.
    redrive_id uuid NOT NULL,
    -- Which letters: the arguments of workflows.matching_letters.
    filter jsonb NOT NULL,
    -- Letters in a second.
    per_second double precision NOT NULL,
    -- Letters at most.
    cap integer NOT NULL,
    -- Who asked for it.
    actor text NOT NULL,
    -- Why.
    reason text NOT NULL,
    -- Letters that matched when it was asked for. Younger ones are left alone.
    matched bigint NOT NULL,
    -- The runs start again from this step. NULL: each goes on where it died.
    from_step text,
    -- Letters re-driven so far.
    redriven integer NOT NULL DEFAULT 0,
    -- Letters left as they are, because their runs have not been through from_step.
    skipped integer NOT NULL DEFAULT 0,
    -- The last letter that was looked at.
    position uuid,
    -- The next round begins behind this letter, because somebody held a run there. The nil id is the beginning.
    again_from uuid,
    -- Until when the rate is used up.
    ticked_at timestamp with time zone NOT NULL DEFAULT now(),
    -- When it was asked for.
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    -- When it was done or stopped. NULL: it goes on.
    ended_at timestamp with time zone,
    PRIMARY KEY (redrive_id),
    CHECK ((cap > 0)),
    CHECK ((per_second > (0)::double precision))
);
CREATE INDEX redrives_going_on ON workflows.redrives USING btree (redrive_id) WHERE (ended_at IS NULL);

-- One execution of a workflow. Written at the start and at the end; each step in between locks the row and does not update it.
CREATE TABLE workflows.runs (
    -- Made by the client, a UUIDv7: sorts by the time of the start.
    run_id uuid NOT NULL,
    -- Durable name of the workflow.
    workflow text NOT NULL,
    -- Version of the workflow that the run was started with.
    version integer NOT NULL,
    -- What the run is about, in the caller's terms.
    subject uuid NOT NULL,
    -- Slots are shared evenly between these keys: owners or tenants.
    fairness_key text NOT NULL,
    -- Minutes by which the run is ranked as if it had been started later. Negative: earlier.
    priority smallint NOT NULL DEFAULT 0,
    -- Among the runs of a workflow that have not ended, at most one has this key.
    unique_key text,
    -- A dead run has not ended: it waits until its dead letters are re-driven or discarded.
    state text NOT NULL DEFAULT 'running'::text,
    -- What the first step is given. Payloads are json, not jsonb: they come back to the last digit as they were written.
    input json NOT NULL,
    -- The last step's output, the rejection, or who cancelled the run. NULL while it has not ended.
    result json,
    -- W3C trace context (traceparent) of whatever started the run.
    trace_parent text,
    -- Since when an operator holds the run. NULL: not paused.
    paused_at timestamp with time zone,
    -- Who paused it.
    paused_by text,
    -- Why it was paused.
    pause_reason text,
    -- When it was started: the time of the starting transaction.
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    -- When it ended. NULL for running and dead runs.
    ended_at timestamp with time zone,
    PRIMARY KEY (run_id),
    CHECK ((state = ANY (ARRAY['running'::text, 'succeeded'::text, 'rejected'::text, 'dead'::text, 'cancelled'::text])))
);
CREATE INDEX runs_by_fairness_key ON workflows.runs USING btree (fairness_key, run_id DESC);
CREATE INDEX runs_by_subject ON workflows.runs USING btree (subject, created_at DESC, run_id DESC);
CREATE INDEX runs_paused ON workflows.runs USING btree (run_id) WHERE (paused_at IS NOT NULL);
CREATE UNIQUE INDEX runs_unique ON workflows.runs USING btree (workflow, unique_key) WHERE ((unique_key IS NOT NULL) AND (ended_at IS NULL));

-- Runs that start by the clock. The row's lock decides which worker fires a tick.
CREATE TABLE workflows.schedules (
    -- Name of the schedule.
    name text NOT NULL,
    -- When it fires next.
    next_at timestamp with time zone NOT NULL,
    -- The run that it started last.
    last_run uuid,
    PRIMARY KEY (name)
);

-- Which builds may work on this schema: one row. A migration that takes something away that older builds need raises the level.
CREATE TABLE workflows.schema_compatibility (
    -- There is one row.
    one boolean NOT NULL DEFAULT true,
    -- Schema level (SCHEMA_LEVEL) that a build must have.
    oldest_build integer NOT NULL,
    PRIMARY KEY (one),
    CHECK (one)
);

-- Since when the server is what it is: one row. A server that was started or promoted a moment ago has no session of anybody yet, which says nothing about the workers.
CREATE TABLE workflows.servers (
    -- There is one row.
    one boolean NOT NULL DEFAULT true,
    -- Time of the server's start, and its timeline.
    identity text NOT NULL,
    -- When this identity was seen first.
    since timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (one),
    CHECK (one)
);

-- Tasks that can be claimed now, but one at a time in each process: one of them may have killed the last process.
CREATE TABLE workflows.suspects (
    -- The step.
    lane integer NOT NULL,
    -- Order, lowest first.
    rank bigint NOT NULL,
    -- The task.
    task_id uuid NOT NULL,
    -- As in tasks. From 2 on the process works on nothing else meanwhile.
    suspicion smallint NOT NULL,
    PRIMARY KEY (lane, rank, task_id)
);

-- The point of a run at which work goes on. A task moves from step to step; a fan-out replaces it by its children, and the last child by the join.
CREATE TABLE workflows.tasks (
    -- The task. It stays the same from step to step.
    task_id uuid NOT NULL,
    -- Its run.
    run_id uuid NOT NULL,
    -- The step that it is at.
    lane integer NOT NULL,
    -- Hash of the run's fairness key: workflows.fairness_hash.
    key bigint NOT NULL,
    -- Orders the tasks of one key, lowest first: workflows.task_rank.
    rank bigint NOT NULL,
    -- The fan-out of which it is a child. NULL for other tasks.
    fan_out_id uuid,
    -- Index among the children of the fan-out, from 0.
    child integer,
    -- What the step is given.
    input json NOT NULL,
    -- Attempts at this step that failed.
    errors integer NOT NULL DEFAULT 0,
    -- Attempts at this step of which the process died.
    crashes integer NOT NULL DEFAULT 0,
    -- Attempts at this step that a worker gave back or lost without blame.
    interruptions integer NOT NULL DEFAULT 0,
    -- In how many processes it was, among others, when they died: 0, 1, or 2 for more.
    suspicion smallint NOT NULL DEFAULT 0,
    -- Fencing token of the last attempt. The next one's is greater, whatever the clock says.
    token bigint NOT NULL DEFAULT 0,
    -- When it became claimable last.
    ready_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (task_id)
);
CREATE INDEX tasks_by_run ON workflows.tasks USING btree (run_id);

-- One row for each worker process. Its presence is a session advisory lock that each of its connections shares: when the process dies, the lock is gone.
CREATE TABLE workflows.workers (
    -- The process.
    worker_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- Its name, for people.
    name text NOT NULL,
    -- The build that it runs.
    build text NOT NULL,
    -- The steps that the build can run: [{"workflow", "version", "steps": [{"step", "queue", "slots", "needs", "attempts"}]}].
    capabilities jsonb NOT NULL DEFAULT '[]'::jsonb,
    -- When it began.
    started_at timestamp with time zone NOT NULL DEFAULT now(),
    -- When its heartbeat was written last.
    seen_at timestamp with time zone NOT NULL DEFAULT now(),
    -- Tasks that it had when it was found to be gone. NULL again once it shows that it is not.
    lost_tasks integer,
    -- Leases were taken from it, so that it may be at more tasks than it has leases, until it shows that it is not.
    robbed boolean NOT NULL DEFAULT false,
    -- Run of the attempt that was charged because the process seemed to have died of it, until the process has heard of that.
    charged_run uuid,
    -- Fencing token of that attempt.
    charged_token bigint,
    -- When it left, or was taken off the list. Rows stay, because the history names them.
    left_at timestamp with time zone,
    PRIMARY KEY (worker_id)
);
CREATE INDEX workers_at_work ON workflows.workers USING btree (worker_id) WHERE (left_at IS NULL);

-- Bodies of views and functions are in `migrations/`.

-- The hash by which the tasks of one fairness key are found.
-- FUNCTION workflows.fairness_hash(fairness_key text) RETURNS bigint

-- Whether a process has one task and no other, so that its end is that task's doing.
-- FUNCTION workflows.has_one_task(of_worker bigint, robbed boolean) RETURNS boolean

-- The letters that match a filter, open and resolved ones. What is NULL does not matter.
-- FUNCTION workflows.matching_letters(of_workflow text, at_step text, of_fingerprint text, of_fairness_key text, died_before timestamp with time zone, died_since timestamp with time zone) RETURNS SETOF workflows.named_letters

-- The fencing token of the next attempt of a task whose last token is given.
-- FUNCTION workflows.next_token(last_token bigint) RETURNS bigint

-- Orders the tasks of one key: the start of the run in microseconds since 1970, later by a minute for each step of priority.
-- FUNCTION workflows.task_rank(started_at timestamp with time zone, priority smallint) RETURNS bigint

-- The keys that have something ready in a lane, each with its lowest rank: those behind a key (turn 1), then the others (turn 2).
-- FUNCTION workflows.waiting_fronts(in_lane integer, after bigint, wanted bigint) RETURNS TABLE(key bigint, turn integer, rank bigint)

-- The keys that have something ready in a lane: those behind a key (turn 1), then the others (turn 2).
-- FUNCTION workflows.waiting_keys(in_lane integer, after bigint, wanted bigint) RETURNS TABLE(key bigint, turn integer)

-- The workers that have not left.
-- VIEW workflows.live_workers

-- Dead letters with the names of their steps.
-- VIEW workflows.named_letters
