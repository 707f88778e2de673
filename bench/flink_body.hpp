// Bodies as one TaskManager's Prometheus reporter answers them, for benches: the label names, order
// and values of Flink 1.20, HELP and TYPE before each family, Java's number format. What is in them
// is a function of the shape and the target alone.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/metric.hpp"

namespace doctor::bench {

/// 40 % zeros, 25 % large counters, 15 % noisy gauges, 5 % watermarks before the first event, the
/// rest small numbers.
struct BodyShape {
  std::size_t line_bytes{526};  // aimed at, HELP and TYPE lines included
  std::size_t series{5000};
  std::size_t kept_families{10};
  std::size_t kept_series{350};    // of these families
  std::vector<Metric> kept{};      // by name; none: the catalogue's first of tasks
  std::vector<Metric> left_out{};  // of which there is no family, kept ones excepted
};

inline constexpr std::size_t kTasks = 7;  // vertices of the one job

std::string job_id();
std::string vertex_id(std::size_t task);
/// How many subtasks of each vertex a TaskManager runs.
std::size_t subtasks_per_target(const BodyShape& shape);
/// As the reporter names it.
std::string family_name(Metric metric);

/// The families that a selection should keep; all of a body's families are in the catalogue.
std::vector<Metric> kept_metrics(const BodyShape& shape);

/// `target` tells TaskManagers apart.
std::string flink_body(const BodyShape& shape, std::size_t target);

/// As Java's Double.toString writes it, for finite values: "0.0", "1.2345678E7".
std::string java_double(double value);

}  // namespace doctor::bench
