#include "tests/detection/families/plans.hpp"

#include <cmath>
#include <memory>
#include <numbers>

namespace doctor::detection {

TaskManagerFacts plain_task_manager() {
  TaskManagerFacts sizes;
  sizes.slots = 8;
  sizes.memory.managed = 1.6e9;
  sizes.memory.metaspace = 256e6;
  sizes.memory.overhead = 420e6;
  sizes.memory.total_process = 4.2e9;
  return sizes;
}

std::string host_name(int index) { return "worker-" + std::to_string(index); }

JobPlan chain_plan(const std::string& name, int vertices, int parallelism) {
  JobPlan plan;
  plan.name = name;
  for (int v = 0; v < vertices; ++v) {
    VertexPlan vertex;
    vertex.name = v == 0 ? "Source" : v + 1 == vertices ? "Sink" : "Map " + std::to_string(v);
    vertex.parallelism = parallelism;
    if (v > 0) vertex.inputs = {static_cast<std::size_t>(v) - 1};
    plan.vertices.push_back(std::move(vertex));
  }
  return plan;
}

CheckpointPlan plain_checkpoints(DurationMs interval_ms, Random random) {
  CheckpointPlan plan;
  plan.config.interval = interval_ms;
  plan.config.timeout = 10 * kMinuteMs;
  plan.config.tolerable_failures = 3;
  plan.config.mode = "exactly_once";
  plan.config.state_backend = "HashMapStateBackend";
  plan.config.storage = "FileSystemCheckpointStorage";
  const double size = random.log_uniform(1e6, 5e9);
  const auto noise = std::make_shared<Random>(random);
  plan.full_bytes = [size, noise](TimestampMs) { return size * noise->around_one(0.02); };
  plan.duration_ms = [noise](TimestampMs) {
    return static_cast<DurationMs>(800 * noise->around_one(0.4));
  };
  return plan;
}

DurationMs scrape_of(const Ranges& ranges, Random& random) {
  return kSecondMs * ranges.draw_count("scrape_s", random);
}

Schedule::Schedule(double count, DurationMs per, Random& random)
    : mean_ms_(static_cast<double>(per) / count), random_(random.fork()) {
  next_ = kCaseStart + static_cast<DurationMs>(random_.exponential(mean_ms_));
}

bool Schedule::due(TimestampMs now) {
  if (mean_ms_ <= 0 || now < next_) return false;
  while (next_ <= now) next_ += 1 + static_cast<DurationMs>(random_.exponential(mean_ms_));
  return true;
}

double season(TimestampMs at, double amplitude, double weekend) {
  const DurationMs since = at - kCaseStart;
  const double hour = static_cast<double>(since % kDayMs) / kHourMs;
  const auto day = (since / kDayMs) % 7;  // Monday is 0
  const double tide = 1 - amplitude * std::cos((hour - 3) / 24 * 2 * std::numbers::pi);
  return tide * (day >= 5 ? 1 - weekend : 1);
}

}  // namespace doctor::detection
