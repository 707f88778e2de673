// Every bound of the program in one place: whatever a cluster sends, nothing grows past these.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/time.hpp"

namespace doctor {

struct Limits {
  // One exchange with a cluster.
  std::size_t rest_body_bytes_max = 8U << 20U;
  std::size_t reporter_body_bytes_max = 256U << 20U;  // bytes processed, not held
  std::size_t reporter_line_bytes_max = 64U << 10U;
  std::size_t new_series_names_bytes_max = 8U << 20U;  // of one scrape; some 25,000 usual names
  // Whether pages of metrics are asked for as gzip: a reporter then packs them for every scrape, at
  // the cost of its TaskManager.
  bool scrapes_gzip = false;
  std::size_t http_header_bytes_max = 16U << 10U;
  DurationMs rest_deadline_ms = 5 * kSecondMs;
  DurationMs reporter_deadline_ms = 10 * kSecondMs;
  DurationMs resolve_deadline_ms = 2 * kSecondMs;
  std::size_t json_depth_max = 64;

  // The Kubernetes API.
  std::size_t pods_max = 2000;                           // of one watch
  std::size_t pods_gone_max = 64;                        // remembered after their end
  std::size_t pod_warnings_max = 50;                     // kept of one watch
  std::size_t pod_watches_max = 16;                      // of one cluster
  std::size_t kubernetes_page_bytes_max = 16U << 20U;    // of a list
  std::size_t kubernetes_line_bytes_max = 2U << 20U;     // of a watch; etcd takes 1.5 MiB
  std::size_t kubernetes_watch_bytes_max = 256U << 20U;  // processed by one watch, not held
  DurationMs kubernetes_list_gap_ms = 5 * kSecondMs;     // from the begin of one to the next
  DurationMs kubernetes_back_off_min_ms = 500;
  DurationMs kubernetes_back_off_max_ms = 30 * kSecondMs;

  // A store that knows the past, as Prometheus does.
  std::size_t history_body_bytes_max = 32U << 20U;   // of one answer, held while it is read
  std::size_t history_samples_max = 4'000'000;       // held at a time, 8 bytes each
  std::size_t history_label_bytes_max = 16U << 10U;  // of one series
  DurationMs history_deadline_ms = 30 * kSecondMs;

  // What shows others who we are.
  std::size_t secret_file_bytes_max = 8U << 10U;       // a token, a password, a header
  std::size_t certificate_file_bytes_max = 1U << 20U;  // certificates of many authorities
  DurationMs credentials_recheck_ms = 2 * kSecondMs;   // whether a file has been replaced

  // What is kept of a cluster.
  std::size_t jobs_max = 500;
  std::size_t vertices_per_job_max = 500;
  std::size_t task_managers_max = 2000;
  std::size_t targets_per_spec_max = 4096;  // that discovery may find by one line
  std::size_t series_per_source_max = 50'000;
  std::size_t series_per_cluster_max = 200'000;
  /// Of all clusters together. At some 500 bytes for each, all in, 200 MB: with the program and
  /// what scrapes hold that fits into the 256 MiB that unit, chart and compose file allow.
  std::size_t series_max = 400'000;
  std::size_t entities_per_cluster_max = 500'000;
  std::size_t learned_tasks_max =
      4'000;  // series of jobs and tasks that outlive the agent, 2 KB each
  std::size_t exceptions_per_job_max = 32;
  std::size_t checkpoints_per_job_max = 96;
  std::size_t name_bytes_max = 256;
  std::size_t message_bytes_max = 400;

  // Log files on this host.
  std::size_t log_globs_max = 16;                // of all clusters; each has a thread
  std::size_t log_files_max = 32;                // followed of one glob
  std::size_t log_entries_max = 10'000;          // directory entries looked at for one glob
  std::size_t log_line_bytes_max = 16U << 10U;   // searched of one line
  std::size_t log_round_bytes_max = 16U << 20U;  // read in one round, shared by a glob's files
  std::size_t log_first_bytes_max = 64U << 10U;  // of a file that was there before us

  // What goes out.
  std::size_t findings_per_detector_max = 20;
  std::size_t findings_max = 200;
  std::size_t inbound_connections_max = 128;
  std::size_t inbound_header_bytes_max = 8U << 10U;
  DurationMs inbound_deadline_ms = 5 * kSecondMs;

  // Our share of the JobManager.
  int rest_calls_per_minute_max = 60;      // one at a time
  double rest_bytes_per_minute_max = 5e6;  // on the wire
};

}  // namespace doctor
