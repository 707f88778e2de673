// Flink's own figures for /metrics, under flink_doctor_flink_: base units, true types, names
// instead of ids.
#pragma once

#include "agent/delivery/families.hpp"
#include "agent/view.hpp"

namespace doctor {

/// What the JobManager tells of jobs, checkpoints and slots.
void add_job_series(Families& families, const ClusterView& cluster);
/// What the reporters tell.
void add_curated_series(Families& families, const ClusterView& cluster);
/// "flink_doctor_flink_jvm_cpu_time_seconds_total".
std::string curated_name(const MetricInfo& metric);

}  // namespace doctor
