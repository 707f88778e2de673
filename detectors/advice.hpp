// What detectors tell people about Flink's configuration: option names per version, values as Flink
// writes them, and the lines that would open a blind eye.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/facts.hpp"

namespace doctor {

/// "256m", "1 gb", "268435456 bytes", "64mb" → bytes (org.apache.flink.configuration.MemorySize).
std::optional<double> parse_memory_bytes(std::string_view text);

/// "10 min", "50 s", "1h", "60000" (ms), "PT5M" → ms (org.apache.flink.util.TimeUtils).
std::optional<DurationMs> parse_duration_ms(std::string_view text);

/// Bytes as a configuration value, rounded up to whole megabytes: "512m".
std::string memory_value(double bytes);

/// A duration as a configuration value, in whole seconds: "600 s".
std::string duration_value(DurationMs duration_ms);

/// The first of these keys (new spelling first, then the old ones) that is set.
std::optional<std::string> first_option(const ClusterFacts* cluster,
                                        std::initializer_list<std::string_view> keys);

/// The Prometheus reporter, for conf/config.yaml or conf/flink-conf.yaml of every process.
std::vector<std::string> reporter_lines();

/// The native RocksDB metrics that native_overrun reads.
std::vector<std::string> rocksdb_metric_lines();

/// Of lines "option: value", those that the cluster's configuration does not say already. Where a
/// Prometheus reporter is on but nobody told its address, "--reporter HOST:PORTS" takes the place
/// of its lines.
std::vector<std::string> lines_not_set(const ClusterFacts* cluster, std::vector<std::string> lines);

/// "state.backend.type" (from 1.17) or "state.backend".
std::string_view state_backend_option(const ClusterFacts* cluster);

/// "execution.checkpointing.unaligned.enabled" (from 1.17) or without its last word.
std::string_view unaligned_option(const ClusterFacts* cluster);

/// "execution.checkpointing.incremental" (from 1.20) or "state.backend.incremental".
std::string_view incremental_option(const ClusterFacts* cluster);
bool is_incremental(const ClusterFacts* cluster);

bool is_at_least(const ClusterFacts* cluster, int major, int minor);

}  // namespace doctor
