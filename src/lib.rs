//! People are getting 401 and 403: is it them, or is it us?
//!
//! authfault reads web-server access logs and tells a fault of the server (many clients that used to be served fail
//! together) from attacks and from what clients do to themselves.
//!
//! # The way of the data
//!
//! ```text
//!  paths ─> input ──text──> parse ──Event──> tally ──Shards──> ledger ─> detect ──Report──> report ─> bytes
//!           \____________ one worker per thread ____________/   merge    (pure)
//!                          pipeline/scan.rs              pipeline/mod.rs  ^
//!  error logs ─> input ──text──> errorlog ──Notes─────────────────────────/
//! ```
//!
//! [`model`] holds the nouns; each stage is a verb that takes nouns and gives nouns and knows no other stage;
//! [`pipeline`] is the sentence, the only place that knows order and threads.
//!
//! # The tallies
//!
//! Everything rests on one structure, so its design comes first. Detection asks, of clients that were refused: had
//! this one been served here before? was it served again soon? who else asked for the same then, and how did they
//! fare? A table of counts per client and window cannot answer that, and the questions that will be asked next year
//! are not known. So nothing is counted while reading. **Every request is kept, in eight bytes: who, what, when**
//! ([`model::tally::Visit`]):
//!
//! - *who*: 32 bits, a client (address and user agent), each kept once;
//! - *what*: 16 bits, a [`model::tally::Shape`]: host, path template, method, protocol, upstream, status, whether a
//!   user name was logged, each combination kept once;
//! - *when*: 16 bits, the second within an 18-hour bucket.
//!
//! A gigabyte of log (4.6 million lines) is 37 MB of visits. A 401 or 403 has a second, wider row (claimed user, size,
//! place in the file), and for each shape and hour the earliest refused line is kept as a sample, without what its
//! client tells already.
//!
//! *For the main job* this is the whole evidence, in memory. *For the verdicts* it answers any question about any
//! subset exactly: the [`model::tally::Ledger`] sorts visits by client, so one walk over a client's slice knows its
//! whole past. *For the speed* the hot loop only appends: per line three hashes and, for many lines together, look-ups
//! in tables that grow with the number of distinct things; one append, no addition. Numbers are given in order of
//! first sight, per worker, without a lock.
//!
//! **Merging is putting side by side.** A [`model::tally::Shard`] is what one worker saw, under its own numbering.
//! [`tally::build`] replaces every number by the rank of what it stands for, so the ledger is the same for any
//! number of threads, any chunk size, any order of files, and for a file or its pieces; everything after it is a
//! pure function. (The proposal was counters per client and window that add up; those merge too, but each new
//! question needs a new counter, and the known-good history needs a second pass over the files.)
//!
//! **Bounds.** Memory is bounded by `--memory`, whatever the log. Above the bound a share of the clients is kept, one in
//! 2^k, with all their requests, so each of them still has its whole past; they are chosen by a fixed hash of address
//! and user agent, so all workers keep the same ones. Requests of the others are counted by window
//! ([`model::tally::Counted`]): numbers of requests, 401s and 403s stay exact, numbers of clients are scaled up and
//! marked ([`detect`]'s `estimate.rs`). Workers give full shards to a [`tally::Store`], which now and then settles them
//! into one ledger and looks what it comes to: so k depends on what was read and on nothing else. Detection, which needs
//! most where a fault is, says when what is left does not suffice, and gets a ledger of half the clients. (Simpler, a sum of
//! rows at a fixed charge for each, was tried on paper: a log in which every line brings a new client, agent and path
//! takes fifty times what a common one takes by the row, so either the one is not bounded or the other is cut short;
//! and charges for distinct things cannot be added up across workers, who see the same things.) Texts are cut to sane
//! lengths before they are kept. A shard closes at 65,535 shapes or 1 GiB of text, so no number overflows. Beside the
//! bound stand the program, a chunk for each thread, half a kilobyte for each chunk read, and detection's windows: 40
//! bytes for each five minutes between the first and the last line.
//!
//! # From run to run
//!
//! ```text
//!  state ─positions─> input::follow ─parts─> (as above) ─Shards─┐
//!    └──────────────Shards of the last days─────────────────────┴─> ledger ─> detect ─Report─> cases ─News─> state ─> notify
//! ```
//!
//! `check` is the same merge once more: what is new is put beside what was kept, so a check's report is that of one
//! reading of everything. What was kept are the shards themselves, in the form of [`exchange`], folded as they grow
//! many. A run changes the [`state`] in one transaction, messages included; they are delivered from there. [`cases`]
//! knows an incident again though its id, start and scope become clearer from run to run. `backtest` is the same
//! detection over growing parts of old logs, and the same [`cases`].
//!
//! Building the ledger is dear, so a run asks first whether what is new is as [`usual`]; if so it is stored as a piece,
//! and that is all. What is usual is learnt by each look from the ledger, as shares of clients by part of the site, and
//! asked of the last hour, whose pieces are therefore not folded yet.
//!
//! # Beyond one machine
//!
//! ```text
//!  paths ─> (as above) ─Shards─> ledger ─> part ─bytes─> (another machine) ─Shards─┐
//!           map.rs, where the logs are                        …other parts…        ┴─> ledger ─> detect ─> report
//!                                                             whole.rs, reduce.rs
//! ```
//!
//! Merging is the same a third time: a part is a ledger in the columns of [`exchange::part`], with what was read to make
//! it, so `reduce` reports what one reading of all the files would. A part knows its files by host and first bytes and
//! which stretch of them it holds, so that nothing counts twice and what is missing is named. Spark hands out the
//! stretches and carries the parts (`spark_job.py`); it parses no line and adds nothing up. It was chosen since those with
//! logs by the terabyte run it already, and it brings the file systems, their credentials, retries and speculation.
//! (Ballista 55 could be built in. But its scheduler narrows only plans of its own to the partitions of a task,
//! `restrict_plan_to_partitions` in its task builder; a custom leaf, which a reader of logs is, runs all of them in every
//! task. Tried with twelve splits, it counted everything twelve times, without an error.)
//!
//! # Where things are
//!
//! | folder | owns |
//! | --- | --- |
//! | [`cli`] | what may be typed and what it means |
//! | [`input`] | files, pipes, what is packed or archived, mapping, chunks of whole lines |
//! | [`parse`] | formats: templates and server configurations (nom), columns, JSON, labelled fields, wrappers; `fast.rs` and its slow twin `plan.rs` |
//! | [`tally`] | events to shards, shards to the ledger, within a bound; path templates, the operator's own routes (regex) |
//! | [`errorlog`] | lines of nginx's and Apache's error logs to notes: who was refused when, why, by which file or rule |
//! | [`detect`] | the ledger and the notes to incidents, each refusal's cause, sums, one client's story; the registry of causes |
//! | [`exchange`] | shards as bytes, versioned and checked; parts, which travel |
//! | [`state`] | SQLite: positions, shards, incidents, messages; its lock and its invariant |
//! | [`usual`] | what is usual in each part of a site, and whether the last hour stands out |
//! | [`cases`] | the life of an incident over many runs, and what there is to say of it |
//! | [`notify`] | mail, SMTP, Slack, webhooks, Alertmanager, programs, node_exporter (the only network access) |
//! | [`geoip`] | labels of networks, from the operator's databases (maxminddb) |
//! | [`privacy`] | a report without persons: pseudonyms, coarse networks, no queries |
//! | [`report`] | terminal, HTML, Markdown, JSON, CSV; what is said of an incident; every escape |
//! | [`pipeline`] | the order of it all |
//! | [`progress`], [`error`] | the progress bar; what can be wrong with an input |
//! | `prefetch`, `trim` | the hint to the processor that scanning needs; memory given back before requests are moved |
//!
//! # Invariants
//!
//! - Same input, same bytes: no clock, environment, hash order or thread count reaches a report.
//! - What a stranger wrote is a [`model::logged::Logged`] or was made inert; it cannot be displayed by accident.
//! - Every line is parsed, rejected with a reason, or blank: `lines = parsed + rejected + blank`, asserted.
//! - A bad line is data; only a bad file is an error, and it does not stop the others.
//! - Stages name only `model`, `error` and themselves; a test reads `src/` and keeps that wall.
//! - `check` alone keeps state, reads a configuration, looks at the clock (for staleness and reminders) and opens
//!   connections (to the channels that are configured).
//!
//! Where this is simpler than it might be: causes are entries in three tables rather than a file each, since a cause
//! is text; the ledger and the detector use rayon themselves, since handing them a pool would only hide it; what a
//! report is made of derives serde's traits in [`model`], since a mirror of forty fields would have to be kept in
//! step by hand.
//!
//! # Words
//!
//! *Note*: what an error log says about a client at a minute. *Client*: an address with its user agent. *Served*:
//! status below 400. *Refused*: 401 or 403. *Known good*: served on that route at another time. *Open route*: serves
//! nearly every stranger. *Newcomer*: first seen within half an hour. *Trial*: a client that may remember, one kind of
//! request, one quarter of an hour. *Candidate*, *cluster*, *fault*: a window that stands out, refined in time and
//! scope, believed. *Burst*: any other wave. *Lead*: the day before a span asked for, by which that is judged: it is
//! detected over both and reported of the span alone. *Operator*: the person running this; a *user* is always a name in the log,
//! on a 401 only a claimed one.

pub mod cases;
pub mod cli;
pub mod detect;
pub mod error;
pub mod errorlog;
pub mod exchange;
pub mod geoip;
pub mod input;
pub mod model;
pub mod notify;
pub mod parse;
pub mod pipeline;
mod prefetch;
pub mod privacy;
pub mod progress;
pub mod report;
pub mod state;
pub mod tally;
mod trim;
pub mod usual;
