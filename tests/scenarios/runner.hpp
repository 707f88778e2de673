// Scenarios: text files of drawn clusters with the findings that are expected of the judge. The
// runner makes the stream that collectors would make and feeds the same Judge as the live agent.
//
// One statement a line, '#' begins a comment. Times count from the case's start. Durations: 250ms
// 15s 5m 2h 1d 1h30m, negative for "before the case". Numbers: 12 -1 3.5e6 10MiB 3.5GiB 100kB.
// Values with blanks stand in "quotes". [ ] may be left out, | means either.
//
//   case NAME                     begins a case; several per file
//   every 15s                     period of polls, scrapes and ticks; before any series
//   for 60m                       length of the case
//
// The cluster:
//   cluster [version=1.20.5] [namespace=NS] [mode=one_shot] [expected_jobs=a,b]
//       one_shot: at every tick a fresh agent looks twice, one period apart, as `check` does
//   cluster status=unreachable|leader_election|partial from=10m [to=12m]
//           [reason=refused|timeout|reset|name_resolution|not_flink|http_status]   what REST says
//   option KEY VALUE              /jobmanager/config
//   jobmanager metaspace_limit=256MiB
//   taskmanager NAME [host=NAME] [slots=1] [managed=] [process=] [metaspace=] [from=] [to=]
//   reporter PROCESS [from=] [to=]     a reporter of "jobmanager" or a TaskManager; unknown to the
//       agent before `from`, down after `to` and while the process is not alive
//
// Jobs:
//   job NAME [from=0s] [to=] [state=RUNNING] [type=STREAMING] [vertices=Source>Map>Sink]
//       [parallelism=1|1,2,1] [max_parallelism=128] [edge=HASH] [on=tm-1,tm-2]
//       [backend=hashmap|rocksdb|forst|CLASS] [checkpointing=on|off|unknown] [interval=10s]
//       [timeout=10m] [min_pause=0s] [tolerable=0] [unaligned] [strategy="…"]
//       vertices: chains that may share names, "A>B>D,A>C>D". on: subtasks in turn, else all
//       TaskManagers. Not listed outside from/to. Checkpointing is on when an interval or a
//       periodic checkpoint line says so.
//   submit NAME every 60s [lasts=20s] [from=] [to=] and all of job: a new job id each time, which
//       ends FINISHED and stays listed for an hour
//   at 5m job NAME state=FAILED [tasks=2]      tasks: only so many run, though the state says more
//   fault JOB at 2m | every 30s [from=] [to=] exception="a.B: text" [cause="c.D: text"] [task=Map]
//       [on=tm-1] [frames="a.b.C.m(C.java:1);…"] [down=1s] [norestart]
//       adds an exception; unless norestart the job is RESTARTING for `down` and job_restarts rises
//   checkpoint JOB every 10s | at 3m [from=] [to=] [size=1MiB[+1MiB per checkpoint]] [delta=SIZE]
//       [noise=10%] [status=completed|failed|in_progress] [savepoint] [duration=1s] [failure="…"]
//       size: of the state; delta: written by each one. Only while the job is RUNNING; in_progress
//       expires after the job's timeout (or duration); a restart fails what is in progress.
//   "at 3m checkpoint JOB …" and "at 3m fault JOB …" are the same as "… JOB at 3m".
//
// Series, in the names of model/metric_catalogue.inc:
//   series METRIC{process="tm-1"} VALUES                       of a process
//   series METRIC{process="tm-1",collector="G1_Old_Generation"} VALUES
//   series METRIC{job="x"} VALUES
//   series METRIC{job="x",vertex="Map"[,subtask="0"][,operator="op"][,column_family="cf"]} VALUES
//       without subtask: each of them. They come from the reporter of the process they run in, or
//       through REST when there is no `reporter` line for it; only while the job is RUNNING.
//   VALUES are terms, one sample per period from the case's start, nothing after the last one:
//       100   100x5 (6 samples)   60MiB+3MiBx20 (21 samples)   0+600/sx* (a rate; until the end)
//       100x5m (as many samples as fall into 5m)   _  _x3  _x5m (absent)
//   or steps: START steps 3MiB per submit [every 10th back to 60MiB] | per 10 submits | per restart
//   and then, if wanted: noise AMPLITUDE, wave AMPLITUDE over PERIOD (added to present values).
//
// Expectations:
//   expect at 20m DETECTOR{host="h1",job="x",vertex="Map"} [warning] [suspected] [pending|resolved]
//       [says="…"] [remedy=OPTION] [explained_by=DETECTOR]     at the first tick from then on;
//       firing unless said otherwise; says: part of summary, evidence, remedies or next test
//   expect by 20m …               at some tick until then
//   expect none [at 5m] [after 5m] [before 10m] [DETECTOR{…}] [warning] [imminent] [pending]
//       nothing firing of that severity (and confidence) or above; with pending: nor pending
//   expect ok|firing|learning|blind at 5m DETECTOR [why="…"]
//   Labels: job vertex operator subtask host process tm cluster namespace.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "model/detector.hpp"
#include "tests/scenarios/scenario.hpp"

namespace doctor::scenario {

/// What was expected and did not happen, with file and line; empty when all is well.
std::vector<std::string> run(const Case& scenario, std::span<const Detector* const> detectors);

}  // namespace doctor::scenario
