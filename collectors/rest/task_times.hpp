// How tasks spent their time, as the pages of a vertex and of a job tell it.
#pragma once

#include <optional>

namespace doctor::rest {

class Node;

/// Milliseconds since the start, of one task or of all tasks of a vertex together.
struct TaskTimes {
  std::optional<double> busy;  // absent for legacy sources, which do not measure it
  double backpressured{};
  double idle{};

  double total() const { return busy.value_or(0) + backpressured + idle; }
};

/// From "metrics". The times are there since 1.16, have no "complete" of their own, and are all
/// zero until the JobManager has fetched them: nothing then.
std::optional<TaskTimes> task_times(const Node& metrics);

/// Share of the time that the tasks were held up since `before`; of their whole life where nothing
/// was told before, or where they started anew. 0 when the times stand still.
double backpressured_between(const std::optional<TaskTimes>& before, const TaskTimes& now);

}  // namespace doctor::rest
