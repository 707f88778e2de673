// The members of everything that is recorded, each listed once for both directions. A member that
// is missing here does not compile: the list must bind the whole struct.
#pragma once

#include <string_view>
#include <tuple>

#include "agent/recording/record.hpp"

namespace doctor {

/// kType and kNames ("a, b, c") stand in the recording; of() gives references to the members.
template <class T>
struct Fields;

#define DOCTOR_FIELDS(Type, ...)                             \
  template <>                                                \
  struct Fields<Type> {                                      \
    static constexpr std::string_view kType = #Type;         \
    static constexpr std::string_view kNames = #__VA_ARGS__; \
    template <class Self>                                    \
    static auto of(Self& self) {                             \
      auto& [__VA_ARGS__] = self;                            \
      return std::tie(__VA_ARGS__);                          \
    }                                                        \
  }

// model/batch.hpp, event.hpp, log.hpp, stream.hpp
DOCTOR_FIELDS(SeriesKey, metric, entity);
DOCTOR_FIELDS(Layout, source, version, process, keys);
DOCTOR_FIELDS(Batch, source, at, layout, values);
DOCTOR_FIELDS(Event, kind, at, source, reason, subject, text);
DOCTOR_FIELDS(LogEvent, source, pattern, process, severity, count, first, last, backlog, file,
              line);
DOCTOR_FIELDS(Tick, at);
DOCTOR_FIELDS(StreamItem, cluster, at, what);

// model/facts.hpp
DOCTOR_FIELDS(FlinkVersion, major, minor, text);
DOCTOR_FIELDS(MemoryConfiguration, framework_heap, task_heap, framework_off_heap, task_off_heap,
              network, managed, metaspace, overhead, total_flink, total_process);
DOCTOR_FIELDS(TaskManagerFacts, id, host, slots, free_slots, memory);
DOCTOR_FIELDS(JobSummary, id, name, state, start, end, last_modification, tasks_total,
              tasks_running, tasks_finished);
DOCTOR_FIELDS(ClusterFacts, name, url, version, configuration, job_manager_jvm_options,
              job_manager_metaspace_limit, task_managers, task_managers_known, jobs, jobs_known);
DOCTOR_FIELDS(Edge, from, ship_strategy);
DOCTOR_FIELDS(SubtaskFacts, index, status, attempt, task_manager, host);
DOCTOR_FIELDS(VertexFacts, id, name, parallelism, max_parallelism, status, inputs, subtasks);
DOCTOR_FIELDS(CheckpointConfig, interval, timeout, min_pause, max_concurrent, tolerable_failures,
              unaligned, mode, state_backend, storage);
DOCTOR_FIELDS(CheckpointRecord, id, status, savepoint, type, triggered, ended, checkpointed_size,
              state_size, duration, persisted_data, acknowledged, subtasks, failure);
DOCTOR_FIELDS(SlowestSubtask, index, duration, start_delay, alignment, sync, async);
DOCTOR_FIELDS(VertexCheckpoint, vertex, state_size, duration, acknowledged, subtasks, slowest,
              waits_for);
DOCTOR_FIELDS(CheckpointDetails, id, vertices);
DOCTOR_FIELDS(CheckpointCounts, restored, total, in_progress, completed, failed);
DOCTOR_FIELDS(CheckpointSpread, min, max, avg, p50, p99);
DOCTOR_FIELDS(CheckpointSummary, duration, checkpointed_size, state_size);
DOCTOR_FIELDS(ExceptionRecord, at, name, message, root_cause, frames, task, task_manager);
DOCTOR_FIELDS(JobFacts, id, name, state, type, start, end, state_since, all_tasks_running_since,
              vertices, checkpointing, checkpoint_config, checkpoints_read_at, checkpoint_counts,
              checkpoint_summary, checkpoints, latest_completed, checkpoint_details, restored_at,
              restart_strategy, exceptions, exceptions_known);

// model/source.hpp, result.hpp
DOCTOR_FIELDS(Error, code, message);
DOCTOR_FIELDS(LogReading, files, files_left_out, lines, lines_cut, bytes_skipped, processes);
DOCTOR_FIELDS(SourceHealth, id, kind, address, process, up, ever_up, retired, since, last_success,
              last_error, errors, exchanges, bytes, busy_ms, samples_kept, lines_malformed,
              line_faults, series_dropped, series_unseen, turns_skipped, role, pace_ms,
              process_pace_ms, logs, pods);

// model/pod.hpp
DOCTOR_FIELDS(Termination, reason, exit_code, signal, finished_at, container_id);
DOCTOR_FIELDS(ContainerFacts, name, memory_limit, memory_request, cpu_limit, cpu_request, restarts,
              ready, waiting, ended, last_termination);
DOCTOR_FIELDS(PodFacts, namespace_, name, uid, ip, node, node_ip, phase, role, app, native, reason,
              disruption, deleting_at, containers);
DOCTOR_FIELDS(GonePod, pod, at);
DOCTOR_FIELDS(FlinkDeploymentFacts, namespace_, name, lifecycle_state, job_state, error);
DOCTOR_FIELDS(KubernetesWarning, object, reason, message, count, last);
DOCTOR_FIELDS(KubernetesFacts, source, pods, gone, pods_left_out, deployments, warnings,
              deployments_forbidden, warnings_forbidden);

// agent/judge.hpp, record.hpp
DOCTOR_FIELDS(JudgeConfig, cluster, url, namespace_, expected_jobs, labels, detector_params,
              disabled_detectors, one_shot, metrics_alone);
DOCTOR_FIELDS(Opening, recording, segment, program, at, redacted, lost, clusters, exported,
              series_max);
DOCTOR_FIELDS(Memory, cluster, at, findings_image, features_image);
DOCTOR_FIELDS(EntityMade, cluster, id, level, parent, index, name);
DOCTOR_FIELDS(Standing, item);

#undef DOCTOR_FIELDS

}  // namespace doctor
