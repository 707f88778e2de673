#include "collectors/rest/task_times.hpp"

#include "collectors/rest/json.hpp"

namespace doctor::rest {

std::optional<TaskTimes> task_times(const Node& metrics) {
  if (metrics.is_none()) return std::nullopt;
  if (metrics["read-records-complete"].flag_if() != true) return std::nullopt;
  if (metrics["write-records-complete"].flag_if() != true) return std::nullopt;
  const auto told = [&](const char* name) -> std::optional<double> {
    const std::optional<double> time = metrics[name].number_if();
    return time && *time >= 0 ? time : std::nullopt;  // NaN is none, too
  };
  const std::optional<double> backpressured = told("accumulated-backpressured-time");
  const std::optional<double> idle = told("accumulated-idle-time");
  if (!backpressured || !idle) return std::nullopt;
  const TaskTimes times{told("accumulated-busy-time"), *backpressured, *idle};
  return times.total() > 0 ? std::optional(times) : std::nullopt;
}

double backpressured_between(const std::optional<TaskTimes>& before, const TaskTimes& now) {
  const bool anew =
      !before || now.total() < before->total() || now.backpressured < before->backpressured;
  const double total = anew ? now.total() : now.total() - before->total();
  const double held_up = anew ? now.backpressured : now.backpressured - before->backpressured;
  return total > 0 ? held_up / total : 0;
}

}  // namespace doctor::rest
